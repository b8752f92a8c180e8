import assert from "node:assert/strict";
import { jwtSessionId, Sessions, type SessionsOptions } from "../../auth/mod.ts";
import { ServiceError } from "../../core/errors.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const WHO = { context: "1", user: "7" };

Deno.test("a minted session is found by its token, and then at once", async () => {
  const { sessions } = setup();
  const { session, token } = await sessions.create({ ...WHO, client: "app" });
  assert.match(token, /^ses_[0-9a-f]{16}_[\w-]{43}$/);
  assert.deepEqual(await sessions.verify(token), session);
  assert.deepEqual(sessions.verify(token), session);
  assert.deepEqual(await sessions.get(session.id), session);
});

Deno.test("the store never sees a token, nor does anybody who reads a session", async () => {
  const { sessions, store } = setup();
  const { session, token } = await sessions.create(WHO);
  const records = await Array.fromAsync(store.list({ prefix: [] }));
  assert.equal(records.length, 2);
  assert.ok(!JSON.stringify(records).includes(token.slice(-43)));
  assert.ok(!("hash" in session) && !("hash" in (await sessions.get(session.id))!));
});

Deno.test("a token with the right id and a wrong secret is unknown, cached or not", async () => {
  const { sessions } = setup();
  const { token } = await sessions.create(WHO);
  const wrong = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  assert.equal(await sessions.verify(wrong), undefined);
  assert.ok(await sessions.verify(token));
  assert.equal(await sessions.verify(wrong), undefined);
});

for (
  const token of ["", "ses_", "ses_0123456789abcdef_x", `ses_${"0".repeat(16)}_${"/".repeat(43)}`]
) {
  Deno.test(`the token '${token}' is refused without asking the store`, () => {
    const { sessions } = setup();
    assert.equal(sessions.verify(token), undefined);
  });
}

Deno.test("a session ends with its time, cached or not", async () => {
  const { sessions, clock } = setup();
  const { token } = await sessions.create({ ...WHO, ttlMs: 10_000 });
  await sessions.verify(token);
  await clock.advance(9_999);
  assert.ok(await sessions.verify(token));
  await clock.advance(1);
  assert.equal(await sessions.verify(token), undefined);
});

Deno.test("a revoked session ends at once and the listeners are called", async () => {
  const { sessions } = setup();
  const { session, token } = await sessions.create(WHO);
  await sessions.verify(token);
  const delivered: string[] = [];
  const stop = sessions.onRevoked((id) => delivered.push(id));
  assert.equal(await sessions.revoke(session.id), true);
  assert.equal(await sessions.verify(token), undefined);
  assert.equal(await sessions.revoke(session.id), false);
  stop();
  await sessions.revoke(jwtSessionId("x"));
  assert.deepEqual(delivered, [session.id]);
});

Deno.test("a session that is revoked during a read is not cached", async () => {
  const { sessions, store } = setup();
  const { session, token } = await sessions.create(WHO);
  const get = store.get.bind(store);
  let release: (() => void) | undefined;
  store.get = async (key) => {
    const entry = await get(key);
    if (!release) await new Promise<void>((resolve) => release = resolve);
    return entry as never;
  };
  const reading = sessions.verify(token);
  await settle();
  await sessions.revoke(session.id);
  release!();
  assert.equal(await reading, undefined);
  assert.equal(await sessions.verify(token), undefined);
});

Deno.test("a revocation on another node takes effect when the cached copy expires", async () => {
  const { sessions, store, clock } = setup({ cacheMs: 1_000 });
  const elsewhere = new Sessions({ store, clock });
  const { session, token } = await sessions.create(WHO);
  await sessions.verify(token);
  await elsewhere.revoke(session.id);
  assert.ok(await sessions.verify(token));
  await clock.advance(1_000);
  assert.equal(await sessions.verify(token), undefined);
});

Deno.test("a user's sessions are listed and revoked together", async () => {
  const { sessions } = setup();
  const first = await sessions.create(WHO);
  const second = await sessions.create(WHO);
  const other = await sessions.create({ ...WHO, user: "8" });
  const ids = (await sessions.list("1", "7")).map(({ id }) => id).sort();
  assert.deepEqual(ids, [first.session.id, second.session.id].sort());
  assert.equal(await sessions.revokeUser("1", "7"), 2);
  assert.deepEqual(await sessions.list("1", "7"), []);
  assert.ok(await sessions.verify(other.token));
});

Deno.test("beyond the maximum a user's oldest session ends", async () => {
  const { sessions, clock } = setup({ maxPerUser: 2 });
  const tokens = [];
  for (let n = 0; n < 3; n++) {
    tokens.push((await sessions.create(WHO)).token);
    await clock.advance(1);
  }
  const live = await Promise.all(tokens.map((token) => sessions.verify(token)));
  assert.deepEqual(live.map((session) => session !== undefined), [false, true, true]);
});

Deno.test("no more sessions are held in memory than allowed", async () => {
  const { sessions } = setup({ cacheSize: 2 });
  const tokens = [];
  for (let n = 0; n < 3; n++) tokens.push((await sessions.create({ ...WHO, user: `${n}` })).token);
  for (const token of tokens) await sessions.verify(token);
  assert.ok(sessions.verify(tokens[0]!) instanceof Promise);
  assert.ok(!(sessions.verify(tokens[2]!) instanceof Promise));
});

Deno.test("a revoked JWT is remembered as long as one may be valid", async () => {
  const { sessions, clock } = setup();
  const id = jwtSessionId("abc");
  assert.equal(await sessions.isRevoked(id), false);
  assert.equal(await sessions.revoke(id), true);
  await clock.advance(31 * 86_400_000);
  assert.equal(await sessions.isRevoked(id), true);
  await clock.advance(86_400_000);
  assert.equal(await sessions.isRevoked(id), false);
});

Deno.test("a session whose revocation was answered with an error is not accepted any more", async () => {
  const changes: unknown[] = [];
  const { sessions, store } = setup({ onChanged: (change) => changes.push(change) });
  const { session, token } = await sessions.create(WHO);
  await sessions.verify(token);
  const delivered: string[] = [];
  sessions.onRevoked((id) => delivered.push(id));
  const commit = store.commit.bind(store);
  store.commit = async (changes) => {
    await commit(changes);
    throw new ServiceError("store_unavailable", "the answer was lost");
  };
  await assert.rejects(sessions.revoke(session.id), { code: "store_unavailable" });
  assert.equal(await sessions.verify(token), undefined);
  assert.deepEqual(delivered, [session.id]);
  assert.deepEqual(changes, [{ kind: "session", id: session.id }]);
});

Deno.test("faults in a request are named", async () => {
  const { sessions } = setup();
  await assert.rejects(
    sessions.create({ context: "", user: "a\u0000", client: "x".repeat(256), ttlMs: 1 }),
    (error) => {
      assert.ok(error instanceof ServiceError && error.code === "invalid_request");
      assert.deepEqual(
        error.faults.map(({ path }) => path),
        ["context", "user", "client", "ttl"],
      );
      return true;
    },
  );
});

function setup(options: Partial<SessionsOptions> = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  return { clock, store, sessions: new Sessions({ store, clock, ...options }) };
}
