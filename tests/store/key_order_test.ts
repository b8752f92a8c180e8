import assert from "node:assert/strict";
import fc from "fast-check";
import { serialize } from "node:v8";
import { systemClock } from "../../core/clock.ts";
import { decodeKey, encodeKey } from "../../store/_key_order.ts";
import { SortedKeys } from "../../store/_sorted_keys.ts";
import { estimateBytes } from "../../core/stored_size.ts";
import { openKvStore } from "../../store/mod.ts";

const part = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "\u0000", "a\u0000", "a"),
  fc.double({ noNaN: true }),
  fc.integer(),
);

Deno.test("encoded keys sort as Deno KV sorts the keys", async () => {
  await using store = await openKvStore(":memory:", { clock: systemClock, random: () => 0.5 });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(part, { minLength: 1, maxLength: 3 })), async (keys) => {
      const prefix = run++;
      if (keys.length === 0) return;
      await store.commit({ sets: keys.map((key) => ({ key: [prefix, ...key], value: 1 })) });
      const listed = await Array.fromAsync(store.list({ prefix: [prefix] }));
      const texts = listed.map(({ key }) => encodeKey(key.slice(1)));
      assert.deepEqual(texts, [...new Set(keys.map(encodeKey))].sort());
    }),
    { numRuns: 50 },
  );
});

Deno.test("a decoded key equals the one that was encoded", () => {
  // Deno KV cannot tell texts apart that are not well-formed Unicode either.
  const readable = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("\0\0", "\0a", "ÿ", "\ufeffa"),
    part,
  );
  fc.assert(
    fc.property(fc.array(readable, { maxLength: 4 }), (key) => {
      const wellFormed = key.map((one) => typeof one === "string" ? one.toWellFormed() : one);
      assert.deepEqual(decodeKey(encodeKey(wellFormed)), wellFormed);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("SortedKeys returns the pages that a sorted array would", () => {
  const key = fc.string({ maxLength: 2 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(key, fc.boolean()), { maxLength: 300 }),
      key,
      key,
      fc.nat({ max: 20 }),
      fc.boolean(),
      (changes, lower, upper, limit, reverse) => {
        const keys = new SortedKeys();
        const model = new Set<string>();
        for (const [key, add] of changes) {
          if (add && !model.has(key)) keys.add(key);
          if (!add) keys.delete(key);
          if (add) model.add(key);
          else model.delete(key);
        }
        const expected = [...model].sort().filter((key) => key >= lower && key < upper);
        if (reverse) expected.reverse();
        assert.deepEqual(keys.page({ lower, upper, limit, reverse }), expected.slice(0, limit));
      },
    ),
  );
});

Deno.test("a large set of sorted keys stays in order, whatever the order of insertion", () => {
  const keys = new SortedKeys();
  const all = Array.from({ length: 5_000 }, (_, n) => String((n * 7919) % 5_000).padStart(4, "0"));
  for (const key of all) keys.add(key);
  const page = (reverse: boolean) => keys.page({ lower: "", upper: "a", limit: 1e9, reverse });
  assert.deepEqual(page(false), all.toSorted());
  assert.deepEqual(page(true), all.toSorted().reverse());
  for (const key of all.slice(100)) keys.delete(key);
  assert.deepEqual(page(false), all.slice(0, 100).sort());
});

Deno.test("the estimated size of a value is never below its stored size", () => {
  const value = fc.oneof(fc.jsonValue(), fc.string({ unit: "binary" }), fc.uint8Array());
  fc.assert(
    fc.property(fc.oneof(value, fc.dictionary(fc.string(), value)), (value) => {
      assert.ok(estimateBytes(value) >= serialize(value).byteLength);
    }),
    { numRuns: 500 },
  );
});
