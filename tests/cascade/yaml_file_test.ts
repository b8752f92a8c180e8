import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { issueFaults, parseYamlFile, type YamlFile } from "../../cascade/mod.ts";

function read(text: string): YamlFile {
  const parsed = parseYamlFile("a.yml", text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.yaml;
}

function faultsOf(text: string) {
  const parsed = parseYamlFile("a.yml", text);
  assert.ok(!parsed.ok);
  return parsed.faults.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

const TEXT = `first:
  name: one
  list: [a, { b: c }]
"second":
  empty:
  text: |
    long
`;

Deno.test("at() finds values, keys, list items and what is missing", () => {
  const yaml = read(TEXT);
  const at = (...path: (string | number)[]) => Object.values(yaml.at(path)).join(":");
  assert.equal(at(), "1:1");
  assert.equal(at("first"), "2:3");
  assert.equal(at("first", "name"), "2:9");
  assert.equal(at("first", "list", 0), "3:10");
  assert.equal(at("first", "list", 1, "b"), "3:18");
  assert.equal(at("first", "missing"), "1:1");
  assert.equal(at("first", "name", "deeper"), "2:3");
  assert.equal(at("second", "missing"), "4:1");
  assert.equal(at("second", "empty"), "5:3");
  assert.deepEqual(yaml.at(["first", "name"], { of: "key" }), { line: 2, column: 3 });
});

Deno.test("an empty file is null", () => {
  assert.equal(read("# only this\n").value, null);
  assert.equal(read("").value, null);
});

Deno.test("syntax errors have line and column", () => {
  assert.match(faultsOf("a: 1\nb: [1, 2\nc: 3")[0]!, /^3:1 /);
  assert.deepEqual(faultsOf("a: 1\na: 2"), ["2:1 Map keys must be unique"]);
});

Deno.test("a second document is a fault", () => {
  assert.equal(faultsOf("a: 1\n---\nb: 2").length, 1);
});

Deno.test("an alias without its anchor is a fault that does not quote it", () => {
  assert.deepEqual(faultsOf("a: 1\npassword: *hush"), [
    "2:11 there is no anchor before this alias",
  ]);
});

Deno.test("a scalar is the text that is written, as a value, in a list and as a name", () => {
  for (
    const text of ["0123", "1e3", "yes", "True", "0x1F", "1_000", "2024-01-01", "1.10", ".inf"]
  ) {
    assert.deepEqual(read(`a: ${text}\nb: [${text}]\n${text}: c`).value, {
      a: text,
      b: [text],
      [text]: "c",
    });
  }
});

Deno.test("what is empty, '~' or 'null' is null, and in quotes a text", () => {
  const { value } = read("a:\nb: ~\nc: null\nd: 'null'\ne: ''\nf: \"~\"");
  assert.deepEqual(value, { a: null, b: null, c: null, d: "null", e: "", f: "~" });
});

Deno.test("anchors can be merged into other entries", () => {
  const { value } = read("a: &base { x: 1 }\nb: { <<: *base, y: 2 }");
  assert.deepEqual(value, { a: { x: "1" }, b: { x: "1", y: "2" } });
});

Deno.test("aliases that multiply and brackets without end are faults", () => {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
  for (let n = 1; n < 9; n++) {
    lines.push(`a${n}: &a${n} [${Array(9).fill(`*a${n - 1}`).join(", ")}]`);
  }
  assert.equal(faultsOf(lines.join("\n")).length, 1);
  assert.ok(faultsOf("[".repeat(20_000)).length > 0);
});

Deno.test("issueFaults() returns the places of zod's issues, and quotes no value", () => {
  const schema = z.strictObject({ name: z.string(), port: z.number(), list: z.array(z.string()) });
  const yaml = read("entry:\n  name: [5]\n  list: [a, {}]\n  nmae: hush\n");
  const { error } = schema.safeParse((yaml.value as { entry: unknown }).entry);
  const faults = issueFaults(yaml, error!.issues, ["entry"]);
  assert.deepEqual(faults.map(({ line, column, message }) => `${line}:${column} ${message}`), [
    "2:9 'name': Invalid input: expected string, received array",
    "1:1 'port' is missing",
    "3:13 'list.1': Invalid input: expected string, received object",
    "4:3 'nmae' is not known here",
  ]);
});

Deno.test("parseYamlFile() survives any text", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(
      fc.constantFrom("a", ":", " ", "\n", "-", "[", "]", "{", "}", "&", "*", "|", "'", '"', "?"),
    )
      .map((parts) => parts.join("")),
  );
  fc.assert(fc.property(text, (input) => {
    const parsed = parseYamlFile("a.yml", input);
    if (parsed.ok) parsed.yaml.at(["a", 0, "b"]);
    else assert.ok(parsed.faults.length > 0);
  }));
});
