import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../core/clock.ts";
import type { Commit, Store } from "../../core/store.ts";
import { type CommitTraits, GroupCommit, MemoryStore, openKvStore } from "../../store/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

Deno.test("commits that arrive while one is being written go together in the next", async () => {
  const { store, written, release } = heldStore();
  const group = new GroupCommit(store, { clock: new FakeClock() });
  const first = group.commit(set("a", 1));
  await settle();
  const others = [group.commit(set("b", 2)), group.commit(set("c", 3)), group.commit(set("d", 4))];
  await settle();
  assert.equal(written.length, 1);
  release();
  await first;
  await settle();
  assert.deepEqual(written.map(keysSet), [["a"], ["b", "c", "d"]]);
  release();
  await Promise.all(others);
});

Deno.test("the event loop runs between two groups, and not after the last", async () => {
  const store = new MemoryStore({ clock: new FakeClock() });
  let yields = 0;
  const yieldToEventLoop = () => Promise.resolve(void yields++);
  const group = new GroupCommit(store, { clock: new FakeClock(), yieldToEventLoop });
  const some = (count: number) =>
    Array.from({ length: count }, (_, n) => group.commit(set(`${n}`, n)));
  await Promise.all(some(2));
  assert.equal(yields, 0);
  await Promise.all(some(2 * store.traits.maxCommitChanges + 1));
  assert.equal(yields, 2);
});

Deno.test("a commit resolves only after the store has written it", async () => {
  const { store, release } = heldStore();
  const group = new GroupCommit(store, { clock: new FakeClock() });
  let done = false;
  const commit = group.commit(set("a", 1)).then(() => done = true);
  await settle();
  assert.equal(done, false);
  release();
  await commit;
  assert.equal(done, true);
});

Deno.test("commits made before the next microtask go together", async () => {
  const { store, written, release } = heldStore();
  const group = new GroupCommit(store, { clock: new FakeClock() });
  const first = group.commit(set("a", 1));
  const second = group.commit(set("b", 1));
  assert.equal(written.length, 0);
  await settle();
  assert.deepEqual(written.map(keysSet), [["a", "b"]]);
  release();
  await Promise.all([first, second]);
});

Deno.test("a group holds no more changes than one commit takes", async () => {
  const { store, written, release } = heldStore({ maxCommitChanges: 2 });
  const group = new GroupCommit(store, { clock: new FakeClock() });
  const all = ["a", "b", "c"].map((key) => group.commit(set(key, 1)));
  await settle();
  assert.deepEqual(written.map(keysSet), [["a", "b"]]);
  await settle();
  assert.equal(written.length, 1);
  release();
  await settle();
  release();
  await Promise.all(all);
  assert.deepEqual(written.map(keysSet), [["a", "b"], ["c"]]);
});

Deno.test("a failure rejects the calls of its commit and no others", async () => {
  const { store, release, fail } = heldStore();
  const group = new GroupCommit(store, { clock: new FakeClock() });
  const first = group.commit(set("a", 1));
  await settle();
  const second = Promise.allSettled([group.commit(set("b", 1)), group.commit(set("c", 1))]);
  release();
  await first;
  await settle();
  fail(new Error("broken"));
  assert.deepEqual((await second).map(({ status }) => status), ["rejected", "rejected"]);
  const third = group.commit(set("d", 1));
  await settle();
  release();
  await third;
});

Deno.test("changes larger than any commit are refused alone", async () => {
  const store = new MemoryStore({ clock: new FakeClock() });
  const group = new GroupCommit(store, { clock: new FakeClock() });
  const many = Array.from({ length: 1_001 }, (_, n) => ({ key: ["n", n], value: 1 }));
  const results = await Promise.allSettled([
    group.commit(set("a", 1)),
    group.commit({ sets: many }),
    group.commit(set("huge", new Uint8Array(65_537))),
    group.commit(set("b", 1)),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "rejected", "fulfilled"],
  );
});

Deno.test("of several changes of one key, the last call wins", async () => {
  const store = new MemoryStore({ clock: new FakeClock() });
  const group = new GroupCommit(store, { clock: new FakeClock() });
  await Promise.all([
    group.commit(set("kept", 1)),
    group.commit({ deletes: [["kept"]] }),
    group.commit(set("kept", 2)),
    group.commit(set("dropped", 1)),
    group.commit({ deletes: [["dropped"]] }),
  ]);
  assert.equal((await store.get(["kept"]))?.value, 2);
  assert.equal(await store.get(["dropped"]), undefined);
});

Deno.test("every commit is reported with its number of changes and its duration", async () => {
  const reports: [number, number][] = [];
  const { store, release } = heldStore();
  const clock = new FakeClock();
  const group = new GroupCommit(store, {
    clock,
    onCommit: (changes, seconds) => reports.push([changes, seconds]),
  });
  const all = [group.commit(set("a", 1)), group.commit({ deletes: [["b"], ["c"]] })];
  await clock.advance(250);
  release();
  await Promise.all(all);
  await group.drain();
  assert.deepEqual(reports, [[3, 0.25]]);
});

Deno.test("drain() waits for every commit given before", async () => {
  const store = new MemoryStore({ clock: new FakeClock() });
  const group = new GroupCommit(store, { clock: new FakeClock() });
  await group.drain();
  for (let n = 0; n < 2_500; n++) void group.commit(set(`k${n}`, n));
  await group.drain();
  assert.equal((await Array.fromAsync(store.list({ prefix: [] }))).length, 2_500);
});

Deno.test("a group of any commits stays within the limits of Deno KV", async () => {
  await using store = await openKvStore(":memory:", { clock: systemClock, random: () => 0.5 });
  const repeated = fc.tuple(fc.constantFrom("a", "é", "€"), fc.nat({ max: 30_000 }));
  const value = fc.oneof(
    fc.json({ maxDepth: 2 }).map((text) => JSON.parse(text)),
    repeated.map(([text, times]) => text.repeat(times)),
    fc.nat({ max: 60_000 }).map((size) => new Uint8Array(size)),
  );
  const commit = fc.array(fc.tuple(fc.string({ maxLength: 200 }), value), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(commit, { maxLength: 20 }), async (commits) => {
      const group = new GroupCommit(store, { clock: systemClock });
      await Promise.all(
        commits.map((sets, caller) =>
          group.commit({ sets: sets.map(([key, value]) => ({ key: [caller, key], value })) })
        ),
      );
      for (const [caller, sets] of commits.entries()) {
        for (const [key, value] of new Map(sets)) {
          assert.deepEqual((await store.get([caller, key]))?.value, value);
        }
      }
    }),
    { numRuns: 15 },
  );
});

Deno.test("the keys of a group stay below the limit that Deno KV has for all keys together", async () => {
  await using store = await openKvStore(":memory:", { clock: systemClock, random: () => 0.5 });
  let commits = 0;
  const group = new GroupCommit(store, { clock: systemClock, onCommit: () => commits++ });
  const key = "k".repeat(500);
  await Promise.all(
    Array.from({ length: 400 }, (_, n) => group.commit({ sets: [{ key: [key, n], value: n }] })),
  );
  assert.equal((await Array.fromAsync(store.list({ prefix: [key] }))).length, 400);
  await group.drain();
  assert.ok(commits >= 3, `${commits} commits`);
});

function set(key: string, value: unknown): Commit {
  return { sets: [{ key: [key], value }] };
}

function keysSet(commit: Commit): unknown[] {
  return (commit.sets ?? []).map(({ key }) => key[0]);
}

/** A store whose commits end when the test says so. */
function heldStore(traits: Partial<CommitTraits> = {}) {
  const written: Commit[] = [];
  let current: { resolve: (done: boolean) => void; reject: (error: Error) => void } | undefined;
  const memory = new MemoryStore({ clock: new FakeClock() });
  const store = {
    traits: { ...memory.traits, ...traits },
    commit(commit: Commit) {
      written.push(commit);
      return new Promise<boolean>((resolve, reject) => current = { resolve, reject });
    },
  } as unknown as Store;
  return {
    store,
    written,
    release: () => current?.resolve(true),
    fail: (error: Error) => current?.reject(error),
  };
}
