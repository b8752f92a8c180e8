import assert from "node:assert/strict";
import fc from "fast-check";
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

Deno.test("a list over memory has the records that a sorted array would", async () => {
  const name = fc.string({ maxLength: 2 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(name, fc.boolean()), { maxLength: 300 }),
      fc.record({ lower: name, upper: name, limit: fc.nat({ max: 20 }), reverse: fc.boolean() }),
      async (changes, { lower, upper, limit, reverse }) => {
        await using store = new MemoryStore({ clock: new FakeClock() });
        const model = new Set<string>();
        for (const [name, add] of changes) {
          const key = ["n", name];
          await store.commit(add ? { sets: [{ key, value: 1 }] } : { deletes: [key] });
          if (add) model.add(name);
          else model.delete(name);
        }
        const expected = [...model].sort().filter((name) => name >= lower && name < upper);
        if (reverse) expected.reverse();
        const range = { prefix: ["n"], start: ["n", lower], end: ["n", upper], limit, reverse };
        const listed = await Array.fromAsync(store.list(range), ({ key }) => key[1]);
        assert.deepEqual(listed, expected.slice(0, limit));
      },
    ),
  );
});

Deno.test("many records in memory are listed in order, whatever the order of insertion", async () => {
  await using store = new MemoryStore({ clock: new FakeClock() });
  const all = Array.from({ length: 5_000 }, (_, n) => String((n * 7919) % 5_000).padStart(4, "0"));
  for (const name of all) await store.commit({ sets: [{ key: ["n", name], value: 1 }] });
  const list = (reverse: boolean) =>
    Array.fromAsync(store.list({ prefix: ["n"], reverse }), ({ key }) => key[1]);
  assert.deepEqual(await list(false), all.toSorted());
  assert.deepEqual(await list(true), all.toSorted().reverse());
  for (const name of all.slice(100)) await store.commit({ deletes: [["n", name]] });
  assert.deepEqual(await list(false), all.slice(0, 100).sort());
});
