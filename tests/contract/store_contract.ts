/** The contract of every store. Each test opens a store of its own. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Store, StoreEntry, StoreKey } from "../../core/store.ts";
import { ServiceError } from "../../core/errors.ts";

/** Opens an empty store. The contract disposes of it. */
type OpenStore = () => Promise<Store>;

/** Registers one test per rule under the implementation's name. */
export function storeContract(name: string, open: OpenStore): void {
  function rule(text: string, check: (store: Store) => Promise<void>): void {
    Deno.test(`${name}: ${text}`, async () => {
      await using store = await open();
      await check(store);
    });
  }

  rule("an unknown key has no entry", async (store) => {
    assert.equal(await store.get(["nothing"]), undefined);
    assert.deepEqual(await store.getMany([["nothing"]]), [undefined]);
  });

  rule("a value is read back as it was set", async (store) => {
    const value = { v: 1, text: "é😀", list: [1, null, true], bytes: new Uint8Array([1, 2]) };
    assert.equal(await store.commit({ sets: [{ key: ["a", 1], value }] }), true);
    const entry = await store.get(["a", 1]);
    assert.deepEqual(entry?.value, value);
    assert.deepEqual(entry?.key, ["a", 1]);
  });

  rule("a stored value is not changed through the object that was set or read", async (store) => {
    const value = { list: [1] };
    await store.commit({ sets: [{ key: ["a"], value }] });
    value.list.push(2);
    (await store.get<typeof value>(["a"]))!.value.list.push(3);
    assert.deepEqual((await store.get(["a"]))?.value, { list: [1] });
  });

  rule("many keys that follow each other are read as each of them alone", async (store) => {
    const named = (n: number) => ["user", "1", `é${String(n).padStart(4, "0")}`];
    // Where there is nothing, where most are others' records, and where all are asked for.
    const stored = (n: number) => n >= 300 && (n < 900 || n % 7 === 0);
    const wanted = (n: number) => n < 400 || n >= 800 || n % 50 === 0;
    const numbers = Array.from({ length: 1_200 }, (_, n) => n);
    for (let at = 0; at < 1_200; at += 100) {
      const sets = numbers.slice(at, at + 100).filter(stored)
        .map((n) => ({ key: named(n), value: n }));
      if (sets.length > 0) await store.commit({ sets });
    }
    const below = [[...named(350), "below"], [...named(350), 1]];
    await store.commit({ sets: below.map((key) => ({ key, value: "below" })) });
    const asked = numbers.filter(wanted);
    const keys = [["context", "1"], ...asked.map(named), named(301), named(300), ...below];
    const values = (await store.getMany<unknown>(keys)).map((entry) => entry?.value);
    assert.deepEqual(values, [
      ...[undefined, ...asked.map((n) => stored(n) ? n : undefined)],
      ...[301, 300, "below", "below"],
    ]);
    const entries = (await store.getMany(keys)).map((entry) => entry?.key);
    assert.deepEqual(entries, keys.map((key, at) => values[at] === undefined ? undefined : key));
  });

  rule("the version of a key changes with every set and with nothing else", async (store) => {
    await store.commit({ sets: [{ key: ["a"], value: 1 }] });
    const first = await store.get(["a"]);
    await store.commit({ sets: [{ key: ["b"], value: 1 }] });
    assert.equal((await store.get(["a"]))?.version, first?.version);
    await store.commit({ sets: [{ key: ["a"], value: 1 }] });
    assert.notEqual((await store.get(["a"]))?.version, first?.version);
  });

  rule("a check holds for the version that was read", async (store) => {
    await store.commit({ sets: [{ key: ["a"], value: 1 }] });
    const { version } = (await store.get(["a"]))!;
    const commit = { checks: [{ key: ["a"], version }], sets: [{ key: ["a"], value: 2 }] };
    assert.equal(await store.commit(commit), true);
    assert.equal(await store.commit(commit), false);
  });

  rule("a check for null holds only while the key does not exist", async (store) => {
    const commit = { checks: [{ key: ["a"], version: null }], sets: [{ key: ["a"], value: 1 }] };
    assert.equal(await store.commit(commit), true);
    assert.equal(await store.commit(commit), false);
    await store.commit({ deletes: [["a"]] });
    assert.equal(await store.commit(commit), true);
  });

  rule("a commit whose check fails changes nothing at all", async (store) => {
    await store.commit({ sets: [{ key: ["kept"], value: 1 }] });
    const done = await store.commit({
      checks: [{ key: ["kept"], version: null }],
      sets: [{ key: ["new"], value: 1 }],
      deletes: [["kept"]],
    });
    assert.equal(done, false);
    assert.equal(await store.get(["new"]), undefined);
    assert.equal((await store.get(["kept"]))?.value, 1);
  });

  rule("of two commits on the same version one fails", async (store) => {
    await store.commit({ sets: [{ key: ["a"], value: 0 }] });
    const { version } = (await store.get(["a"]))!;
    const results = await Promise.all(
      [1, 2, 3, 4].map((value) =>
        store.commit({ checks: [{ key: ["a"], version }], sets: [{ key: ["a"], value }] })
      ),
    );
    assert.equal(results.filter((done) => done).length, 1);
  });

  rule("deleting what does not exist succeeds", async (store) => {
    assert.equal(await store.commit({ deletes: [["nothing"]] }), true);
  });

  rule("a key that one commit both deletes and sets is set", async (store) => {
    await store.commit({ sets: [{ key: ["a"], value: 1 }] });
    await store.commit({ sets: [{ key: ["a"], value: 2 }], deletes: [["a"]] });
    assert.equal((await store.get(["a"]))?.value, 2);
  });

  rule("getMany answers in the order of the keys, beyond one chunk", async (store) => {
    const keys = Array.from({ length: store.traits.maxGetMany * 3 + 1 }, (_, n) => ["k", n]);
    await store.commit({ sets: keys.slice(1).map((key) => ({ key, value: key[1] })) });
    const entries = await store.getMany<number>([...keys].reverse());
    assert.deepEqual(
      entries.map((entry) => entry?.value),
      [...keys.slice(1).map((key) => key[1]).reverse(), undefined],
    );
    assert.deepEqual(await store.getMany([]), []);
  });

  rule("list returns the keys below the prefix, and not the prefix itself", async (store) => {
    await fill(store, [["a"], ["a", 1], ["a", "b", "c"], ["ab"], ["a\u0000"], ["b", 1]]);
    assert.deepEqual(await keysOf(store.list({ prefix: ["a"] })), [["a", "b", "c"], ["a", 1]]);
  });

  rule("list begins at start, ends before end, and stops at the limit", async (store) => {
    await fill(store, [1, 2, 3, 4, 5].map((n) => ["n", n]));
    const list = (range: object) => keysOf(store.list({ prefix: ["n"], ...range }));
    assert.deepEqual(await list({ start: ["n", 4] }), [["n", 4], ["n", 5]]);
    assert.deepEqual(await list({ end: ["n", 3] }), [["n", 1], ["n", 2]]);
    assert.deepEqual(await list({ start: ["n", 2], end: ["n", 4] }), [["n", 2], ["n", 3]]);
    assert.deepEqual(await list({ limit: 2 }), [["n", 1], ["n", 2]]);
    assert.deepEqual(await list({ limit: 0 }), []);
    assert.deepEqual(await list({ limit: 2, reverse: true }), [["n", 5], ["n", 4]]);
    assert.deepEqual(
      await list({ start: ["n", 2], end: ["n", 4], reverse: true }),
      [["n", 3], ["n", 2]],
    );
  });

  rule("list returns more records than one page", async (store) => {
    const keys = Array.from({ length: 1_000 }, (_, n) => ["n", n]);
    await fill(store, keys);
    assert.deepEqual(await keysOf(store.list({ prefix: ["n"] })), keys);
    assert.deepEqual(await keysOf(store.list({ prefix: ["n"], reverse: true })), keys.reverse());
  });

  rule("strings sort before numbers, by code point, and numbers by value", async (store) => {
    const order: StoreKey[] = [
      ["o", ""],
      ["o", "", 1],
      ["o", "\u0000"],
      ["o", "a"],
      ["o", "a", "b"],
      ["o", "a\u0000b"],
      ["o", "ab"],
      ["o", "é"],
      ["o", "\ue000"],
      ["o", "😀"],
      ["o", -1e300],
      ["o", -1.5],
      ["o", -1],
      ["o", 0],
      ["o", 1],
      ["o", 1.5],
      ["o", 2 ** 53],
    ];
    await fill(store, order.toReversed());
    assert.deepEqual(await keysOf(store.list({ prefix: ["o"] })), order);
  });

  rule("any mix of commits has the result that a plain table would have", async (store) => {
    const key = fc.tuple(fc.constantFrom("a", "b"), fc.integer({ min: 0, max: 5 }));
    const step = fc.record({ key, value: fc.option(fc.integer()) });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 }),
        async (all) => {
          const prefix = `run${run++}`;
          const expected = new Map<string, number>();
          for (const steps of all) {
            const changes = new Map(steps.map(({ key, value }) => [JSON.stringify(key), value]));
            const parsed = [...changes].map(([key, value]) => [JSON.parse(key), value] as const);
            await store.commit({
              sets: parsed.filter(([, value]) => value !== null)
                .map(([key, value]) => ({ key: [prefix, ...key], value })),
              deletes: parsed.filter(([, value]) => value === null).map((
                [key],
              ) => [prefix, ...key]),
            });
            for (const [key, value] of changes) {
              if (value === null) expected.delete(key);
              else expected.set(key, value);
            }
          }
          const found: [string, number][] = [];
          for await (const { key, value } of store.list<number>({ prefix: [prefix] })) {
            found.push([JSON.stringify(key.slice(1)), value]);
          }
          assert.deepEqual(found, [...expected].sort(([a], [b]) => a < b ? -1 : 1));
        },
      ),
      { numRuns: 25 },
    );
  });

  rule("a value at the limit is accepted, and a larger one refused", async (store) => {
    const { maxValueBytes } = store.traits;
    const value = new Uint8Array(maxValueBytes);
    assert.equal(await store.commit({ sets: [{ key: ["cap"], value }] }), true);
    assert.equal((await store.get<Uint8Array>(["cap"]))?.value.byteLength, maxValueBytes);
    const larger = new Uint8Array(maxValueBytes + 1);
    await refused(store.commit({ sets: [{ key: ["larger"], value: larger }] }));
    assert.equal(await store.get(["larger"]), undefined);
  });

  rule("a commit at the limit of changes is accepted, and a larger one refused", async (store) => {
    const { maxCommitChanges } = store.traits;
    const sets = Array.from({ length: maxCommitChanges }, (_, n) => ({ key: ["c", n], value: n }));
    assert.equal(await store.commit({ sets }), true);
    await refused(store.commit({ sets: [...sets, { key: ["one more"], value: 1 }] }));
    assert.equal(await store.get(["one more"]), undefined);
  });

  rule("a commit above the limit of bytes is refused as a whole", async (store) => {
    const { maxCommitBytes, maxValueBytes } = store.traits;
    const value = new Uint8Array(maxValueBytes);
    const count = Math.ceil(maxCommitBytes / maxValueBytes) + 1;
    const sets = Array.from({ length: count }, (_, n) => ({ key: ["c", n], value }));
    await refused(store.commit({ sets }));
    assert.deepEqual(await keysOf(store.list({ prefix: ["c"] })), []);
  });

  rule("a record that expires later is still there", async (store) => {
    await store.commit({ sets: [{ key: ["a"], value: 1, expireInMs: 3_600_000.5 }] });
    assert.equal((await store.get(["a"]))?.value, 1);
  });

  rule("a closed store is unavailable, and may be closed again", async (store) => {
    await store[Symbol.asyncDispose]();
    const unavailable = (error: unknown) =>
      error instanceof ServiceError && error.code === "store_unavailable";
    await assert.rejects(store.get(["a"]), unavailable);
    await assert.rejects(store.getMany([["a"]]), unavailable);
    await assert.rejects(keysOf(store.list({ prefix: ["a"] })), unavailable);
    await assert.rejects(store.commit({ sets: [{ key: ["a"], value: 1 }] }), unavailable);
  });
}

async function fill(store: Store, keys: readonly StoreKey[]): Promise<void> {
  assert.equal(await store.commit({ sets: keys.map((key) => ({ key, value: 1 })) }), true);
}

async function keysOf(entries: AsyncIterable<StoreEntry<unknown>>): Promise<StoreKey[]> {
  const keys: StoreKey[] = [];
  for await (const { key } of entries) keys.push(key);
  return keys;
}

/** Exceeding a limit is a mistake of the caller, not an outage. */
async function refused(attempt: Promise<unknown>): Promise<void> {
  await assert.rejects(attempt, (error) => !(error instanceof ServiceError));
}
