/** The page for signing in. */

import { Layout, Notice } from "./_layout.tsx";

interface SignInPageProps {
  readonly error?: string | undefined;
  readonly notice?: string | undefined;
  /** Whether an OpenID Connect issuer is configured. */
  readonly hasIssuer: boolean;
}

/** The page. */
export function SignInPage({ error, notice, hasIssuer }: SignInPageProps) {
  return (
    <Layout title="Sign in">
      {error !== undefined && <Notice kind="error">{error}</Notice>}
      {notice !== undefined && <Notice>{notice}</Notice>}
      <form method="post" action="/console/sign-in" class="sign-in">
        <p class="field">
          <label for="key">API key</label>
          <input id="key" name="key" type="password" required autocomplete="current-password" />
        </p>
        <button type="submit">Sign in</button>
      </form>
      {hasIssuer && (
        <p>
          <a class="button" href="/console/oidc/start">Sign in with your organization</a>
        </p>
      )}
      <p>
        A key with scope <code>read</code> sees, one with scope <code>admin</code>{" "}
        also changes. The first start of the service prints an admin key.
      </p>
    </Layout>
  );
}
