import assert from "node:assert/strict";
import { type ContextSet, matchingSets, readContextSets } from "../../cascade/context_sets.ts";
import type { Findings } from "../../cascade/_admit.ts";

const NOBODY = { context: "1", types: [], permissions: [] };

function read(text: string): { sets: readonly ContextSet[] } & Findings {
  const findings: Findings = { faults: [], warnings: [] };
  const sets = readContextSets({ file: "contextSets/a.yml", text }, findings);
  return { sets, ...findings };
}

function matching(text: string, subject: Partial<Parameters<typeof matchingSets>[1]>) {
  const { sets, faults } = read(text);
  assert.deepEqual(faults, []);
  return matchingSets(sets, { ...NOBODY, ...subject }).map((index) => sets[index]!.name);
}

Deno.test("a set matches by the id of the context, its name, types and permissions", () => {
  const text = `
id: { withTags: "4711" }
name: { withTags: example.com }
taxonomy: { withTags: gold & silver }
types: { withTags: special }
permission: { withTags: ucWebMail & !ucCalendar }
`;
  assert.deepEqual(matching(text, { context: "4711" }), ["id"]);
  assert.deepEqual(matching(text, { contextName: "example.com" }), ["name"]);
  assert.deepEqual(matching(text, { taxonomyTypes: "silver, gold" }), ["taxonomy"]);
  assert.deepEqual(matching(text, { types: ["special"] }), ["types"]);
  assert.deepEqual(matching(text, { permissions: ["ucWebMail"] }), ["permission"]);
});

Deno.test("an unquoted number is a tag, too", () => {
  assert.deepEqual(matching("a: { withTags: 4711 }", { context: "4711" }), ["a"]);
});

Deno.test("added tags count for entries above and below, until nothing new is added", () => {
  const text = `
third: { withTags: c, addTags: d }
first: { withTags: a, addTags: "b, x" }
second: { withTags: b & x, addTags: c }
last: { withTags: d }
other: { withTags: e }
`;
  assert.deepEqual(matching(text, { types: ["a"] }), ["third", "first", "second", "last"]);
});

Deno.test("entries that add tags to each other do not loop", () => {
  const text = "a: { withTags: x | z, addTags: y }\nb: { withTags: y, addTags: z }\n" +
    "c: { withTags: '!w', addTags: w }";
  assert.deepEqual(matching(text, { types: ["x"] }), ["a", "b"]);
});

Deno.test("values are taken as texts and checked, with their place", () => {
  const { sets, faults } = read(`a:
  withTags: x
  com.openexchange.websockets.enabled: false
  com.openexchange.pns.transport.gcm.enabled.client.ox:mail:new: true
  com.openexchange.pns.transport.wns.enabled: maybe
`);
  assert.deepEqual(
    [...sets[0]!.settings].map(([name, { value, source }]) => [name, value, source]),
    [
      ["com.openexchange.websockets.enabled", false, "contextSets/a.yml:3:3"],
      [
        "com.openexchange.pns.transport.gcm.enabled.client.ox:mail:new",
        true,
        "contextSets/a.yml:4:3",
      ],
    ],
  );
  assert.deepEqual(faults.map(({ line, column }) => [line, column]), [[5, 47]]);
});

for (
  const [word, value] of [
    ...["yes", "Yes", "YES", "on", "On", "true", "TRUE"].map((word) => [word, true] as const),
    ...["no", "No", "NO", "off", "OFF", "false", "False"].map((word) => [word, false] as const),
  ]
) {
  Deno.test(`a switch that is set to ${word} is ${value}`, () => {
    const name = "com.openexchange.pns.transport.wns.enabled.client";
    const { sets, faults } = read(`a: { withTags: x, ${name}: ${word} }`);
    assert.deepEqual(faults, []);
    assert.equal(sets[0]!.settings.get(name)?.value, value);
  });
}

Deno.test("texts and tags are what is written in the file", () => {
  const name = "com.openexchange.pns.mobile.api.facade.apn.sound.filename";
  for (const text of ["0123", "1e3", "yes", "off", "1.10"]) {
    const { sets, faults } = read(`a: { withTags: ${text}, addTags: ${text}, ${name}: ${text} }`);
    assert.deepEqual(faults, []);
    assert.deepEqual(sets[0]!.withTags, read(`a: { withTags: '${text}' }`).sets[0]!.withTags);
    assert.deepEqual(sets[0]!.addTags, [text]);
    assert.equal(sets[0]!.settings.get(name)?.value, text);
  }
});

Deno.test("a fault in an expression is found within the file", () => {
  const places = [
    ["a:\n  withTags: x & | y\n", [2, 17]],
    ["a:\n  withTags: 'x & | y'\n", [2, 18]],
    ["a:\n  withTags: |\n    x & | y\n", [2, 13]],
  ] as const;
  for (const [text, [line, column]] of places) {
    const [fault] = read(text).faults;
    assert.deepEqual([fault?.line, fault?.column], [line, column], text);
    assert.match(fault!.message, /column 5 of the expression/);
  }
});

Deno.test("an entry needs 'withTags' and single values", () => {
  const { faults } = read(`
one:
  com.openexchange.websockets.enabled: false
two: 7
three:
  withTags: [a, b]
four:
  withTags: a
  com.openexchange.websockets.enabled: [true]
  addTags: a b
`);
  assert.deepEqual(faults.map(({ line, message }) => `${line} ${message}`), [
    "2 'one' has no 'withTags'",
    "4 'two' must have 'withTags' and properties",
    "6 'withTags' must be a single value",
    "9 'com.openexchange.websockets.enabled' must be a single value",
    "10 'addTags': 'a b' cannot be a tag",
  ]);
});

Deno.test("a file that is no map or no YAML is a fault where it names a key of ours", () => {
  const key = "com.openexchange.websockets.enabled";
  assert.equal(read(`- ${key}\n- b`).faults.length, 1);
  assert.deepEqual(read(`${key}: [1\nb: 2`).faults.map(({ line }) => line), [2]);
  for (const foreign of ["- a\n- b", "a: [1\nb: 2", "a:\n\tb: 1"]) {
    const { faults, warnings } = read(foreign);
    assert.deepEqual([faults.length, warnings.length > 0], [0, true], foreign);
  }
  assert.deepEqual(read("# nothing\n"), { sets: [], faults: [], warnings: [] });
});

Deno.test("properties of other programs may have lists, fields and repetitions", () => {
  const { sets, faults, warnings } = read(`a:
  withTags: x
  com.openexchange.mail.folders: [INBOX, Sent]
  com.openexchange.mail.more: { a: 1 }
  com.openexchange.mail.twice: 1
  com.openexchange.mail.twice: 2
  com.openexchange.pns.something.new: [1]
  com.openexchange.websockets.enabled: false
`);
  assert.deepEqual(faults, []);
  assert.deepEqual(warnings.map(({ line }) => line), [7]);
  assert.deepEqual([...sets[0]!.settings.keys()], ["com.openexchange.websockets.enabled"]);
});

Deno.test("an entry that is about other programs only is a warning where it is wrong", () => {
  const { faults, warnings } = read(`
one: { com.openexchange.mail.something: 1 }
two: { withTags: "a &", com.openexchange.mail.something: 1 }
three: { withTags: [a], com.openexchange.mail.something: 1 }
four:
`);
  assert.deepEqual(faults, []);
  assert.deepEqual(warnings.map(({ line }) => line), [2, 3, 4, 5]);
});

Deno.test("an entry that adds tags is a fault where it is wrong, whatever else it sets", () => {
  assert.equal(
    read("a: { withTags: 'b &', addTags: c, com.openexchange.mail.x: 1 }").faults.length,
    1,
  );
});

Deno.test("our own properties, tags and names of entries may not be there twice", () => {
  const name = "com.openexchange.websockets.enabled";
  const { faults } = read(`
a: { withTags: x, withTags: y }
b: { withTags: x, ${name}: true, ${name}: false }
b: { withTags: y }
`);
  assert.deepEqual(faults.map(({ line, message }) => `${line} ${message}`).sort(), [
    "2 Map keys must be unique",
    "3 Map keys must be unique",
    "4 Map keys must be unique",
  ]);
});

Deno.test("server settings and unknown names in a set are warnings", () => {
  const { sets, faults, warnings } = read(`a:
  withTags: x
  com.openexchange.pns.delayDuration: 5
  com.openexchange.pns.transport.gmc.enabled: true
  com.openexchange.mail.something: 1
`);
  assert.deepEqual(faults, []);
  assert.equal(sets[0]!.settings.size, 0);
  assert.deepEqual(warnings.map(({ line }) => line), [3, 4]);
  assert.match(
    warnings[1]!.message,
    /did you mean 'com\.openexchange\.pns\.transport\.gcm\.enabled'/,
  );
});
