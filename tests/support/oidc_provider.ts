/** A certified OpenID Connect issuer (`oidc-provider`) with pages that let anybody sign in. */

import { createServer } from "node:http";
import Provider from "oidc-provider";
import { freePort } from "./free_port.ts";

/** A listening issuer; the name that somebody signs in with is their subject. */
export interface OidcProvider extends AsyncDisposable {
  readonly url: string;
}

interface OidcProviderOptions {
  /** The address of the service, whose console is the client `carillon`. */
  readonly client: string;
  /** The roles of a subject. */
  readonly rolesOf: (subject: string) => readonly string[];
}

/** Starts one at `localhost`, which to a browser is another site than `127.0.0.1`. */
export async function startOidcProvider(
  { client, rolesOf }: OidcProviderOptions,
): Promise<OidcProvider> {
  const port = freePort();
  const url = `http://localhost:${port}`;
  const provider = new Provider(url, {
    clients: [{
      ...{ client_id: "carillon", client_secret: "hush-hush" },
      redirect_uris: [`${client}/console/oidc/callback`],
      post_logout_redirect_uris: [`${client}/console/sign-in`],
    }],
    cookies: { keys: ["a key of the tests"] },
    pkce: { required: () => true },
    // Only its userinfo endpoint tells the roles, as is usual.
    claims: { openid: ["sub"], roles: ["roles"] },
    scopes: ["openid", "roles"],
    findAccount: (_: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, roles: rolesOf(accountId) }),
    }),
  });
  const server = createServer(provider.callback());
  await new Promise<void>((resolve) => server.listen(port, "localhost", () => resolve()));
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
