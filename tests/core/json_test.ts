import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalJson, isJsonObject, type Json, parseJsonObject } from "../../core/json.ts";

/** As it would arrive: what JSON cannot say (−0 among it) never travels. */
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json);

Deno.test("canonical JSON reads back as the same value", () => {
  fc.assert(
    fc.property(json, (value) => {
      assert.deepEqual(JSON.parse(canonicalJson(value)), value);
    }),
    { numRuns: 500 },
  );
});

Deno.test("canonical JSON does not depend on the order of the fields, at any depth", () => {
  fc.assert(
    fc.property(
      json,
      (value) => assert.equal(canonicalJson(reversed(value)), canonicalJson(value)),
    ),
    { numRuns: 500 },
  );
});

Deno.test("different values have different canonical JSON", () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      assert.equal(canonicalJson(a) === canonicalJson(b), isDeepEqual(a, b));
    }),
    { numRuns: 500 },
  );
});

Deno.test("canonical JSON keeps the order of lists and leaves out undefined fields", () => {
  assert.equal(canonicalJson([2, 1]), "[2,1]");
  assert.equal(canonicalJson({ b: 1, a: undefined } as unknown as Json), '{"b":1}');
});

Deno.test("only plain objects count as JSON objects", () => {
  assert.deepEqual(
    [{}, { a: 1 }, [], null, "x", 1, undefined].map(isJsonObject),
    [true, true, false, false, false, false, false],
  );
});

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isJsonObject(value)) return value;
  // A field named __proto__ has to stay a field.
  const copy: Record<string, Json> = Object.create(null);
  for (const key of Object.keys(value).reverse()) copy[key] = reversed(value[key]!);
  return copy;
}

function isDeepEqual(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

Deno.test("parseJsonObject() takes objects only, and never throws", () => {
  assert.deepEqual(parseJsonObject('{"a":1}'), { a: 1 });
  for (const text of ["", "null", "[1]", '"x"', "<html>", "{"]) {
    assert.equal(parseJsonObject(text), undefined, text);
  }
});
