/** An OpenID Connect issuer for tests, which also signs what no issuer should. */

import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";

/** What the next id token is like; absent fields are as they should be. */
interface NextToken {
  /** Replaces claims; one that is `undefined` is left out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** `none`: unsigned; `stranger`: signed with a key that the issuer does not publish. */
  readonly signature?: "none" | "stranger";
  /** The answer of the token endpoint, in the place of a token. */
  readonly status?: number;
}

interface Authorization {
  readonly nonce: string;
  readonly challenge: string;
}

/** A listening issuer. */
export class FakeIssuer implements AsyncDisposable {
  next: NextToken = {};
  /** What the userinfo endpoint adds. */
  userinfo: Readonly<Record<string, unknown>> = {};
  /** The requests so far, by path. */
  readonly asked: string[] = [];
  /** While set, nothing is answered until the caller gives up. */
  hangs = false;
  readonly #codes = new Map<string, Authorization>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #keys: Awaited<ReturnType<typeof keysOf>>;

  constructor(keys: Awaited<ReturnType<typeof keysOf>>, port: number) {
    this.#keys = keys;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen() {} },
      (request) => this.#answer(request),
    );
  }

  static async start(port = 0): Promise<FakeIssuer> {
    return new FakeIssuer(await keysOf(), port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** The properties of a service at `address` whose console knows this issuer. */
  properties(address: string): Record<string, string> {
    return {
      "io.carillon.console.oidc.issuer": this.url,
      "io.carillon.console.oidc.clientId": "carillon",
      "io.carillon.console.oidc.clientSecret": "hush-hush",
      "io.carillon.console.oidc.redirectUrl": `${address}/console/oidc/callback`,
    };
  }

  /** Lets somebody sign in; returns the query that the browser comes back with. */
  authorize(url: URL, answer: Readonly<Record<string, string>> = {}): URLSearchParams {
    const { nonce, state, code_challenge: challenge } = Object.fromEntries(url.searchParams);
    const code = crypto.randomUUID();
    this.#codes.set(code, { nonce: nonce!, challenge: challenge! });
    return new URLSearchParams({ code, state: state!, iss: this.url, ...answer });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    this.asked.push(pathname);
    if (this.hangs) {
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      return new Response(null, { status: 503 });
    }
    switch (pathname) {
      case "/.well-known/openid-configuration":
        return Response.json({
          ...{ issuer: this.url, authorization_endpoint: `${this.url}/auth` },
          ...{ token_endpoint: `${this.url}/token`, jwks_uri: `${this.url}/jwks` },
          ...{ userinfo_endpoint: `${this.url}/userinfo` },
          end_session_endpoint: `${this.url}/end`,
          id_token_signing_alg_values_supported: ["ES256"],
        });
      case "/jwks":
        return Response.json({ keys: [this.#keys.jwk] });
      case "/userinfo":
        return Response.json({ sub: "jane-1", ...this.userinfo });
      case "/token":
        return await this.#token(new URLSearchParams(await request.text()));
      default:
        return new Response(null, { status: 404 });
    }
  }

  async #token(form: URLSearchParams): Promise<Response> {
    const { claims = {}, signature, status } = this.next;
    if (status !== undefined) return new Response("<html>", { status });
    const code = form.get("code")!;
    const authorized = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = await challengeOf(form.get("code_verifier") ?? "");
    if (authorized?.challenge !== challenge) {
      return Response.json({ error: "invalid_grant" }, { status: 400 });
    }
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      ...{ iss: this.url, aud: "carillon", sub: "jane-1", iat: now, exp: now + 300 },
      ...{ nonce: authorized.nonce, roles: ["viewer"], preferred_username: "jane", ...claims },
    };
    const { own, stranger } = this.#keys;
    const signing = signature === "stranger" ? stranger : own;
    const idToken = signature === "none"
      ? new UnsecuredJWT(payload).encode()
      : await new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "1" }).sign(signing);
    return Response.json({ access_token: "access", token_type: "bearer", id_token: idToken });
  }
}

async function keysOf() {
  const own = await generateKeyPair("ES256");
  const { privateKey: stranger } = await generateKeyPair("ES256");
  const jwk = { ...await exportJWK(own.publicKey), kid: "1", alg: "ES256", use: "sig" };
  return { own: own.privateKey, stranger, jwk };
}

async function challengeOf(verifier: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return new Uint8Array(hash).toBase64({ alphabet: "base64url", omitPadding: true });
}
