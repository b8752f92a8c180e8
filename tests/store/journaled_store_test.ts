/** The store on a data file with its journal: crashes, and reads between checkpoints. */

import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { systemClock } from "../../core/clock.ts";
import type { Commit, Store } from "../../core/store.ts";
import { openStore } from "../../store/mod.ts";
import { openKvStore } from "../../store/kv_store.ts";
import { withJournal } from "../../store/journaled_store.ts";
import { storeContract } from "../contract/store_contract.ts";
import { FakeClock } from "../support/fake_clock.ts";

const options = { clock: systemClock, random: () => 0.5 };

async function withFolder(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/x.kv`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Returns the names of the journal files of a data file. */
async function journalsOf(path: string): Promise<readonly string[]> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  return names.filter((name) => name.includes("-journal-")).sort();
}

/** Copies the files as they are now, as a kill would leave them, and returns the new path. */
async function copyOf(path: string): Promise<string> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const copy = await Deno.makeTempDir({ dir: folder });
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) await Deno.copyFile(`${folder}/${name}`, `${copy}/${name}`);
  }
  return `${copy}/x.kv`;
}

async function valuesIn(store: Store): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for await (const { key, value } of store.list({ prefix: ["a"] })) found[String(key[1])] = value;
  return found;
}

storeContract("journaled", async () => {
  const folder = await Deno.makeTempDir();
  const store = await openStore(`kv:${folder}/x.kv`, options);
  const close = store[Symbol.asyncDispose].bind(store);
  store[Symbol.asyncDispose] = async () => {
    await close();
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  };
  return store;
});

Deno.test("commits that are only in the journal survive a kill", async () => {
  await withFolder(async (path) => {
    const clock = new FakeClock();
    await using store = await openStore(`kv:${path}`, { ...options, clock });
    await store.commit({ sets: [{ key: ["a", "1"], value: { n: 1 } }] });
    await store.commit({ sets: [{ key: ["a", "2"], value: new Uint8Array([1, 2]) }] });
    await store.commit({ deletes: [["a", "1"]], sets: [{ key: ["a", "3"], value: "three" }] });
    const copy = await copyOf(path);
    assert.equal((await journalsOf(copy)).length, 1);
    await using after = await openStore(`kv:${copy}`, { ...options, clock });
    assert.deepEqual(await valuesIn(after), { 2: new Uint8Array([1, 2]), 3: "three" });
    assert.deepEqual(await journalsOf(copy), []);
  });
});

Deno.test("a journal record that was cut off is ignored, and all before it are kept", async () => {
  await withFolder(async (path) => {
    const clock = new FakeClock();
    await using store = await openStore(`kv:${path}`, { ...options, clock });
    for (const n of [1, 2, 3]) {
      await store.commit({ sets: [{ key: ["a", String(n)], value: "x".repeat(100) }] });
    }
    const copy = await copyOf(path);
    const [name] = await journalsOf(copy);
    const journal = `${copy.slice(0, copy.lastIndexOf("/"))}/${name}`;
    await Deno.truncate(journal, (await Deno.stat(journal)).size - 7);
    await using after = await openStore(`kv:${copy}`, { ...options, clock });
    assert.deepEqual(Object.keys(await valuesIn(after)), ["1", "2"]);
  });
});

Deno.test("a damaged journal record is ignored, and all after it", async () => {
  await withFolder(async (path) => {
    const clock = new FakeClock();
    await using store = await openStore(`kv:${path}`, { ...options, clock });
    await store.commit({ sets: [{ key: ["a", "1"], value: "whole" }] });
    await store.commit({ sets: [{ key: ["a", "2"], value: "damaged" }] });
    await store.commit({ sets: [{ key: ["a", "3"], value: "behind" }] });
    const copy = await copyOf(path);
    const [name] = await journalsOf(copy);
    const journal = `${copy.slice(0, copy.lastIndexOf("/"))}/${name}`;
    const bytes = await Deno.readFile(journal);
    const at = new TextDecoder("latin1").decode(bytes).indexOf("damaged");
    bytes[at] = "D".charCodeAt(0);
    await Deno.writeFile(journal, bytes);
    await using after = await openStore(`kv:${copy}`, { ...options, clock });
    assert.deepEqual(Object.keys(await valuesIn(after)), ["1"]);
  });
});

/** A store that counts its commits, and waits or fails on request. */
async function watched(path: string, clock: FakeClock) {
  const inner = await openKvStore(path, { ...options, clock });
  const commits: Commit[] = [];
  const gate = {
    calls: 0,
    isBroken: false,
    breaksAfter: Infinity,
    opened: undefined as Promise<void> | undefined,
  };
  const commit = inner.commit.bind(inner);
  inner.commit = async (changes) => {
    gate.calls++;
    await gate.opened;
    if (gate.isBroken || commits.length >= gate.breaksAfter) {
      throw new ServiceError("store_unavailable", "Cannot write: it is full");
    }
    commits.push(changes);
    return await commit(changes);
  };
  return { store: await withJournal(inner, { clock, path }), commits, gate };
}

Deno.test("commits wait for the data file once 32 MiB wait for it, and none is lost", async () => {
  await withFolder(async (path) => {
    const { store, commits, gate } = await watched(path, new FakeClock());
    await using _store = store;
    const held = Promise.withResolvers<void>();
    gate.opened = held.promise;
    // 16 values to a MiB: the checkpoint begins with the 257th, and 32 MiB are exceeded by the 513th.
    const value = new Uint8Array(64 * 1024 - 100);
    const commit = (n: number) => store.commit({ sets: [{ key: ["a", String(n)], value }] });
    let answered = 0;
    for (let n = 0; n < 600; n++) void commit(n).then(() => answered++);
    await new Promise((resolve) => setTimeout(resolve));
    assert.equal(answered, 512);
    assert.equal(commits.length, 0);
    gate.opened = undefined;
    held.resolve();
    await commit(600);
    assert.equal(answered, 600);
    assert.equal(Object.keys(await valuesIn(store)).length, 601);
  });
});

Deno.test("after a checkpoint that failed, what it had written is not written again", async () => {
  await withFolder(async (path) => {
    const { store, commits, gate } = await watched(path, new FakeClock());
    await using _store = store;
    const sets = Array.from({ length: 200 }, (_, n) => ({ key: ["a", String(n)], value: n }));
    await store.commit({ sets });
    gate.breaksAfter = 2;
    await assert.rejects(store.get(["a", "199"]));
    assert.equal((await store.get(["a", "0"]))?.value, 0);
    gate.breaksAfter = Infinity;
    assert.equal(Object.keys(await valuesIn(store)).length, 200);
    assert.deepEqual(commits.map(({ sets }) => sets?.length), [64, 64, 64, 8]);
    assert.deepEqual(await journalsOf(path), []);
  });
});

Deno.test("a record set and deleted between two checkpoints never reaches the data file", async () => {
  await withFolder(async (path) => {
    const clock = new FakeClock();
    const { store, commits } = await watched(path, clock);
    await using _store = store;
    for (let n = 0; n < 50; n++) {
      await store.commit({ sets: [{ key: ["a", String(n)], value: n }] });
      if (n !== 7) await store.commit({ deletes: [["a", String(n)]] });
    }
    assert.equal(commits.length, 0);
    await clock.advance(1000);
    assert.deepEqual(await valuesIn(store), { 7: 7 });
    assert.deepEqual(commits.map(({ sets }) => sets), [[{ key: ["a", "7"], value: 7 }]]);
    assert.deepEqual(await journalsOf(path), []);
  });
});

Deno.test("reads find changes that are not in the data file yet", async () => {
  await withFolder(async (path) => {
    await using store = await openStore(`kv:${path}`, { ...options, clock: new FakeClock() });
    await store.commit({ sets: [{ key: ["a", "1"], value: 1 }] });
    assert.equal((await store.get(["a", "1"]))?.value, 1);
    await store.commit({ sets: [{ key: ["a", "2"], value: 2 }] });
    assert.deepEqual((await store.getMany([["a", "2"], ["a", "9"]])).map((one) => one?.value), [
      2,
      undefined,
    ]);
    await store.commit({ deletes: [["a", "1"]] });
    assert.deepEqual(await valuesIn(store), { 2: 2 });
  });
});

Deno.test("a check sees changes that are not in the data file yet", async () => {
  await withFolder(async (path) => {
    await using store = await openStore(`kv:${path}`, { ...options, clock: new FakeClock() });
    await store.commit({ sets: [{ key: ["a", "1"], value: 1 }] });
    const entry = (await store.get(["a", "1"]))!;
    await store.commit({ sets: [{ key: ["a", "1"], value: 2 }] });
    const change = { sets: [{ key: ["a", "1"], value: 3 }] };
    assert.equal(await store.commit({ ...change, checks: [entry] }), false);
    assert.equal(
      await store.commit({ ...change, checks: [{ key: ["a", "9"], version: null }] }),
      true,
    );
    assert.deepEqual(await valuesIn(store), { 1: 3 });
  });
});

Deno.test("a commit with checks is not undone by a kill while a checkpoint is under way", async () => {
  await withFolder(async (path) => {
    const clock = new FakeClock();
    const { store, commits, gate } = await watched(path, clock);
    await using _store = store;
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const turn = () => new Promise((resolve) => setTimeout(resolve));
    // More than one commit of a checkpoint takes.
    const keys = Array.from({ length: 100 }, (_, n) => ["a", String(n)]);
    await store.commit({ deletes: keys });
    gate.opened = first.promise;
    await clock.advance(1_000);
    gate.opened = second.promise;
    first.resolve();
    while (gate.calls < 2) await turn();
    gate.opened = undefined;
    const key = keys[0]!;
    const done = store.commit({ checks: [{ key, version: null }], sets: [{ key, value: "new" }] });
    await turn();
    if (commits.length === 1) second.resolve(); // it waits for the end of the checkpoint
    assert.equal(await done, true);
    const copy = await copyOf(path);
    second.resolve();
    await using after = await openStore(`kv:${copy}`, { ...options, clock });
    assert.deepEqual(await valuesIn(after), { 0: "new" });
  });
});

Deno.test("a record that expires before its checkpoint is absent afterwards", async () => {
  await withFolder(async (path) => {
    const clock = new FakeClock();
    await using store = await openStore(`kv:${path}`, { ...options, clock });
    await store.commit({ sets: [{ key: ["a", "1"], value: 1 }] });
    assert.deepEqual(await valuesIn(store), { 1: 1 });
    await store.commit({ sets: [{ key: ["a", "1"], value: 2, expireInMs: 500 }] });
    await store.commit({ sets: [{ key: ["a", "2"], value: 2, expireInMs: 60_000 }] });
    const copy = await copyOf(path);
    await clock.advance(600);
    await using after = await openStore(`kv:${copy}`, { ...options, clock });
    assert.deepEqual(await valuesIn(after), { 2: 2 });
  });
});

Deno.test("a new record that is deleted before a checkpoint costs the data file nothing", async () => {
  await withFolder(async (path) => {
    const clock = new FakeClock();
    const { store, commits, gate } = await watched(path, clock);
    await using _store = store;
    const add = (name: string) =>
      store.commit({ sets: [{ key: ["a", name], value: 1, isNew: true }] });
    const remove = (name: string) => store.commit({ deletes: [["a", name]] });
    await add("early");
    await clock.advance(1000);
    await store.get(["a", "early"]);
    commits.length = 0;

    await remove("early");
    await add("brief");
    await store.commit({ sets: [{ key: ["a", "brief"], value: 2 }] });
    await remove("brief");
    await add("late");
    await clock.advance(1000);
    assert.deepEqual(await valuesIn(store), { late: 1 });
    const changes = commits.flatMap(({ sets = [], deletes = [] }) => [
      ...sets.map(({ key }) => `+${key[1]}`),
      ...deletes.map((key) => `-${key[1]}`),
    ]);
    assert.deepEqual(changes.sort(), ["+late", "-early"]);

    // While a checkpoint writes it, and after that has failed, it may be in the data file.
    const held = Promise.withResolvers<void>();
    gate.opened = held.promise;
    await add("uncertain");
    await clock.advance(1000);
    await remove("uncertain");
    gate.isBroken = true;
    held.resolve();
    await clock.advance(0);
    gate.isBroken = false;
    commits.length = 0;
    assert.deepEqual(await valuesIn(store), { late: 1 });
    assert.deepEqual(commits.flatMap(({ deletes = [] }) => deletes), [["a", "uncertain"]]);
  });
});

Deno.test("the journal goes with a checkpoint where nothing in it is left to write", async () => {
  await withFolder(async (path) => {
    const clock = new FakeClock();
    const { store, commits } = await watched(path, clock);
    await using _store = store;
    await store.commit({ sets: [{ key: ["a", "1"], value: 1, isNew: true }] });
    await store.commit({ deletes: [["a", "1"]] });
    assert.equal((await journalsOf(path)).length, 1);
    await store[Symbol.asyncDispose]();
    assert.deepEqual(await journalsOf(path), []);
    assert.deepEqual(commits, []);
  });
});

Deno.test("while the data file cannot be written, commits are refused and none is lost", async () => {
  await withFolder(async (path) => {
    const clock = new FakeClock();
    const { store, gate } = await watched(path, clock);
    await using _store = store;
    gate.isBroken = true;
    await store.commit({ sets: [{ key: ["a", "1"], value: 1 }] });
    await clock.advance(1000);
    const isAway = (thrown: unknown) =>
      thrown instanceof ServiceError && thrown.code === "store_unavailable";
    await assert.rejects(store.commit({ sets: [{ key: ["a", "2"], value: 2 }] }), isAway);
    await assert.rejects(store.get(["a", "1"]), isAway);
    gate.isBroken = false;
    assert.equal((await store.get(["a", "1"]))?.value, 1);
    await store.commit({ sets: [{ key: ["a", "2"], value: 2 }] });
    assert.deepEqual(await valuesIn(store), { 1: 1, 2: 2 });
  });
});

Deno.test("a second process cannot open the data file while the first one uses it", async () => {
  await withFolder(async (path) => {
    const open = () => openStore(`kv:${path}`, { ...options, clock: new FakeClock() });
    const first = await open();
    await first.commit({ sets: [{ key: ["a", "1"], value: 1 }] });
    await assert.rejects(
      open(),
      (thrown) =>
        thrown instanceof ServiceError && thrown.code === "store_unavailable" &&
        thrown.message.includes("another process uses it"),
    );
    assert.equal((await journalsOf(path)).length, 1);
    await first[Symbol.asyncDispose]();
    await using second = await open();
    assert.deepEqual(await valuesIn(second), { 1: 1 });
  });
});

Deno.test("a commit beyond the limits of the data file is refused at once", async () => {
  await withFolder(async (path) => {
    await using store = await openStore(`kv:${path}`, { ...options, clock: new FakeClock() });
    const value = new Uint8Array(70_000);
    await assert.rejects(store.commit({ sets: [{ key: ["a", "1"], value }] }), RangeError);
    assert.deepEqual(await valuesIn(store), {});
  });
});
