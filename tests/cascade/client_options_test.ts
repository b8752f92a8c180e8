import assert from "node:assert/strict";
import { z } from "zod";
import { parseClientOptions } from "../../cascade/mod.ts";

const schema = z.strictObject({
  key: z.string().min(1),
  production: z.boolean().default(true),
  hosts: z.array(z.string()).optional(),
});

function read(text: string) {
  const { clients, faults } = parseClientOptions({ file: "o.yml", text }, schema);
  return {
    clients: Object.fromEntries(clients),
    faults: faults.map(({ line, column, message }) => `${line}:${column} ${message}`),
  };
}

Deno.test("clients have their options, with trimmed texts and defaults", () => {
  assert.deepEqual(
    read("one:\n  key: '  abc '\n  hosts: [' a ']\ntwo: { key: x, enabled: 'TRUE' }"),
    {
      clients: {
        one: { key: "abc", production: true, hosts: ["a"] },
        two: { key: "x", production: true },
      },
      faults: [],
    },
  );
});

Deno.test("the seed's own example is a client that is disabled", () => {
  const text = `# Only an example
myiosclient:
    # Disabled...
    enabled: false
    keystore: /opt/open-xchange/etc/mykey-apns.p12
`;
  assert.deepEqual(read(text), { clients: {}, faults: [] });
});

Deno.test("'enabled' may be a text, and a disabled entry need not be complete", () => {
  assert.deepEqual(read("a: { enabled: ' False ' }"), { clients: {}, faults: [] });
});

Deno.test("'enabled' may have any spelling that YAML 1.1 has for a boolean", () => {
  const { clients, faults } = read(
    ["yes", "Yes", "ON", "True", "no", "NO", "Off", "FALSE", "y", "1"]
      .map((word, index) => `c${index}: { key: x, enabled: ${word} }`).join("\n"),
  );
  assert.deepEqual(Object.keys(clients), ["c0", "c1", "c2", "c3"]);
  assert.deepEqual(faults, [
    "9:24 client 'c8': 'enabled' must be true or false",
    "10:24 client 'c9': 'enabled' must be true or false",
  ]);
});

Deno.test("texts, and names of clients, are what is written in the file", () => {
  const { clients, faults } = read("0123: { key: 12345 }\n1e3: { key: 0123, hosts: [yes, 1e3] }");
  assert.deepEqual(faults, []);
  assert.deepEqual(clients, {
    "0123": { key: "12345", production: true },
    "1e3": { key: "0123", production: true, hosts: ["yes", "1e3"] },
  });
});

Deno.test("a bad entry disables its client only and is reported with its place", () => {
  const { clients, faults } = read(`good: { key: x }
bad:
  production: perhaps
  colour: red
worse: 7
odd: { enabled: perhaps }
`);
  assert.deepEqual(Object.keys(clients), ["good"]);
  assert.deepEqual(faults, [
    "2:1 client 'bad': 'key' is missing",
    "3:15 client 'bad': 'production': Invalid input: expected boolean, received string",
    "4:3 client 'bad': 'colour' is not known here",
    "5:8 client 'worse': expected options",
    "6:17 client 'odd': 'enabled' must be true or false",
  ]);
});

Deno.test("a file with a syntax error or without clients disables itself", () => {
  assert.deepEqual(read("a: { key: x }\nb: ["), {
    clients: {},
    faults: [
      "2:5 Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
  });
  assert.deepEqual(read("- a").faults, ["1:1 expected clients, each with its options"]);
  assert.deepEqual(read(""), { clients: {}, faults: [] });
});

Deno.test("a client's name has a bounded length", () => {
  assert.equal(read(`${"x".repeat(65)}: { key: a }`).faults.length, 1);
});

Deno.test("a client may have any name, even one that objects have", () => {
  assert.deepEqual(read("__proto__: { key: a }\nconstructor: { key: b }").faults, []);
  const text = "constructor: { key: b }";
  const { clients } = parseClientOptions({ file: "o.yml", text }, schema);
  assert.deepEqual(clients.get("constructor"), { key: "b", production: true });
});
