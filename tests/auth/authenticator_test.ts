import assert from "node:assert/strict";
import { SignJWT } from "jose";
import {
  ApiKeys,
  bearer,
  createAuthenticator,
  createJwtVerifier,
  jwtSessionId,
  Sessions,
} from "../../auth/mod.ts";
import { ServiceError } from "../../core/errors.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

const SECRET = "a shared secret of 32 bytes or so";
const WHO = { context: "1", user: "7" };

Deno.test("an API key is checked at once", async () => {
  const { authenticate, keys } = await setup();
  const { key, secret } = await keys.create({ name: "x", scopes: ["publish"] });
  const principal = authenticate(secret);
  assert.ok(!(principal instanceof Promise));
  assert.equal(principal.id, `key:${key.id}`);
});

Deno.test("a minted session acts for its user only, and at once when it is known", async () => {
  const { authenticate, sessions } = await setup();
  const { session, token } = await sessions.create(WHO);
  const principal = await authenticate(token);
  assert.deepEqual(principal, {
    id: `session:${session.id}`,
    kind: "session",
    scopes: new Set(["subscribe"]),
    contexts: new Set(["1"]),
    user: { ...WHO, sessionId: session.id, expiresAt: session.expiresAt },
  });
  assert.ok(!(authenticate(token) instanceof Promise));
});

Deno.test("a JWT is taken until it is revoked", async () => {
  const { authenticate, sessions, clock } = await setup();
  const token = await jwt(clock, "abc");
  assert.equal((await authenticate(token)).user?.user, "7");
  await sessions.revoke(jwtSessionId("abc"));
  await assert.rejects(Promise.resolve(authenticate(token)), unauthenticated);
  assert.ok(await authenticate(await jwt(clock, "another")));
});

Deno.test("a JWT is unknown where none are configured", async () => {
  const { clock, keys, sessions } = await setup();
  const authenticate = createAuthenticator({ keys, sessions });
  const token = await jwt(clock, "abc");
  assert.throws(() => authenticate(token), unauthenticated);
});

Deno.test("a revoked session is refused", async () => {
  const { authenticate, sessions } = await setup();
  const { session, token } = await sessions.create(WHO);
  await authenticate(token);
  await sessions.revoke(session.id);
  await assert.rejects(Promise.resolve(authenticate(token)), unauthenticated);
});

const UNKNOWN = [
  undefined,
  "",
  "x",
  "car_",
  "ses_",
  "a.b",
  "💥",
  "x".repeat(4096),
  "x".repeat(4097),
];
for (const credential of UNKNOWN) {
  Deno.test(`'${credential?.slice(0, 20)}' (${credential?.length}) is refused and not repeated`, async () => {
    const { authenticate } = await setup();
    assert.throws(() => authenticate(credential), (error) => {
      assert.ok(unauthenticated(error));
      if (credential && credential.length > 5) {
        assert.ok(!(error as Error).message.includes(credential));
      }
      return true;
    });
  });
}

Deno.test("a credential that is too long is refused before it is hashed", async () => {
  const { sessions } = await setup();
  let asked = false;
  const keys = { verify: () => (asked = true, undefined) };
  const authenticate = createAuthenticator({ keys, sessions });
  assert.throws(() => authenticate("x".repeat(4097)), unauthenticated);
  assert.equal(asked, false);
});

const HEADERS: readonly [string | null | undefined, string | undefined][] = [
  ["Bearer abc", "abc"],
  ["bearer   abc==", "abc=="],
  ["BEARER a.b-c_d~e+f/g", "a.b-c_d~e+f/g"],
  ["Bearer abc ", "abc"],
  ["Bearer", undefined],
  ["Bearer ", undefined],
  ["Bearer a b", undefined],
  ["Bearerabc", undefined],
  ["Basic abc", undefined],
  ["", undefined],
  [null, undefined],
  [undefined, undefined],
];
for (const [header, expected] of HEADERS) {
  Deno.test(`the header '${header}' carries ${expected ?? "nothing"}`, () => {
    assert.equal(bearer(header), expected);
  });
}

async function setup() {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const keys = await ApiKeys.load({ store, clock });
  const sessions = new Sessions({ store, clock });
  const verify = createJwtVerifier({ clock, secret: SECRET, fetch });
  return {
    clock,
    keys,
    sessions,
    authenticate: createAuthenticator({ keys, sessions, jwt: verify }),
  };
}

function jwt(clock: FakeClock, jti: string): Promise<string> {
  const exp = Math.floor(clock.now() / 1000) + 3_600;
  return new SignJWT({ sub: "7", ctx: 1, exp, jti }).setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SECRET));
}

function unauthenticated(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "unauthenticated";
}
