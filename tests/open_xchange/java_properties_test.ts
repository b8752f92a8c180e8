import assert from "node:assert/strict";
import { parseProperties } from "../../cascade/properties.ts";
import { readAsJava } from "./_java_properties.ts";
import { DOCUMENTS, propertyDocument, RECORDED } from "./property_documents.ts";

type Answer = ReturnType<typeof readAsJava>;

/** What the parser makes of a text, in the form of Java's answer. */
function parsed(text: string): Answer {
  const { entries, faults } = parseProperties("f", text);
  return faults.length > 0 ? null : entries.map(({ key, value }) => [key, value] as const);
}

async function recorded(): Promise<readonly (readonly [string, Answer])[]> {
  const file = new URL("./java_properties.jsonl", import.meta.url);
  const text = await Deno.readTextFile(file);
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("the parser reads the recorded documents as java.util.Properties did", async () => {
  const answers = await recorded();
  assert.equal(answers.length, RECORDED);
  for (const [number, [text, answer]] of answers.entries()) {
    assert.equal(text, propertyDocument(number), "record the answers again");
    assert.deepEqual(parsed(text), answer, JSON.stringify(text));
  }
  const refused = answers.filter(([, answer]) => answer === null).length;
  assert.ok(refused > 10 && refused < RECORDED / 2, `${refused} documents were refused`);
});

Deno.test("the judge of the other documents reads the recorded ones as Java did", async () => {
  for (const [text, answer] of await recorded()) {
    assert.deepEqual(readAsJava(text), answer, JSON.stringify(text));
  }
});

Deno.test("the parser reads 5,000 generated documents as Java's algorithm does", () => {
  for (let number = 0; number < DOCUMENTS; number++) {
    const text = propertyDocument(number);
    assert.deepEqual(parsed(text), readAsJava(text), JSON.stringify(text));
  }
});
