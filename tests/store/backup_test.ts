/** Backups of a data file that is being written, and their restore. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { openStore } from "../../store/mod.ts";
import type { Store } from "../../core/store.ts";
import { backUpDataFile } from "../../store/backup.ts";
import { restoreDataFile } from "../../store/restore.ts";
import { until } from "../support/until.ts";

const options = { clock: systemClock, random: () => 0.5 };

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "carillon_backup_" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function open(path: string): Promise<Store> {
  return openStore(`kv:${path}`, options);
}

async function contentOf(path: string): Promise<ReadonlyMap<string, unknown>> {
  await using store = await open(path);
  const found = new Map<string, unknown>();
  for await (const { key, value } of store.list({ prefix: [] })) found.set(key.join(" "), value);
  return found;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

Deno.test("a backup has the changes that are only in the journal, deletions included", async () => {
  await withFolder(async (folder) => {
    await using store = await open(`${folder}/a.kv`);
    await store.commit({ checks: [{ key: ["old"], version: null }], sets: [set("old", 1)] });
    await store.commit({ sets: [set("new", 1)] });
    await store.commit({ sets: [set("new", 2)], deletes: [["old"]] });
    await backUpDataFile({ ...options, from: `${folder}/a.kv`, to: `${folder}/b/b.kv` });
    assert.deepEqual(await contentOf(`${folder}/b/b.kv`), new Map([["new", 2]]));
    // The store itself still works.
    assert.equal((await store.get(["new"]))?.value, 2);
  });
});

Deno.test("a backup is one file that only its owner may read", async () => {
  await withFolder(async (folder) => {
    await using store = await open(`${folder}/a.kv`);
    await store.commit({ sets: [set("x", 1)] });
    const to = `${folder}/b/b.kv`;
    const bytes = await backUpDataFile({ ...options, from: `${folder}/a.kv`, to });
    assert.deepEqual(await namesIn(`${folder}/b`), ["b.kv"]);
    const { mode, size } = await Deno.stat(to);
    assert.deepEqual([mode! & 0o777, size], [0o600, bytes]);
  });
});

Deno.test("a backup has the state of one moment, whenever it is taken", async () => {
  await withFolder(async (folder) => {
    const from = `${folder}/a.kv`;
    const writer = new Worker(new URL(`_backup_writer.ts#${from}`, import.meta.url), {
      type: "module",
    });
    let done = 0;
    let closed = false;
    writer.onmessage = ({ data }) => data === "closed" ? (closed = true) : (done = data);
    for (let round = 0; round < 8; round++) {
      const enough = done + 100;
      await until("it is under way", () => done >= enough);
      const before = done;
      const to = `${folder}/b${round}.kv`;
      await backUpDataFile({ ...options, from, to });
      const found = await contentOf(to);
      const count = found.get("count") as number;
      assert.ok(count >= before, `${count} changes of ${before}`);
      const ledger = Array.from({ length: count }, (_, n) => `ledger ${n}`);
      assert.deepEqual([...found.keys()].sort(), ["count", `log ${count}`, ...ledger].sort());
    }
    writer.postMessage("stop");
    await until("it has closed its store", () => closed);
    writer.terminate();
    assert.equal((await contentOf(from)).get("count"), done);
  });
});

Deno.test("a backup overwrites nothing, and names a source that does not exist", async () => {
  await withFolder(async (folder) => {
    const [from, to] = [`${folder}/a.kv`, `${folder}/b.kv`];
    await assert.rejects(backUpDataFile({ ...options, from, to }), /there is no data file/);
    await (await open(from))[Symbol.asyncDispose]();
    await Deno.writeTextFile(to, "something");
    await assert.rejects(backUpDataFile({ ...options, from, to }), /the target exists/);
    assert.equal(await Deno.readTextFile(to), "something");
  });
});

Deno.test("a restore gives what was backed up, and keeps the backup", async () => {
  await withFolder(async (folder) => {
    const from = await backupIn(folder);
    await Deno.chmod(from, 0o644);
    const to = `${folder}/c/c.kv`;
    await restoreDataFile({ from, to });
    assert.equal((await Deno.stat(to)).mode! & 0o777, 0o600);
    assert.deepEqual(await contentOf(to), new Map([["x", 1]]));
    assert.deepEqual(await contentOf(from), new Map([["x", 1]]));
  });
});

Deno.test("a restore refuses a target that is in use", async () => {
  await withFolder(async (folder) => {
    const from = await backupIn(folder);
    const to = `${folder}/c.kv`;
    await using _store = await open(to);
    await assert.rejects(restoreDataFile({ from, to }), /a service uses the target/);
  });
});

for (const name of ["c.kv", "c.kv-wal", "c.kv-journal-3"]) {
  Deno.test(`a restore refuses a target with ${name} in it`, async () => {
    await withFolder(async (folder) => {
      const from = await backupIn(folder);
      await Deno.writeTextFile(`${folder}/${name}`, "something");
      await assert.rejects(restoreDataFile({ from, to: `${folder}/c.kv` }), /move it away first/);
      assert.equal(await Deno.readTextFile(`${folder}/${name}`), "something");
    });
  });
}

Deno.test("a damaged backup is not restored", async () => {
  await withFolder(async (folder) => {
    const from = await backupIn(folder);
    await Deno.truncate(from, 5000);
    await assert.rejects(restoreDataFile({ from, to: `${folder}/c.kv` }), /Cannot restore/);
    const left = (await namesIn(folder)).filter((name) => name.startsWith("c.kv"));
    assert.deepEqual(left, ["c.kv-lock"]);
  });
});

function set(key: string, value: unknown) {
  return { key: [key], value };
}

/** Creates a backup with one record, and returns its path. */
async function backupIn(folder: string): Promise<string> {
  const [from, to] = [`${folder}/a.kv`, `${folder}/backup.kv`];
  await using store = await open(from);
  await store.commit({ sets: [set("x", 1)] });
  await backUpDataFile({ ...options, from, to });
  return to;
}
