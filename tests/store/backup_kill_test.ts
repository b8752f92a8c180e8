/** A backup or restore that is killed in the middle leaves nothing that passes for a whole one. */

import assert from "node:assert/strict";
import { exists } from "../support/exists.ts";
import { runProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const ROOT = new URL("../../", import.meta.url);
const MAIN = new URL("cli/main.ts", ROOT).pathname;
const RECORDS = 1_500;

/** A data file that takes a moment to copy. */
async function fill(path: string): Promise<void> {
  const kv = await Deno.openKv(path);
  for (let n = 0; n < RECORDS; n++) await kv.set(["record", n], new Uint8Array(60_000));
  kv.close();
}

async function countIn(path: string): Promise<number> {
  const kv = await Deno.openKv(path);
  try {
    return (await Array.fromAsync(kv.list({ prefix: ["record"] }))).length;
  } finally {
    kv.close();
  }
}

/** Runs a command and kills it as soon as it has begun to write. */
async function killWhileWriting(words: readonly string[], partial: string): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, ...words],
    ...{ cwd: ROOT, stdin: "null", stdout: "null", stderr: "null" },
  }).spawn();
  await until("it writes", async () => {
    const info = await Deno.stat(partial).catch(() => undefined);
    return info !== undefined && info.size > 0;
  });
  child.kill("SIGKILL");
  await child.status;
}

function carillon(...words: readonly string[]) {
  return runProgram([Deno.execPath(), "run", "-A", "--no-check", MAIN, ...words], { cwd: ROOT });
}

Deno.test("kills in the middle of backup and restore cost nothing but another try", async () => {
  const folder = await Deno.makeTempDir({ prefix: "carillon_kill_" });
  try {
    const [data, backup, target] = [`${folder}/a.kv`, `${folder}/b.kv`, `${folder}/c/c.kv`];
    await fill(data);

    await killWhileWriting(["backup", data, backup], `${backup}-partial`);
    assert.equal(await exists(backup), false, "no part passes for a backup");
    const again = await carillon("backup", data, backup);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /exists: remove it unless another backup is under way/);
    for await (const { name } of Deno.readDir(folder)) {
      if (name.includes("-partial")) await Deno.remove(`${folder}/${name}`);
    }
    assert.equal((await carillon("backup", data, backup)).code, 0);
    assert.equal(await countIn(backup), RECORDS);

    await Deno.mkdir(`${folder}/c`);
    await killWhileWriting(["restore", backup, target], `${target}-partial`);
    assert.equal(await exists(target), false, "no service starts on a part");
    const { code, stderr } = await carillon("restore", backup, target);
    assert.equal(code, 0, stderr);
    assert.equal(await countIn(target), RECORDS);
    assert.equal(await countIn(data), RECORDS, "the source is as it was");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
