import assert from "node:assert/strict";
import { filesBelow, readText } from "./_files.ts";

Deno.test("docs/README.md lists every page and every decision once, with a line about it", async () => {
  const rows = [
    ...(await readText("docs/README.md")).matchAll(/^\| *\[[^\]]+\]\(([^)]+)\) *\| *(.*?) *\|$/gm),
  ];
  const listed = rows.map(([, target]) => target!).filter((target) => !target.startsWith("../"));
  const pages = (await filesBelow("docs/", ".md")).map((path) => path.slice("docs/".length));
  assert.deepEqual(listed.toSorted(), pages.filter((page) => page !== "README.md"));
  for (const [, target, line] of rows) assert.ok(line!.length > 20, `${target}: ${line}`);
});
