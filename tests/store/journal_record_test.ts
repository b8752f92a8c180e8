import assert from "node:assert/strict";
import fc from "fast-check";
import { serialize } from "node:v8";
import { decodeJournalRecord, encodeJournalRecord } from "../../store/_journal_record.ts";

const part = fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.double({ noNaN: true }));
const key = fc.array(part, { minLength: 1, maxLength: 4 });
const plain = fc.oneof(fc.jsonValue(), fc.uint8Array());
const value = fc.oneof(
  { weight: 4, arbitrary: plain },
  fc.string({ unit: "binary" }),
  fc.dictionary(fc.string(), plain, { noNullPrototype: true }),
  fc.constantFrom<unknown>(undefined, NaN, -0, 2 ** 60, [, 1], { a: undefined }, new Map([[1, 2]])),
);
const set = fc.record(
  { key, value, expiresAt: fc.nat() },
  { requiredKeys: ["key", "value"], noNullPrototype: true },
);
const record = fc.record(
  { sets: fc.array(set, { maxLength: 5 }), deletes: fc.array(key, { maxLength: 5 }) },
  { noNullPrototype: true },
);
/** What the caller has left room for. */
const OFFSET = 8;

Deno.test("a record of the journal reads as it was written, whatever it has for values", () => {
  fc.assert(
    fc.property(record, (record) => {
      const { bytes } = encodeJournalRecord(record, OFFSET);
      // The file that it is read from has others before it.
      const file = new Uint8Array([1, 2, 3, ...bytes]);
      assert.deepEqual(decodeJournalRecord(file.subarray(3 + OFFSET)), record);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a record's own values do not change with those that the caller gave", () => {
  const value = { name: "a", list: [{ n: 1 }], bytes: new Uint8Array([1]) };
  for (const given of [value, { ...value, bytes: [1] }, value.bytes]) {
    const { own } = encodeJournalRecord({ sets: [{ key: ["k"], value: given }], deletes: [] }, 0);
    const before = structuredClone(own);
    if (given instanceof Uint8Array) given[0] = 9;
    else {
      given.name = "b";
      given.list[0]!.n = 2;
      given.bytes[0] = 9;
    }
    assert.deepEqual(own, before);
  }
});

Deno.test("records of an earlier version, which are in V8's format, are read", () => {
  const record = {
    sets: [{ key: ["log", 1], value: new Uint8Array([1, 2]), expiresAt: 5 }],
    deletes: [["log", 0]],
  };
  assert.deepEqual(decodeJournalRecord(serialize(record)), record);
});

Deno.test("what the service stores is written as it is, and not in V8's format", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  for (const value of [bytes, { v: 1, items: bytes, ledger: ["a"] }, { n: [1.5, null, "x"] }]) {
    const record = { sets: [{ key: ["log", 1], value, expiresAt: 7 }], deletes: [["log", 0]] };
    assert.equal(encodeJournalRecord(record, OFFSET).bytes[OFFSET], 1);
  }
});
