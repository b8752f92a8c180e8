/**
 * Signing in by an OpenID Connect issuer: the code flow with PKCE (RFC 7636), state and nonce, by
 * `openid-client`. The library is loaded by the first sign-in, so it costs nothing where no issuer is
 * configured. What the issuer says is a value; who may do what follows from it in `_grants.ts`.
 */

import type * as OpenIdClient from "openid-client";
import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";

/** The issuer and this service's client there. An empty issuer: there is none. */
interface IssuerSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** Empty for a public client. */
  readonly clientSecret: string;
  readonly redirectUrl: string;
  readonly scopes: readonly string[];
  readonly rolesClaim: string;
  readonly timeoutMs: number;
}

/** What a browser keeps between the two halves of a sign-in. */
export interface SignInFlow {
  readonly state: string;
  readonly nonce: string;
  /** The code verifier of PKCE. */
  readonly verifier: string;
}

/** What the issuer says about somebody. */
interface IssuerUser {
  readonly claims: Readonly<Record<string, unknown>>;
  /** To be returned at the sign-out. */
  readonly idToken: string;
}

/** An answer of the issuer, or why there is none. The reason is for the log and has no secret. */
type IssuerAnswer<T> =
  | { readonly kind: "answer"; readonly value: T }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

interface IssuerOptions {
  readonly settings: () => IssuerSettings;
  readonly fetch: typeof fetch;
  readonly clock: Pick<Clock, "monotonic">;
}

/** What the issuer's discovery document says, for one set of settings. */
interface Discovered {
  readonly key: string;
  readonly at: number;
  readonly library: typeof OpenIdClient;
  readonly configuration: OpenIdClient.Configuration;
}

/** How long the discovery document counts. */
const DISCOVERY_MS = 3_600_000;

/** The issuer, as the settings say at the moment. */
export class Issuer {
  readonly #options: IssuerOptions;
  #known: Discovered | undefined;
  #asking: { readonly key: string; readonly discovered: Promise<Discovered> } | undefined;

  constructor(options: IssuerOptions) {
    this.#options = options;
  }

  /** Whether people can sign in by an issuer. */
  get isConfigured(): boolean {
    return this.#options.settings().issuer !== "";
  }

  /** Begins a sign-in; `again` has the issuer ask for the password once more. */
  begin(
    { again = false }: { readonly again?: boolean } = {},
  ): Promise<IssuerAnswer<{ readonly url: URL; readonly flow: SignInFlow }>> {
    return this.#ask(async ({ library, configuration }) => {
      const { redirectUrl, scopes } = this.#options.settings();
      const flow = {
        state: library.randomState(),
        nonce: library.randomNonce(),
        verifier: library.randomPKCECodeVerifier(),
      };
      const url = library.buildAuthorizationUrl(configuration, {
        ...{ redirect_uri: redirectUrl, scope: scopes.join(" ") },
        ...{ state: flow.state, nonce: flow.nonce },
        code_challenge: await library.calculatePKCECodeChallenge(flow.verifier),
        code_challenge_method: "S256",
        ...(again && { prompt: "login" }),
      });
      return { url, flow };
    });
  }

  /** Ends a sign-in with the query that the issuer sent the browser back with. */
  finish(query: string, flow: SignInFlow): Promise<IssuerAnswer<IssuerUser>> {
    return this.#ask(async ({ library, configuration }) => {
      const { redirectUrl, rolesClaim } = this.#options.settings();
      const callback = new URL(redirectUrl);
      callback.search = query;
      const tokens = await library.authorizationCodeGrant(configuration, callback, {
        ...{ expectedState: flow.state, expectedNonce: flow.nonce },
        ...{ pkceCodeVerifier: flow.verifier, idTokenExpected: true },
      });
      const claims = tokens.claims()!;
      const idToken = tokens.id_token!;
      // Many issuers put roles into the answer of this endpoint only, to keep tokens short.
      const isThin = claimOf(claims, rolesClaim) === undefined &&
        configuration.serverMetadata().userinfo_endpoint !== undefined;
      if (!isThin) return { claims, idToken };
      const more = await library.fetchUserInfo(configuration, tokens.access_token, claims.sub);
      return { claims: { ...more, ...claims }, idToken };
    });
  }

  /** Returns where a browser signs out at the issuer too; undefined where it offers that nowhere. */
  async endUrl(idToken: string): Promise<URL | undefined> {
    const answer = await this.#ask(({ library, configuration }) => {
      if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
      return library.buildEndSessionUrl(configuration, {
        id_token_hint: idToken,
        post_logout_redirect_uri: new URL("/console/sign-in", this.#options.settings().redirectUrl)
          .href,
        state: "out",
      });
    });
    return answer.kind === "answer" ? answer.value : undefined;
  }

  async #ask<T>(
    question: (discovered: Discovered) => T | Promise<T>,
  ): Promise<IssuerAnswer<T>> {
    let discovered: Discovered;
    try {
      discovered = await this.#discover();
    } catch (thrown) {
      return { kind: "unavailable", reason: reasonOf(thrown) };
    }
    try {
      return { kind: "answer", value: await question(discovered) };
    } catch (thrown) {
      return { kind: isOutage(thrown) ? "unavailable" : "refused", reason: reasonOf(thrown) };
    }
  }

  /** Returns what is known of the issuer; all who ask at the same time wait for one request. */
  async #discover(): Promise<Discovered> {
    const settings = this.#options.settings();
    const key = JSON.stringify(settings);
    const known = this.#known?.key === key ? this.#known : undefined;
    if (known && this.#options.clock.monotonic() - known.at < DISCOVERY_MS) return known;
    if (this.#asking?.key !== key) {
      const discovered = this.#request(settings, key).finally(() => this.#asking = undefined);
      this.#asking = { key, discovered };
    }
    try {
      return this.#known = await this.#asking.discovered;
    } catch (thrown) {
      // Endpoints hardly ever change: those of an hour ago are better than none.
      if (known) return known;
      throw thrown;
    }
  }

  async #request(settings: IssuerSettings, key: string): Promise<Discovered> {
    const library = await import("openid-client");
    const { issuer, clientId, clientSecret, timeoutMs } = settings;
    const configuration = await library.discovery(
      new URL(issuer),
      clientId,
      {},
      clientSecret === "" ? library.None() : secretAuthentication(library, clientSecret),
      {
        timeout: timeoutMs / 1000,
        [library.customFetch]: this.#options.fetch as OpenIdClient.CustomFetch,
        execute: [
          // Also checks the signature of an id token that comes from the issuer itself.
          library.enableNonRepudiationChecks,
          // The schema allows such an address on this machine only.
          ...(issuer.startsWith("http:") ? [library.allowInsecureRequests] : []),
        ],
      },
    );
    return { key, library, configuration, at: this.#options.clock.monotonic() };
  }
}

/** Returns a claim by its name, or else by its path with dots; undefined where there is none. */
export function claimOf(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let found: unknown = claims;
  for (const name of path.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) {
      return undefined;
    }
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** In the header, which is OpenID Connect's default, or in the body where the issuer wants that. */
function secretAuthentication(
  library: typeof OpenIdClient,
  secret: string,
): OpenIdClient.ClientAuth {
  const basic = library.ClientSecretBasic(secret);
  const post = library.ClientSecretPost(secret);
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    const authenticate = methods.includes("client_secret_basic") ? basic : post;
    authenticate(server, client, body, headers);
  };
}

/** Whether the issuer did not answer, or not as an issuer. `fetch` throws a `TypeError`. */
function isOutage(thrown: unknown): boolean {
  const { code, status = 0 } = thrown as { readonly code?: string; readonly status?: number };
  return (thrown instanceof TypeError && code === undefined) || status >= 500 ||
    code === "OAUTH_TIMEOUT" || code === "OAUTH_RESPONSE_IS_NOT_CONFORM";
}

function reasonOf(thrown: unknown): string {
  const { error, cause } = thrown as { readonly error?: unknown; readonly cause?: unknown };
  const detail = cause instanceof Error ? `: ${messageOf(cause, 200)}` : "";
  return `${messageOf(thrown, 200)}${detail}${typeof error === "string" ? ` (${error})` : ""}`;
}
