// deno-lint-ignore-file no-console -- a command answers on the terminal
/** Fails where a source file is too long, and prints the longest. Run by `deno task sizes`. */

import { folderOf, inProject, ROOT, sources } from "./_project.ts";

const MAX_LINES = 300;
const MAX_TEST_LINES = 400;
const LARGEST_SHOWN = 5;

/** Files that may be longer, each with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "clients/js/src/schema.ts": "it is generated",
};

const sizes: { readonly path: string; readonly lines: number }[] = [];
for await (const path of sources(ROOT)) {
  const text = await Deno.readTextFile(path);
  sizes.push({ path: inProject(path), lines: text.split("\n").length - 1 });
}
sizes.sort((a, b) => b.lines - a.lines);

const total = sizes.reduce((sum, { lines }) => sum + lines, 0);
console.log(`${sizes.length} files, ${total} lines; the largest:`);
for (const { path, lines } of sizes.slice(0, LARGEST_SHOWN)) console.log(`  ${lines} ${path}`);

const tooLarge = sizes.filter(({ path, lines }) => lines > limitOf(path) && !(path in EXCEPTIONS));
for (const { path, lines } of tooLarge) {
  console.error(`${path} has ${lines} lines, more than ${limitOf(path)}: split it`);
}
if (tooLarge.length > 0) Deno.exit(1);

function limitOf(path: string): number {
  return folderOf(path) === "tests" ? MAX_TEST_LINES : MAX_LINES;
}
