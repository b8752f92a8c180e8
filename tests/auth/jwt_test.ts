import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { createJwtVerifier, type JwtOptions, jwtSessionId } from "../../auth/mod.ts";
import { type ErrorCode, ServiceError } from "../../core/errors.ts";
import { allows } from "../../core/principal.ts";
import { FakeClock } from "../support/fake_clock.ts";

const SECRET = "a shared secret of 32 bytes or so";
const JWKS = "https://issuer.example/jwks";

Deno.test("a token with user and context is a session of that user alone", async () => {
  const { verify, sign } = setup();
  const { principal, sessionId } = await verify(await sign({ sub: "7", ctx: 1, jti: "abc" }));
  assert.equal(sessionId, jwtSessionId("abc"));
  assert.deepEqual(principal, {
    id: `session:${sessionId}`,
    kind: "jwt",
    scopes: new Set(["subscribe"]),
    contexts: new Set(["1"]),
    user: { context: "1", user: "7", sessionId, expiresAt: Date.UTC(2026, 0, 1, 1) },
  });
  assert.equal(allows(principal, "publish", "1"), false);
});

Deno.test("without a jti the session id follows from the token", async () => {
  const { verify, sign } = setup();
  const token = await sign({ sub: "7", ctx: "1" });
  assert.equal((await verify(token)).sessionId, jwtSessionId(token));
});

Deno.test("a token with scopes is a publisher, tied to the contexts that it names", async () => {
  const { verify, sign } = setup();
  const claims = { sub: "mail", scope: "openid publish read", contexts: [1, "2"] };
  const { principal } = await verify(await sign(claims));
  assert.deepEqual(principal, {
    id: "jwt:mail",
    kind: "jwt",
    scopes: new Set(["publish", "read"]),
    contexts: new Set(["1", "2"]),
  });
  const tied = await verify(await sign({ sub: "mail", scope: "publish", ctx: "5" }));
  assert.equal(allows(tied.principal, "publish", "6"), false);
  const free = await verify(await sign({ sub: "mail", scope: "publish" }));
  assert.equal(allows(free.principal, "publish", "6"), true);
});

const BAD_CLAIMS: readonly [string, JWTPayload][] = [
  ["neither context nor scope", { sub: "7" }],
  ["no subject", { ctx: "1" }],
  ["an empty subject", { sub: "", ctx: "1" }],
  ["a subject with a control character", { sub: "a\u0000b", ctx: "1" }],
  ["a subject of 256 characters", { sub: "x".repeat(256), ctx: "1" }],
  ["a context that is an object", { sub: "7", ctx: {} }],
  ["a fractional context", { sub: "7", ctx: 1.5 }],
  ["a scope that is no text", { sub: "7", scope: ["admin"] }],
  ["contexts that are no list", { sub: "7", scope: "publish", contexts: "1" }],
];
for (const [what, claims] of BAD_CLAIMS) {
  Deno.test(`a token with ${what} is refused`, async () => {
    const { verify, sign } = setup();
    await assert.rejects(verify(await sign(claims)), code("unauthenticated"));
  });
}

Deno.test("a token is valid from nbf to exp, with the leeway at both ends", async () => {
  const { verify, sign, seconds } = setup();
  const accepted = async (exp: number, nbf: number) =>
    await verify(await sign({ sub: "7", ctx: "1", exp, nbf })).then(() => true, () => false);
  assert.equal(await accepted(seconds(-29), seconds(-60)), true);
  assert.equal(await accepted(seconds(-31), seconds(-60)), false);
  assert.equal(await accepted(seconds(60), seconds(29)), true);
  assert.equal(await accepted(seconds(60), seconds(31)), false);
});

Deno.test("a token without an end, or with one too far off, is refused", async () => {
  const { verify, sign, seconds } = setup();
  const endless = sign({ sub: "7", ctx: "1", exp: undefined });
  await assert.rejects(verify(await endless), code("unauthenticated"));
  const distant = sign({ sub: "7", ctx: "1", exp: seconds(32 * 86_400) });
  await assert.rejects(verify(await distant), code("unauthenticated"));
});

Deno.test("issuer and audience must be as configured", async () => {
  const { verify, sign } = setup({ issuer: "me", audience: "carillon" });
  const claims = { sub: "7", ctx: "1", iss: "me", aud: ["other", "carillon"] };
  await verify(await sign(claims));
  for (const wrong of [{ iss: "you" }, { aud: "other" }, { iss: undefined }, { aud: undefined }]) {
    await assert.rejects(verify(await sign({ ...claims, ...wrong })), code("unauthenticated"));
  }
});

Deno.test("a changed token, another secret, or no token at all is refused", async () => {
  const { verify, sign } = setup();
  const token = await sign({ sub: "7", ctx: "1" });
  const [head, , signature] = token.split(".");
  const forged = Buffer.from(JSON.stringify({ sub: "8", ctx: "1", exp: 2e9 })).toString(
    "base64url",
  );
  const foreign = await sign({ sub: "7", ctx: "1" }, { secret: SECRET.toUpperCase() });
  for (const wrong of [`${head}.${forged}.${signature}`, foreign, "a.b.c", "", "..", token + "A"]) {
    await assert.rejects(verify(wrong), code("unauthenticated"), wrong);
  }
});

Deno.test("an unsigned token is refused", async () => {
  const { verify, seconds } = setup();
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = part({ sub: "7", ctx: "1", exp: seconds(60) });
  for (const alg of ["none", "None", "NONE"]) {
    await assert.rejects(verify(`${part({ alg })}.${claims}.`), code("unauthenticated"));
    await assert.rejects(verify(`${part({ alg })}.${claims}.AAAA`), code("unauthenticated"));
  }
});

Deno.test("other symmetric algorithms are refused, even with the right secret", async () => {
  const { verify, sign } = setup();
  const token = sign({ sub: "7", ctx: "1" }, { alg: "HS512", secret: SECRET.repeat(2) });
  await assert.rejects(verify(await token), code("unauthenticated"));
});

Deno.test("a token signed by a published key is taken, and its keys are fetched once", async () => {
  const issuer = await publishing();
  for (let n = 0; n < 3; n++) {
    const { principal } = await issuer.verify(await issuer.sign());
    assert.equal(principal.user?.user, "7");
  }
  assert.equal(issuer.fetches(), 1);
});

Deno.test("a token signed by an unpublished key is refused", async () => {
  const issuer = await publishing();
  const other = await publishing();
  await assert.rejects(issuer.verify(await other.sign()), code("unauthenticated"));
});

Deno.test("a published key cannot be passed off as a shared secret", async () => {
  const issuer = await publishing();
  const both = await publishing({ secret: SECRET });
  const { sign } = setup();
  for (const { verify, publicKey } of [issuer, both]) {
    for (
      const secret of [await exportSPKI(publicKey), JSON.stringify(await exportJWK(publicKey))]
    ) {
      await assert.rejects(
        verify(await sign({ sub: "7", ctx: "1" }, { secret })),
        code("unauthenticated"),
      );
    }
  }
});

Deno.test("where only a secret is configured a published key is no way in", async () => {
  const { verify } = setup();
  const issuer = await publishing();
  await assert.rejects(verify(await issuer.sign()), code("unauthenticated"));
});

Deno.test("an issuer that cannot be reached is an outage, not a wrong token", async () => {
  const issuer = await publishing();
  const token = await issuer.sign();
  for (
    const fetch of [
      () => Promise.reject(new TypeError("connection refused")),
      () => Promise.resolve(new Response("", { status: 500 })),
      () => Promise.resolve(Response.json({ no: "keys" })),
    ]
  ) {
    const { verify } = await publishing({ fetch });
    await assert.rejects(verify(token), code("store_unavailable"));
  }
});

const BAD_OPTIONS: readonly [string, Partial<JwtOptions>][] = [
  ["no source of keys", {}],
  ["a secret of 31 bytes", { secret: "x".repeat(31) }],
  ["a JWKS address without TLS", { jwksUrl: "http://issuer.example/jwks" }],
  ["a JWKS address that is none", { jwksUrl: "issuer" }],
];
for (const [what, options] of BAD_OPTIONS) {
  Deno.test(`${what} is a fault of the configuration`, () => {
    assert.throws(
      () => createJwtVerifier({ clock: new FakeClock(), fetch, ...options }),
      code("invalid_configuration"),
    );
  });
}

function setup(options: Partial<JwtOptions> = {}) {
  const clock = new FakeClock();
  const verify = createJwtVerifier({ clock, fetch, secret: SECRET, ...options });
  const seconds = (delta: number) => Math.floor(clock.now() / 1000) + delta;
  function sign(claims: Record<string, unknown>, { alg = "HS256", secret = SECRET } = {}) {
    return new SignJWT({ exp: seconds(3_600), ...claims }).setProtectedHeader({ alg })
      .sign(new TextEncoder().encode(secret));
  }
  return { clock, verify, sign, seconds };
}

async function publishing(options: Partial<JwtOptions> = {}) {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const clock = new FakeClock();
  let fetches = 0;
  async function fetch() {
    fetches++;
    return Response.json({ keys: [{ ...await exportJWK(publicKey), kid: "k", alg: "ES256" }] });
  }
  const verify = createJwtVerifier({ clock, fetch, jwksUrl: JWKS, ...options });
  const exp = Math.floor(clock.now() / 1000) + 3_600;
  function sign() {
    return new SignJWT({ sub: "7", ctx: "1", exp }).setProtectedHeader({ alg: "ES256", kid: "k" })
      .sign(privateKey);
  }
  return { verify, sign, publicKey, fetches: () => fetches };
}

function code(expected: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof ServiceError && error.code === expected;
}
