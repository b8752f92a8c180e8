import assert from "node:assert/strict";
import { ApiKeys } from "../../auth/mod.ts";
import { type ErrorCode, ServiceError } from "../../core/errors.ts";
import { allows } from "../../core/principal.ts";
import type { Store } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

const PUBLISHER = { name: "mail server", scopes: ["publish"] as const };

Deno.test("a key that was made is known at once, and after a restart", async () => {
  const { keys, store, clock } = await setup();
  const { key, secret } = await keys.create({ ...PUBLISHER, contexts: ["1", "2"] });
  assert.match(secret, /^car_[0-9a-f]{16}_[\w-]{43}$/);
  const restarted = await ApiKeys.load({ store, clock });
  for (const known of [keys, restarted]) {
    const principal = known.verify(secret)!;
    assert.equal(principal.id, `key:${key.id}`);
    assert.equal(principal.kind, "key");
    assert.equal(allows(principal, "publish", "1"), true);
    assert.equal(allows(principal, "publish", "3"), false);
    assert.equal(allows(principal, "admin"), false);
    assert.deepEqual(known.list(), [key]);
  }
});

Deno.test("the store never sees a secret", async () => {
  const { keys, store } = await setup();
  const { secret } = await keys.create(PUBLISHER);
  const records = await Array.fromAsync(store.list({ prefix: [] }));
  assert.equal(records.length, 1);
  assert.ok(!JSON.stringify(records).includes(secret.slice(-43)));
});

Deno.test("a secret that differs anywhere is unknown", async () => {
  const { keys } = await setup();
  const { secret } = await keys.create(PUBLISHER);
  const other = await keys.create(PUBLISHER);
  const changed = secret.slice(0, -1) + (secret.endsWith("A") ? "B" : "A");
  const mixed = secret.slice(0, 21) + other.secret.slice(21);
  for (const wrong of [changed, mixed, secret + "A", secret.toUpperCase(), "", "car_", "x"]) {
    assert.equal(keys.verify(wrong), undefined, wrong);
  }
});

Deno.test("a revoked key is worthless at once, and after a restart", async () => {
  const { keys, store, clock } = await setup();
  const { key, secret } = await keys.create(PUBLISHER);
  assert.equal(await keys.revoke(key.id), true);
  assert.equal(await keys.revoke(key.id), false);
  assert.equal(keys.verify(secret), undefined);
  assert.equal((await ApiKeys.load({ store, clock })).verify(secret), undefined);
});

Deno.test("a key is valid until it expires", async () => {
  const { keys, clock } = await setup();
  const { secret } = await keys.create({ ...PUBLISHER, expiresAt: clock.now() + 1_000 });
  await clock.advance(999);
  assert.ok(keys.verify(secret));
  await clock.advance(1);
  assert.equal(keys.verify(secret), undefined);
});

Deno.test("a key made elsewhere is known after a reload", async () => {
  const { keys, store, clock } = await setup();
  const elsewhere = await ApiKeys.load({ store, clock });
  const { secret } = await elsewhere.create(PUBLISHER);
  assert.equal(keys.verify(secret), undefined);
  await keys.reload();
  assert.ok(keys.verify(secret));
});

Deno.test("a key that is made while all are being read is not forgotten", async () => {
  const { store, clock } = await setup();
  const reading = Promise.withResolvers<void>();
  let reads = 0;
  const slow: Store = {
    ...overMemory(store),
    async *list<T>(range: Parameters<Store["list"]>[0]) {
      const entries = await Array.fromAsync(store.list<T>(range));
      if (++reads === 1) await reading.promise;
      yield* entries;
    },
  };
  const keys = new ApiKeys({ store: slow, clock });
  const reloaded = keys.reload();
  const { secret } = await keys.create(PUBLISHER);
  reading.resolve();
  await reloaded;
  assert.ok(keys.verify(secret));
  assert.equal(reads, 2);
});

Deno.test("of two reloads the one that began later is applied", async () => {
  const { store, clock, keys: elsewhere } = await setup();
  const reading = Promise.withResolvers<void>();
  let reads = 0;
  const slow: Store = {
    ...overMemory(store),
    async *list<T>(range: Parameters<Store["list"]>[0]) {
      const entries = await Array.fromAsync(store.list<T>(range));
      if (++reads === 1) await reading.promise;
      yield* entries;
    },
  };
  const keys = new ApiKeys({ store: slow, clock });
  const first = keys.reload();
  const { secret } = await elsewhere.create(PUBLISHER);
  await keys.reload();
  reading.resolve();
  await first;
  assert.ok(keys.verify(secret));
});

Deno.test("created and revoked keys are published to other nodes", async () => {
  const { store, clock } = await setup();
  const changes: unknown[] = [];
  const keys = new ApiKeys({ store, clock, onChanged: (change) => changes.push(change) });
  const { key } = await keys.create(PUBLISHER);
  await keys.revoke(key.id);
  assert.equal(await keys.revoke(key.id), false);
  assert.deepEqual(changes, [{ kind: "apiKeys" }, { kind: "apiKeys" }]);
});

Deno.test("the fixed admin key may do everything and is not stored", async () => {
  const adminKey = "a fixed key of some length";
  const { keys, store } = await setup(adminKey);
  assert.equal(allows(keys.verify(adminKey)!, "publish", "any"), true);
  assert.equal(keys.verify(adminKey.slice(1)), undefined);
  assert.equal(await keys.ensureAdminKey(), undefined);
  assert.deepEqual(await Array.fromAsync(store.list({ prefix: [] })), []);
});

Deno.test("a fixed admin key that is too short is a fault of the configuration", async () => {
  await assert.rejects(setup("short"), code("invalid_configuration"));
});

Deno.test("the first start makes one admin key, and later ones none", async () => {
  const { keys, store, clock } = await setup();
  const secret = await keys.ensureAdminKey();
  assert.equal(allows(keys.verify(secret!)!, "admin"), true);
  assert.equal(await keys.ensureAdminKey(), undefined);
  assert.equal(await (await ApiKeys.load({ store, clock })).ensureAdminKey(), undefined);
});

Deno.test("an admin key is created again if none for all contexts is left", async () => {
  const { keys, clock } = await setup();
  const first = await keys.ensureAdminKey();
  await keys.revoke(keys.list()[0]!.id);
  await keys.create({ ...PUBLISHER, scopes: ["admin"], contexts: ["1"] });
  await keys.create({ ...PUBLISHER, scopes: ["admin"], expiresAt: clock.now() + 1_000 });
  await clock.advance(1_000);
  const second = await keys.ensureAdminKey();
  assert.ok(second !== undefined && second !== first);
});

Deno.test("two nodes that start together make one admin key", async () => {
  const { keys, store, clock } = await setup();
  const other = await ApiKeys.load({ store, clock });
  const made = await Promise.all([keys.ensureAdminKey(), other.ensureAdminKey()]);
  const secrets = made.filter((secret) => secret !== undefined);
  assert.equal(secrets.length, 1);
  assert.ok(keys.verify(secrets[0]!));
  assert.ok(other.verify(secrets[0]!));
});

Deno.test("a request with several faults names them all", async () => {
  const { keys, store } = await setup();
  const request = { name: "", scopes: [], contexts: [""], expiresAt: 1 };
  await assert.rejects(keys.create(request), (error) => {
    assert.ok(error instanceof ServiceError && error.code === "invalid_request");
    assert.deepEqual(
      error.faults.map(({ path }) => path),
      ["name", "scopes", "contexts", "expiresAt"],
    );
    return true;
  });
  assert.deepEqual(await Array.fromAsync(store.list({ prefix: [] })), []);
});

async function setup(adminKey?: string) {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const keys = await ApiKeys.load({
    store,
    clock,
    ...(adminKey === undefined ? {} : { adminKey }),
  });
  return { clock, store, keys };
}

function code(expected: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof ServiceError && error.code === expected;
}

function overMemory(store: Store): Store {
  return {
    traits: store.traits,
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    list: (range) => store.list(range),
    commit: (commit) => store.commit(commit),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

Deno.test("a recently used key is refused as soon as it is revoked, reloaded without it, or expired", async () => {
  const { keys, store, clock } = await setup();
  const [revoked, removed, ending] = await Promise.all([
    keys.create(PUBLISHER),
    keys.create(PUBLISHER),
    keys.create({ ...PUBLISHER, expiresAt: clock.now() + 1_000 }),
  ]);
  for (const { secret } of [revoked, removed, ending]) {
    assert.ok(keys.verify(secret));
    assert.ok(keys.verify(secret));
  }
  await keys.revoke(revoked.key.id);
  assert.equal(keys.verify(revoked.secret), undefined);
  await store.commit({ deletes: [["apiKey", removed.key.id]] }); // as another node does it
  await keys.reload();
  assert.equal(keys.verify(removed.secret), undefined);
  assert.ok(keys.verify(ending.secret));
  await clock.advance(1_000);
  assert.equal(keys.verify(ending.secret), undefined);
});
