import assert from "node:assert/strict";
import fc from "fast-check";
import { parseProperties } from "../../cascade/properties.ts";
import { mayNameTopic } from "../../cascade/schema.ts";

const APPSUITE = "com.openexchange.pns.transport.websocket.enabled.open-xchange-appsuite";

function read(text: string): [string, string][] {
  const { entries, faults } = parseProperties("a.properties", text, { colonInKey: mayNameTopic });
  assert.deepEqual(faults, []);
  return entries.map(({ key, value }) => [key, value]);
}

Deno.test("parseProperties() takes '=', ':' and blanks for separators", () => {
  assert.deepEqual(read("a=1\nb:2\nc 3\nd\t=\t4\ne : 5\nf =6"), [
    ["a", "1"],
    ["b", "2"],
    ["c", "3"],
    ["d", "4"],
    ["e", "5"],
    ["f", "6"],
  ]);
});

Deno.test("parseProperties() passes over comments and blank lines", () => {
  assert.deepEqual(read("# a=1\n  ! b=2\n\n \t\nc=3 # not a comment"), [[
    "c",
    "3 # not a comment",
  ]]);
});

Deno.test("parseProperties() keeps later separators in the value", () => {
  assert.deepEqual(read("a==1=2:3\nb = =\nurl:http://host:80/?a=b"), [
    ["a", "=1=2:3"],
    ["b", "="],
    ["url", "http://host:80/?a=b"],
  ]);
});

Deno.test("parseProperties() joins continued lines without the next line's indent", () => {
  assert.deepEqual(read("a = one, \\\n    two, \\\r\n\tthree\nb=1\\\\\nc=2"), [
    ["a", "one, two, three"],
    ["b", "1\\"],
    ["c", "2"],
  ]);
});

Deno.test("parseProperties() does not take a continued line for a comment", () => {
  assert.deepEqual(read("a=1\\\n#2"), [["a", "1#2"]]);
});

Deno.test("parseProperties() reads escapes in keys and values", () => {
  assert.deepEqual(read("a\\ b\\=c=\\t\\n\\u00e4\\uD83D\\uDE00\\q\\\\"), [
    ["a b=c", "\t\nä😀q\\"],
  ]);
});

Deno.test("parseProperties() reads every kind of line end and a byte order mark", () => {
  assert.deepEqual(read("\uFEFFa=1\r\nb=2\rc=3\n"), [["a", "1"], ["b", "2"], ["c", "3"]]);
});

Deno.test("parseProperties() reads a backslash at the end of the file as Java does", () => {
  assert.deepEqual(read("a=1\\"), [["a", "1"]]);
  assert.deepEqual(read("\\"), [["", ""]]);
  assert.deepEqual(read("\\\n# a comment, since the line before has nothing\na=1"), [["a", "1"]]);
});

for (
  const spelling of [
    `${APPSUITE}.ox:mail:new=true`,
    `${APPSUITE}.ox\\:mail\\:new=true`,
    `${APPSUITE}.ox:mail\\:new = true`,
    `${APPSUITE}.ox\\:mail\\:new: true`,
    `  ${APPSUITE}.ox:mail:new  =  true`,
  ]
) {
  Deno.test(`parseProperties() reads the topic of "${spelling}"`, () => {
    assert.deepEqual(read(spelling), [[`${APPSUITE}.ox:mail:new`, "true"]]);
  });
}

Deno.test("parseProperties() keeps Java's meaning of a colon in other keys", () => {
  assert.deepEqual(read("some.key:b=c"), [["some.key", "b=c"]]);
});

Deno.test("parseProperties() takes a colon before a value for the separator", () => {
  assert.deepEqual(read(`${APPSUITE}:true`), [[APPSUITE, "true"]]);
});

Deno.test("parseProperties() returns the places of keys and values", () => {
  const { entries } = parseProperties("f", "\n  key =  value\nb=\\\n   long");
  assert.deepEqual(entries.map(({ keyAt, valueAt }) => [keyAt, valueAt]), [
    [{ line: 2, column: 3 }, { line: 2, column: 10 }],
    [{ line: 3, column: 1 }, { line: 4, column: 4 }],
  ]);
});

Deno.test("parseProperties() reports faults with line and column and keeps the rest", () => {
  const { entries, faults } = parseProperties("f", "a=1\n = 2\nword\nb=x\\u12G4\n \\u0=1\nc=3");
  assert.deepEqual(entries.map(({ key }) => key), ["a", "", "word", "c"]);
  assert.deepEqual(faults.map(({ file, line, column, key }) => [file, line, column, key]), [
    ["f", 4, 4, "b"],
    ["f", 5, 2, "\\u0"],
  ]);
});

Deno.test("a key without a separator is empty, and is distinguished from one with a separator", () => {
  const { entries, faults } = parseProperties("f", "word\nempty=\nblank \nlong\\\n  er");
  assert.deepEqual(faults, []);
  assert.deepEqual(entries.map(({ key, value, separated }) => [key, value, separated]), [
    ["word", "", false],
    ["empty", "", true],
    ["blank", "", true],
    ["longer", "", false],
  ]);
});

Deno.test("parseProperties() survives any text", () => {
  const pieces = fc.array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("\\", "\n", "\r\n", "=", ":", " ", "\\u", "#", `${APPSUITE}.`, "ox:mail:new"),
    ),
  );
  fc.assert(fc.property(pieces, (parts) => {
    const text = parts.join("");
    const { entries, faults } = parseProperties("f", text, { colonInKey: mayNameTopic });
    const lines = text.split(/\r\n|\r|\n/).length;
    for (const { line, column } of [...faults, ...entries.map(({ keyAt }) => keyAt)]) {
      assert.ok(line >= 1 && line <= lines && column >= 1);
    }
  }));
});

Deno.test("parseProperties() gives back what was written with escapes", () => {
  const written = fc.array(fc.tuple(fc.string({ minLength: 1, unit: "binary" }), fc.string()));
  fc.assert(fc.property(written, (pairs) => {
    const text = pairs.map(([key, value]) => `${escape(key)}=${escape(value)}`).join("\n");
    assert.deepEqual(read(text), pairs);
  }));
});

Deno.test("parseProperties() reads a long line of colons in reasonable time", () => {
  const text = `${APPSUITE}.${"a:".repeat(200_000)}b=true`;
  assert.equal(read(text)[0]?.[1], "true");
});

function escape(text: string): string {
  return text.replaceAll(
    /[\\=:\s#!\uFEFF]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
