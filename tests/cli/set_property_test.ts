/** `config set` changes one line and leaves the rest of a file to its owner. */

import assert from "node:assert/strict";
import { parseProperties } from "../../cascade/properties.ts";
import { mayNameTopic } from "../../cascade/schema.ts";
import { setProperty } from "../../cli/set_property.ts";

const KEY = "com.openexchange.pns.delayDuration";

function valueIn(text: string, key: string): string | undefined {
  return parseProperties("", text, { colonInKey: mayNameTopic }).entries
    .findLast((entry) => entry.key === key)?.value;
}

Deno.test("a key that is not there goes to the end", () => {
  const before = "# ours\nother.key=1";
  const { text, replaced } = setProperty(before, { name: KEY, value: "5" });
  assert.equal(text, `# ours\nother.key=1\n${KEY}=5\n`);
  assert.equal(replaced, false);
});

Deno.test("a key that is there is replaced in its place, with its continued lines", () => {
  const before = `a=1\n${KEY} = 10\\\n  00\nb=2\n`;
  const { text, replaced } = setProperty(before, { name: KEY, value: "5" });
  assert.equal(text, `a=1\n${KEY}=5\nb=2\n`);
  assert.ok(replaced);
});

Deno.test("the last of two is the one that counts, and is replaced", () => {
  const { text } = setProperty(`${KEY}=1\n${KEY}=2\n`, {
    name: KEY,
    value: "3",
  });
  assert.equal(text, `${KEY}=1\n${KEY}=3\n`);
});

for (
  const value of [
    " leading",
    "back\\slash",
    "two\nlines",
    "#no comment",
    "a=b:c",
    "",
  ]
) {
  Deno.test(`the value ${JSON.stringify(value)} is read back as it was`, () => {
    const { text } = setProperty("", { name: KEY, value });
    assert.equal(valueIn(text, KEY), value);
  });
}

Deno.test("a name with a topic keeps its colons", () => {
  const name = "com.openexchange.pns.transport.websocket.enabled.client.ox:mail:new";
  const { text } = setProperty("", { name, value: "true" });
  assert.equal(valueIn(text, name), "true");
});

Deno.test("line ends of Windows stay", () => {
  const { text } = setProperty(`${KEY}=1\r\nb=2\r\n`, {
    name: KEY,
    value: "3",
  });
  assert.equal(text, `${KEY}=3\r\nb=2\r\n`);
});
