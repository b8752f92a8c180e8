/** Damage to a data file is found before anything opens it, and there is a way out. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import { checkDataFile, type FileDamage, walDamage } from "../../store/file_check.ts";
import { openStore } from "../../store/mod.ts";
import { salvageDataFile } from "../../store/salvage.ts";
import { prepareProcess } from "../support/start_process.ts";

const options = { clock: systemClock, random: () => 0.5 };

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "carillon_damage_" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A data file with many records, closed, with nothing beside it. */
async function fill(path: string, records = 400): Promise<void> {
  const kv = await Deno.openKv(path);
  for (let n = 0; n < records; n++) await kv.set(["record", n], "x".repeat(900));
  kv.close();
}

/** The write-ahead log of a data file that is in use. */
async function walOf(path: string): Promise<Uint8Array> {
  const kv = await Deno.openKv(path);
  try {
    for (let n = 0; n < 20; n++) await kv.set(["record", n], "x".repeat(900));
    return await Deno.readFile(`${path}-wal`);
  } finally {
    kv.close();
  }
}

async function flip(path: string, ...places: readonly number[]): Promise<void> {
  const bytes = await Deno.readFile(path);
  for (const at of places) bytes[at]! ^= 0xff;
  await Deno.writeFile(path, bytes);
}

function severities(damage: readonly FileDamage[]): readonly string[] {
  return damage.map(({ severity }) => severity);
}

Deno.test("a sound data file, and none at all, have no damage", async () => {
  await withFolder(async (folder) => {
    assert.deepEqual(await checkDataFile(`${folder}/none.kv`), []);
    await fill(`${folder}/a.kv`);
    assert.deepEqual(await checkDataFile(`${folder}/a.kv`), []);
  });
});

for (
  const [what, places] of [
    ["its header", [0, 5]],
    ["the schema's page", [100, 101, 103]],
    ["a page in the middle", [40_960, 40_961, 40_965]],
  ] as const
) {
  Deno.test(`flipped bytes in ${what} are found`, async () => {
    await withFolder(async (folder) => {
      const path = `${folder}/a.kv`;
      await fill(path);
      await flip(path, ...places);
      const damage = await checkDataFile(path);
      assert.ok(damage.length > 0 && severities(damage).every((each) => each === "fatal"));
    });
  });
}

Deno.test("a data file that was cut is found", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.kv`;
    await fill(path);
    await Deno.truncate(path, (await Deno.stat(path)).size / 2);
    assert.ok((await checkDataFile(path)).length > 0);
  });
});

Deno.test("a whole write-ahead log has no damage, one that is cut has", async () => {
  await withFolder(async (folder) => {
    const wal = await walOf(`${folder}/a.kv`);
    assert.deepEqual(walDamage("wal", wal), []);
    const [cut] = walDamage("wal", wal.subarray(0, wal.length - 1000));
    assert.equal(cut!.severity, "warning");
    assert.match(cut!.message, /cut within frame \d+; what was committed there last is missing/);
    assert.deepEqual(severities(walDamage("wal", wal.subarray(0, 20))), ["warning"]);
  });
});

Deno.test("flipped bytes in a write-ahead log lose what follows, so they are fatal", async () => {
  await withFolder(async (folder) => {
    const wal = await walOf(`${folder}/a.kv`);
    wal[5_000]! ^= 1;
    const [flipped] = walDamage("wal", wal);
    assert.equal(flipped!.severity, "fatal");
    assert.match(flipped!.message, /wrong checksum, and \d+ frames with commits follow/);
    wal[10]! ^= 1;
    assert.match(walDamage("wal", wal)[0]!.message, /header .* wrong checksum/);
  });
});

Deno.test("a damaged data file is not opened, and the message has the way out", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.kv`;
    await fill(path);
    await flip(path, 40_960, 40_961);
    const before = await Deno.readFile(path);
    await assert.rejects(openStore(`kv:${path}`, options), (thrown) => {
      assert.ok(thrown instanceof ServiceError && thrown.code === "store_damaged");
      assert.match(thrown.message, /move .* to another folder, and restore the last backup/);
      assert.match(thrown.message, /deno task restore --salvage/);
      return true;
    });
    assert.deepEqual(await Deno.readFile(path), before, "the evidence stays as it was");
  });
});

Deno.test("a salvage takes what can be read, and the service starts on it", async () => {
  await withFolder(async (folder) => {
    const from = `${folder}/a.kv`;
    await fill(from);
    await flip(from, 40_960, 45_056);
    const to = `${folder}/b/b.kv`;
    const { records, isComplete } = await salvageDataFile({ from, to });
    assert.equal(isComplete, false);
    assert.ok(records > 200 && records < 400, `${records} records`);
    await using store = await openStore(`kv:${to}`, options);
    let found = 0;
    for await (const _ of store.list({ prefix: ["record"] })) found++;
    assert.equal(found, records);
    assert.ok(await store.commit({ sets: [{ key: ["new"], value: 1 }] }));
  });
});

Deno.test("a salvage of a sound file loses nothing, its journal included", async () => {
  await withFolder(async (folder) => {
    const from = `${folder}/a.kv`;
    {
      await using store = await openStore(`kv:${from}`, options);
      await store.commit({ checks: [{ key: ["a"], version: null }], sets: [set("a", 1)] });
      await store.commit({ sets: [set("b", 2)] });
      const to = `${folder}/b/b.kv`;
      const { isComplete } = await salvageDataFile({ from, to });
      assert.ok(isComplete);
      await using salvaged = await openStore(`kv:${to}`, options);
      assert.equal((await salvaged.get(["b"]))?.value, 2);
      assert.equal((await salvaged.get(["a"]))?.value, 1);
    }
  });
});

Deno.test("a salvage that fails leaves nothing at its target", async () => {
  await withFolder(async (folder) => {
    const [from, to] = [`${folder}/a.kv`, `${folder}/b/b.kv`];
    await fill(from, 10);
    await Deno.writeFile(`${from}-journal-1`, new Uint8Array([1]));
    await Deno.mkdir(`${from}-journal-2`); // can be opened, but not read
    await assert.rejects(salvageDataFile({ from, to }), /Cannot salvage/);
    const names = await Array.fromAsync(Deno.readDir(`${folder}/b`), ({ name }) => name);
    assert.deepEqual(names, ["b.kv-lock"]);
  });
});

Deno.test("a start on a damaged data file ends with 78, which supervisors do not retry", async () => {
  await using service = await prepareProcess();
  const path = service.configDir.replace(/conf$/, "data/carillon.kv");
  await Deno.mkdir(path.replace(/\/[^/]*$/, ""), { recursive: true });
  await fill(path);
  await flip(path, 40_960, 40_961);
  const { code, stderr } = await service.run();
  assert.equal(code, 78, stderr);
  assert.match(stderr, /restore the last backup/);
  assert.doesNotMatch(stderr, /\n\s+at /, "no stack");
});

Deno.test("a start on a write-ahead log that was cut says so, and goes on", async () => {
  await using service = await prepareProcess();
  const path = service.configDir.replace(/conf$/, "data/carillon.kv");
  await Deno.mkdir(path.replace(/\/[^/]*$/, ""), { recursive: true });
  const wal = await walOf(path);
  await Deno.writeFile(`${path}-wal`, wal.subarray(0, wal.length - 1000));
  await service.start();
  assert.match(service.log, /cut within frame.*the data file is damaged/);
  await service.settled(await service.publish());
});

function set(key: string, value: unknown) {
  return { key: [key], value };
}
