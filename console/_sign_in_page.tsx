/** The page for signing in, and the one between it and the console. */

import { Layout, Notice } from "./_layout.tsx";

interface SignInPageProps {
  readonly error?: string | undefined;
  readonly notice?: string | undefined;
  /** Whether an OpenID Connect issuer is configured. */
  readonly hasIssuer: boolean;
  /** Whether the issuer should ask who it is, because who it knows may not come in. */
  readonly isAgain?: boolean;
  /** The page of the console to go to. */
  readonly returnTo?: string | undefined;
}

/** The page. */
export function SignInPage(
  { error, notice, hasIssuer, isAgain = false, returnTo }: SignInPageProps,
) {
  const query = new URLSearchParams({
    ...(isAgain && { again: "1" }),
    ...(returnTo !== undefined && { returnTo }),
  });
  return (
    <Layout title="Sign in">
      {error !== undefined && <Notice kind="error">{error}</Notice>}
      {notice !== undefined && <Notice>{notice}</Notice>}
      {hasIssuer && (
        <p>
          <a class="button" href={`/console/oidc/start?${query}`}>
            Sign in with your organization
          </a>
        </p>
      )}
      <form method="post" action="/console/sign-in" class="sign-in">
        {returnTo !== undefined && <input type="hidden" name="returnTo" value={returnTo} />}
        <p class="field">
          <label for="key">API key</label>
          <input id="key" name="key" type="password" required autocomplete="current-password" />
        </p>
        <button type="submit">Sign in</button>
      </form>
      <p>
        A key with scope <code>read</code> sees, one with scope <code>admin</code>{" "}
        also changes. The first start of the service prints an admin key.
      </p>
    </Layout>
  );
}

/** A page that leads on by itself: cookies for this site alone are sent with what it leads to. */
export function LeadOnPage({ title, to }: { readonly title: string; readonly to: string }) {
  return (
    <Layout title={title} leadsTo={to}>
      <p>
        <a class="button" href={to}>Continue</a>
      </p>
    </Layout>
  );
}
