import assert from "node:assert/strict";
import { exists, readText } from "./_files.ts";

/** The rows of the table of wishes: what somebody wants, and the files that it names. */
async function wishes() {
  const text = await readText("CONTRIBUTING.md");
  const section = text.slice(text.indexOf("## Which file to open")).split("\n## ", 2)[0]!;
  const rows = section.split("\n").filter((line) => line.startsWith("|")).slice(2);
  return rows.map((row) => {
    const [, wish, ...rest] = row.split("|");
    return {
      wish: wish!.trim(),
      files: [...rest.join("|").matchAll(/`([\w./*-]+)`/g)].map(([, name]) => name!)
        .filter((name) => /[./]/.test(name)),
    };
  });
}

Deno.test("CONTRIBUTING.md names a file for each of ten wishes at least, and each is there", async () => {
  const table = await wishes();
  assert.ok(table.length >= 10, String(table.length));
  const missing: string[] = [];
  for (const { wish, files } of table) {
    assert.ok(files.length > 0, `${wish}: no file`);
    for (const file of files) if (!await exists(file)) missing.push(`${wish}: ${file}`);
  }
  assert.deepEqual(missing, []);
});

Deno.test("every file and folder that CONTRIBUTING.md and AGENTS.md name is there", async () => {
  const missing: string[] = [];
  for (const page of ["CONTRIBUTING.md", "AGENTS.md"]) {
    for (const [, name] of (await readText(page)).matchAll(/`((?:[\w.-]+\/)+[\w.-]*)`/g)) {
      if (!await exists(name!)) missing.push(`${page}: ${name}`);
    }
  }
  assert.deepEqual(missing, []);
});
