import assert from "node:assert/strict";
import { filesBelow, readText } from "./_files.ts";

/** A call of a task, with or without the version of Deno and flags before the task's name. */
const CALL = /\bdeno(?:@[\d.]+)? task(?: +--?[\w-]+)* +([a-z][\w:-]*)/g;

/** Texts with commands for people or machines to run. */
async function textsWithCommands(): Promise<readonly string[]> {
  const found = await Promise.all([
    filesBelow("", ".md"),
    filesBelow("conf/", ""),
    filesBelow("examples/", ""),
    filesBelow(".github/", ""),
  ]);
  return [...found.flat(), "Dockerfile", "fly.toml", ".ci/run"];
}

Deno.test("every task that a page, an example or a workflow runs is in deno.json", async () => {
  const { tasks } = JSON.parse(await readText("deno.json")) as { tasks: Record<string, unknown> };
  const missing: string[] = [];
  const called = new Set<string>();
  for (const path of await textsWithCommands()) {
    for (const [, name] of (await readText(path)).replaceAll(/\s+/g, " ").matchAll(CALL)) {
      called.add(name!);
      if (!(name! in tasks)) missing.push(`${path}: deno task ${name}`);
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(called.has("start") && called.has("test") && called.size > 10, [...called].join());
});

Deno.test("every text names the same version of Deno", async () => {
  const versions = new Map<string, string>();
  for (const path of await textsWithCommands()) {
    for (const [, version] of (await readText(path)).matchAll(/\bdeno[@:](\d[\d.]*\d)/g)) {
      versions.set(version!, path);
    }
  }
  assert.deepEqual([...versions.keys()], ["2.9.6"], JSON.stringify([...versions]));
});
