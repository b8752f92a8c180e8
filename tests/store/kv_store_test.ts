import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { systemClock } from "../../core/clock.ts";
import { KvStore, openKvStore } from "../../store/mod.ts";
import { storeContract } from "../contract/store_contract.ts";
import { FakeClock } from "../support/fake_clock.ts";

const options = { clock: systemClock, random: () => 0.5 };

storeContract("kv", () => openKvStore(":memory:", options));

Deno.test("a KV file has its records when it is opened again", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/x.kv`;
    {
      await using store = await openKvStore(path, options);
      assert.equal(store.traits.durable, true);
      await store.commit({ sets: [{ key: ["a"], value: { v: 1 } }] });
    }
    await using store = await openKvStore(path, options);
    assert.deepEqual((await store.get(["a"]))?.value, { v: 1 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a file that is no database is refused, with its name in the message", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "this is not a database ".repeat(100));
    await assert.rejects(openKvStore(path, options), unavailable(path));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a folder in place of the file is refused, with its name in the message", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await assert.rejects(openKvStore(folder, options), unavailable(folder));
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("a full disk makes the store unavailable at once, with the file name in the message", async () => {
  let calls = 0;
  const store = stubbed(() => {
    calls++;
    throw new Error("database or disk is full");
  });
  const commit = store.commit({ sets: [{ key: ["a"], value: 1 }] });
  await assert.rejects(commit, unavailable("./data/x.kv"));
  assert.equal(calls, 1);
});

Deno.test("operations on a locked file are repeated until it is free", async () => {
  const clock = new FakeClock();
  let calls = 0;
  const store = stubbed(() => {
    if (++calls < 4) throw new TypeError("database is locked");
    return Promise.resolve({ ok: true });
  }, clock);
  const commit = store.commit({ sets: [{ key: ["a"], value: 1 }] });
  await clock.advance(1_000);
  assert.equal(await commit, true);
  assert.equal(calls, 4);
});

Deno.test("a file that stays locked makes the store unavailable in the end", async () => {
  const clock = new FakeClock();
  let calls = 0;
  const store = stubbed(() => {
    calls++;
    throw new TypeError("database is locked");
  }, clock);
  const failed = assert.rejects(
    store.commit({ sets: [{ key: ["a"], value: 1 }] }),
    unavailable("./data/x.kv"),
  );
  await clock.advance(60_000);
  await failed;
  assert.equal(calls, 8);
  assert.equal(clock.timers, 0);
});

/** A store on a handle whose commits the test controls. */
function stubbed(commit: () => unknown, clock = new FakeClock()): KvStore {
  const atomic = { check: () => atomic, set: () => atomic, delete: () => atomic, commit };
  const kv = { atomic: () => atomic } as unknown as Deno.Kv;
  return new KvStore(kv, { clock, random: () => 0.5, name: "./data/x.kv", durable: true });
}

function unavailable(path: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof ServiceError && error.code === "store_unavailable" &&
    error.message.includes(path);
}
