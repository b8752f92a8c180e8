import assert from "node:assert/strict";
import { readSource } from "../../scripts/_exports.ts";
import { findFaults } from "../../scripts/check_names.ts";

/** The faults of a made-up project, without the lines. */
function faults(files: Readonly<Record<string, string>>): readonly string[] {
  const sources = Object.entries(files).map(([path, text]) => readSource(path, text));
  return findFaults(sources).map((fault) => fault.replace(/:\d+ /, " ").split(": ")[0]!);
}

const USE = `import { a } from "../core/a.ts";\n`;

Deno.test("a name that another file imports and that has a docstring is no fault", () => {
  assert.deepEqual(
    faults({ "core/a.ts": "/** A. */\nexport const a = 1;\n", "store/b.ts": USE }),
    [],
  );
});

Deno.test("a name that two files of the product define is a fault in both", () => {
  const a = "/** A. */\nexport function a() {}\n";
  const files = { "core/a.ts": a, "auth/a.ts": a, "store/b.ts": USE };
  const more = { ...files, "store/c.ts": `import { a } from "../auth/a.ts";\n` };
  assert.deepEqual(faults(more), [
    "auth/a.ts 'a' is also defined in core/a.ts",
    "core/a.ts 'a' is also defined in auth/a.ts",
  ]);
});

Deno.test("tests, benchmarks and chaos runs may define a name of the product again", () => {
  const a = "/** A. */\nexport class a {}\n";
  const files = { "core/a.ts": a, "store/b.ts": USE, "tests/a.ts": a };
  assert.deepEqual(faults({ ...files, "tests/b.ts": `import { a } from "./a.ts";\n` }), []);
});

Deno.test("a name that no other file imports is a fault", () => {
  const files = { "core/a.ts": "/** A. */\nexport interface A {}\n" };
  assert.deepEqual(faults(files), ["core/a.ts 'A' is exported, and no other file uses it"]);
});

Deno.test("a re-export counts as a use only where a file imports it", () => {
  const files = {
    "core/a.ts": "/** A. */\nexport type A = 1;\n",
    "core/mod.ts": `export { type A } from "./a.ts";\n`,
  };
  assert.deepEqual(faults(files), [
    "core/a.ts 'A' is exported, and no other file uses it",
    "core/mod.ts 'A' is exported again, and no file imports it from here",
  ]);
  const used = { ...files, "store/b.ts": `import type { A } from "../core/mod.ts";\n` };
  assert.deepEqual(faults(used), []);
});

Deno.test("a name without a docstring, or with one that points elsewhere, is a fault", () => {
  const uses = { "store/b.ts": `import { a, b } from "../core/a.ts";\n` };
  const text = "export const a = 1;\n\n/** See the file's comment. */\nexport const b = 2;\n";
  assert.deepEqual(faults({ "core/a.ts": text, ...uses }), [
    "core/a.ts 'a' has no docstring",
    "core/a.ts 'b' has a docstring that points to the file's comment",
  ]);
});

Deno.test("a dynamic import and a worker's address use every name of a file", () => {
  const a = "/** A. */\nexport const a = 1;\n";
  assert.deepEqual(faults({ "core/a.ts": a, "b.ts": `await import("./core/a.ts");\n` }), []);
  const worker = `new Worker(new URL("./core/a.ts", import.meta.url));\n`;
  assert.deepEqual(faults({ "core/a.ts": a, "b.ts": worker }), []);
});
