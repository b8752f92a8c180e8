import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeValue, encodeValue } from "../../redis/records/_values.ts";

Deno.test("plain data is stored as JSON", () => {
  assert.equal(encodeValue({ v: 1, list: ["é", null, true] }), 'j{"v":1,"list":["é",null,true]}');
});

Deno.test("every value that a record may contain comes back unchanged", () => {
  const leaf = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, undefined, -0, NaN, -Infinity, ""),
    fc.uint8Array(),
    fc.date(),
  );
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom("$bytes", "$", "$$undefined", "$number", "toString"),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, (value) => {
      assert.deepEqual(decodeValue(encodeValue(value)), value);
    }),
    { numRuns: 500 },
  );
});

Deno.test("a value that cannot be stored is refused", () => {
  for (const value of [new Map(), () => 1, Symbol("x"), { deep: [new URL("http://x")] }]) {
    assert.throws(() => encodeValue(value), TypeError);
  }
});

Deno.test("a value of a later version's type is not read as another one", () => {
  assert.throws(() => decodeValue('m{"$later":1}'), TypeError);
});
