/** Text from publishers and users does nothing to the terminal that shows it. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Output, table } from "../../cli/output.ts";
import { safeJson, safeLine, safeText } from "../../cli/safe_text.ts";

const ATTACKS: readonly (readonly [string, string])[] = [
  ["\x1b]0;pwned\x07", "\\u{1b}]0;pwned\\u{7}"],
  ["\x1b[2J\x1b[H", "\\u{1b}[2J\\u{1b}[H"],
  ["\x9b31m", "\\u{9b}31m"],
  ["a\rb", "a\\u{d}b"],
  ["invoice\u202egnp.exe", "invoice\\u{202e}gnp.exe"],
  ["\u2066admin\u2069", "\\u{2066}admin\\u{2069}"],
  ["a\u200bb", "a\\u{200b}b"],
  ["x\u{e0041}", "x\\u{e0041}"],
  ["\ud800", "\\u{d800}"],
];

for (const [attack, shown] of ATTACKS) {
  Deno.test(`${JSON.stringify(attack)} is shown as ${shown}`, () => {
    assert.equal(safeLine(attack), shown);
  });
}

Deno.test("letters of all languages and emoji are shown as they are", () => {
  const text = "Grüße, Привет, 你好, שלום, 🔔";
  assert.equal(safeText(text), text);
});

// deno-lint-ignore no-control-regex -- these are what it is about
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

Deno.test("no text brings a control character or an override through", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert.ok(!CONTROLS.test(safeText(text)));
    assert.ok(!safeLine(text).includes("\n"));
  }));
});

Deno.test("safe JSON parses to the same value", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = safeJson(value, 2);
    assert.ok(!CONTROLS.test(text));
    assert.equal(JSON.stringify(JSON.parse(text)), JSON.stringify(value));
  }));
});

Deno.test("a table cell cannot begin a row of its own", () => {
  assert.equal(table([["a\nb", "c"]]).split("\n").length, 1);
});

Deno.test("progress is drawn on a terminal only, and results clear it", () => {
  let errors = "";
  const streams = {
    writeOut: () => {},
    writeError: (text: string) => void (errors += text),
    isTerminal: false,
    isErrorTerminal: true,
  };
  const output = new Output(streams);
  output.progress("half\x1b[2J");
  assert.equal(errors, "\r\x1b[Khalf\\u{1b}[2J");
  output.result({}, "done");
  assert.ok(errors.endsWith("\r\x1b[K"));
  errors = "";
  new Output({ ...streams, isErrorTerminal: false }).progress("half");
  assert.equal(errors, "");
});
