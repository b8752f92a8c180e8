import assert from "node:assert/strict";
import { MemoryStore } from "../../store/mod.ts";
import { storeContract } from "../contract/store_contract.ts";
import { FakeClock } from "../support/fake_clock.ts";

storeContract("memory", () => Promise.resolve(new MemoryStore({ clock: new FakeClock() })));

Deno.test("a record in memory expires", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  await store.commit({ sets: [{ key: ["k", 1], value: 1, expireInMs: 1_000 }] });
  await clock.advance(999);
  assert.equal((await store.get(["k", 1]))?.value, 1);
  await clock.advance(1);
  assert.equal(await store.get(["k", 1]), undefined);
  assert.deepEqual(await Array.fromAsync(store.list({ prefix: ["k"] })), []);
});

Deno.test("an expired record in memory counts as absent for a check", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  await store.commit({ sets: [{ key: ["k"], value: 1, expireInMs: 1_000 }] });
  await clock.advance(1_000);
  const commit = { checks: [{ key: ["k"], version: null }], sets: [{ key: ["k"], value: 2 }] };
  assert.equal(await store.commit(commit), true);
  assert.equal((await store.get(["k"]))?.value, 2);
});

Deno.test("setting a record in memory again without an expiry keeps it", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  await store.commit({ sets: [{ key: ["k"], value: 1, expireInMs: 1_000 }] });
  await store.commit({ sets: [{ key: ["k"], value: 2 }] });
  await clock.advance(5_000);
  await store.commit({ sets: [{ key: ["other"], value: 1 }] });
  assert.equal((await store.get(["k"]))?.value, 2);
});

Deno.test("a list over memory continues while records are added and deleted", async () => {
  await using store = new MemoryStore({ clock: new FakeClock() });
  for (let from = 0; from < 3_000; from += 1_000) {
    const sets = Array.from({ length: 1_000 }, (_, n) => ({ key: ["n", from + n], value: 1 }));
    await store.commit({ sets });
  }
  let seen = 0;
  for await (const { key } of store.list({ prefix: ["n"] })) {
    seen++;
    await store.commit({ deletes: [key] });
  }
  assert.equal(seen, 3_000);
  assert.deepEqual(await Array.fromAsync(store.list({ prefix: ["n"] })), []);
});
