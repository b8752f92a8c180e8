import assert from "node:assert/strict";
import fc from "fast-check";
import { serialize } from "node:v8";
import { systemClock } from "../../core/clock.ts";
import { decodeKey, encodeKey } from "../../store/_key_order.ts";
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

Deno.test("the estimated size of a value is never below its stored size", () => {
  const value = fc.oneof(fc.jsonValue(), fc.string({ unit: "binary" }), fc.uint8Array());
  fc.assert(
    fc.property(fc.oneof(value, fc.dictionary(fc.string(), value)), (value) => {
      assert.ok(estimateBytes(value) >= serialize(value).byteLength);
    }),
    { numRuns: 500 },
  );
});
