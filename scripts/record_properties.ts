// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Records what `java.util.Properties` makes of generated documents, as the fixture of a differential
 * test. Needs a Java of version 11 or later: `deno run -A scripts/record_properties.ts`.
 */

import { propertyDocument, RECORDED } from "../tests/open_xchange/property_documents.ts";
import { ROOT } from "./_project.ts";

const FIXTURE = `${ROOT}tests/open_xchange/java_properties.jsonl`;
const SOURCE = `${ROOT}scripts/java/RecordProperties.java`;

const documents = Array.from({ length: RECORDED }, (_, number) => propertyDocument(number));
const input = await Deno.makeTempFile();
try {
  await Deno.writeTextFile(input, documents.map((text) => `${asciiJson(text)}\n`).join(""));
  const java = new Deno.Command("java", { args: [SOURCE, input], stderr: "inherit" });
  const { success, stdout } = await java.output();
  if (!success) Deno.exit(1);
  const answers = new TextDecoder().decode(stdout).trimEnd().split("\n");
  const lines = documents.map((text, at) => `[${asciiJson(text)},${answers[at]}]`);
  await Deno.writeTextFile(FIXTURE, `${lines.join("\n")}\n`);
  console.log(`Recorded ${lines.length} documents in ${FIXTURE.slice(ROOT.length)}`);
} finally {
  await Deno.remove(input);
}

/** A JSON string whose only escapes are of the form `\u0000`, one for each UTF-16 unit. */
function asciiJson(text: string): string {
  const quoted = text.split("").map((char) =>
    /^[ !#-[\]-~]$/.test(char) ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`
  );
  return `"${quoted.join("")}"`;
}
