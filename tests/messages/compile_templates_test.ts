import assert from "node:assert/strict";
import fc from "fast-check";
import { compileTemplates } from "../../messages/mod.ts";

const FILE = "pns-messages.yml";

Deno.test("the shipped file has no templates and no faults", async () => {
  const text = await Deno.readTextFile(new URL("../../conf/pns-messages.yml", import.meta.url));
  const { templates, faults } = compileTemplates(FILE, text);
  assert.deepEqual([templates.size, faults], [0, []]);
});

Deno.test("a fault quotes little of what it found", () => {
  const { faults } = compileTemplates(FILE, `a: "b" "${"x".repeat(5_000)}"\n`);
  assert.ok(faults.length > 0);
  for (const { message } of faults) assert.ok(message.length <= 201, message);
});

Deno.test("the examples in the shipped file are valid", async () => {
  const text = await Deno.readTextFile(new URL("../../conf/pns-messages.yml", import.meta.url));
  const examples = text.slice(text.indexOf("# Examples.")).split("\n\n").flatMap((part) =>
    part.split(/\n#\n/).filter((block) => /:\n# {2}/.test(block))
  ).map((block) => block.replace(/^# ?/gm, ""));
  assert.equal(examples.length, 3);
  const compiled = examples.map((example) => compileTemplates(FILE, example));
  assert.deepEqual(compiled.map(({ faults }) => faults), [[], [], []]);
  assert.deepEqual(compiled.map(({ templates }) => templates.size), [2, 3, 1]);
});

for (
  const [what, text, line, column, message] of [
    [
      "an unknown field",
      'a:\n  apn:\n    "*":\n      titel: x\n',
      4,
      7,
      /'titel' is not a field of a message: known are title, body/,
    ],
    [
      "an unknown placeholder",
      'a:\n  apn:\n    "*":\n      title: "Hi {nme}"\n',
      4,
      18,
      /'\{nme\}' is not known; known are folder/,
    ],
    ["an unknown transport", 'a:\n  pigeon:\n    "*":\n      title: x\n', 2, 3, /'pigeon' is not/],
    ["the websocket", 'a:\n  websocket:\n    "*":\n      title: x\n', 2, 3, /sends data unchanged/],
    ["a bad topic", "a:\n  apn:\n    ox.mail:\n      title: x\n", 3, 5, /'ox.mail' is not a topic/],
    ["a list of clients", "- a\n- b\n", 1, 1, /needs clients/],
    ["a client without transports", "a: 5\n", 1, 4, /'a' needs transports/],
    ["an empty client", "a:\n", 1, 3, /'a' needs transports/],
    ["a template that is a text", 'a:\n  apn:\n    "*": x\n', 3, 10, /'\*' needs fields/],
    ["a title that is a list", 'a:\n  apn:\n    "*":\n      title: [x]\n', 4, 7, /must be a text/],
    ["silent that is a text", 'a:\n  apn:\n    "*":\n      silent: maybe\n', 4, 7, /true or false/],
    [
      "an extra that is a text",
      'a:\n  apn:\n    "*":\n      extra: x\n',
      4,
      7,
      /'extra' must contain/,
    ],
    [
      "a placeholder deep in extra",
      'a:\n  apn:\n    "*":\n      extra:\n        b: [1, "{c}"]\n',
      5,
      17,
      /'\{c\}' is not known/,
    ],
    ["a tab", "a:\n\tapn: x\n", 2, 1, /[Tt]ab/],
    ["a client named twice", "a:\n  apn:\na:\n  gcm:\n", 3, 1, /unique/],
  ] as const
) {
  Deno.test(`${what} is a fault at ${line}:${column}`, () => {
    const { faults } = compileTemplates(FILE, text);
    assert.equal(faults.length > 0, true);
    const fault = faults[0]!;
    assert.deepEqual([fault.file, fault.line, fault.column], [FILE, line, column]);
    assert.match(fault.message, message);
  });
}

for (const [word, value] of [["yes", true], ["On", true], ["TRUE", true], ["no", false]] as const) {
  Deno.test(`silent: ${word} is ${value}`, () => {
    const { templates, faults } = compileTemplates(FILE, `a: { apn: { x: { silent: ${word} } } }`);
    assert.deepEqual(faults, []);
    const found = templates.find({ client: "a", transport: "apn" }, "x");
    assert.equal(found?.template.silent, value);
  });
}

Deno.test("a number is the text that is written, as a text and as the name of a client", () => {
  for (const text of ["0123", "1e3", "1.10", "yes"]) {
    const place = { client: text, transport: "apn" } as const;
    const [plain, quoted] = [text, `"${text}"`].map((written) => {
      const file = `${written}: { apn: { x: { title: ${written} } } }`;
      return compileTemplates(FILE, file).templates.find(place, "x");
    });
    assert.ok(plain);
    assert.deepEqual(plain, quoted);
  }
});

Deno.test("all faults are found at once, and the valid templates are compiled", () => {
  const text = `
a:
  apn:
    ox:mail:new: { titel: x, body: "{nope}" }
    ox:calendar:updates: { title: y }
`;
  const { templates, faults } = compileTemplates(FILE, text);
  assert.equal(faults.length, 2);
  assert.equal(templates.size, 1);
});

Deno.test("an anchor saves writing a template twice", () => {
  const text = `
a:
  apn:
    ox:mail:new: &mail { title: "{sender}" }
  gcm:
    ox:mail:new: *mail
`;
  const { templates, faults } = compileTemplates(FILE, text);
  assert.deepEqual([templates.size, faults], [2, []]);
});

Deno.test("a file that grows through its aliases is refused", () => {
  const list = (name: string) => `[${Array(10).fill(name).join(", ")}]`;
  const extra = ["a", "b", "c", "d"].map((name, index, all) =>
    `        ${name}: &${name} ${index === 0 ? list("x") : list(`*${all[index - 1]}`)}`
  );
  const text = ["c:", "  apn:", '    "*":', "      extra:", ...extra].join("\n");
  assert.match(compileTemplates(FILE, text).faults[0]?.message ?? "", /aliases/);
});

Deno.test("a recursive alias is refused", () => {
  const text = 'a:\n  apn:\n    "*":\n      extra: &self\n        again: *self\n';
  assert.notEqual(compileTemplates(FILE, text).faults.length, 0);
});

Deno.test("any text is compiled or refused within its lines", () => {
  const piece = fc.constantFrom(
    ..."a|apn|ox:mail:new|title|extra|{subject}|{|}|: |:\n|\n|\n  |\n    |- |[|]|\"|'|&a |*a|#|!!|%|? |\t|true|1"
      .split("|"),
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(piece).map((pieces) => pieces.join(""))), (text) => {
      const lines = text.split("\n").length + 1;
      for (const { line, column } of compileTemplates(FILE, text).faults) {
        assert.ok(line >= 1 && line <= lines && column >= 1, `${line}:${column}`);
      }
    }),
    { numRuns: 500 },
  );
});
