import assert from "node:assert/strict";
import fc from "fast-check";
import type { Change } from "../../core/change_feed.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import {
  type ChangeRecord,
  KvChangeFeed,
  newChanges,
  withChanges,
} from "../../buffer/shared_kv/kv_change_feed.ts";
import { KvStore } from "../../store/mod.ts";
import { serializedBytes } from "../../core/stored_size.ts";
import { until } from "../support/until.ts";

const EMPTY: ChangeRecord = { v: 1, last: 0, changes: [] };
const OPTIONS = { clock: systemClock, random: Math.random };

function user(n: number): Change {
  return { kind: "subscriptions", context: "1", user: String(n) };
}

async function store(): Promise<KvStore> {
  const kv = await Deno.openKv(":memory:");
  return new KvStore(kv, { ...OPTIONS, name: "memory", durable: false });
}

/** One of several processes on a store. */
function feed(of: KvStore, id: string) {
  const feed = new KvChangeFeed(of, { ...OPTIONS, id, log: silentLog });
  const seen: Change[] = [];
  feed.onChange((change) => seen.push(change));
  return {
    seen,
    publish: (change: Change) => feed.publish(change),
    /** Resolves once it watches: its first change is an unknown one. */
    ready: () => until(`${id} watches`, () => seen.length > 0),
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  };
}

Deno.test("a change reaches the other process, and not the one that published it", async () => {
  await using shared = await store();
  await using a = feed(shared, "a");
  await using b = feed(shared, "b");
  await Promise.all([a.ready(), b.ready()]);
  a.publish(user(1));
  b.publish(user(2));
  await until("both know", () => a.seen.length > 1 && b.seen.length > 1);
  assert.deepEqual(a.seen, [{ kind: "unknown" }, user(2)]);
  assert.deepEqual(b.seen, [{ kind: "unknown" }, user(1)]);
});

Deno.test("after more changes than the record holds, a process receives each, or learns that it missed some", async () => {
  await using shared = await store();
  await using a = feed(shared, "a");
  await using b = feed(shared, "b");
  await Promise.all([a.ready(), b.ready()]);
  for (let n = 0; n < 1_000; n++) a.publish(user(n));
  a.publish({ kind: "session", id: "last" });
  await until(
    "b knows the last, or that it missed some",
    () => b.seen.length === 1_002 || b.seen.slice(1).some(({ kind }) => kind === "unknown"),
  );
});

Deno.test("two processes that publish at once do not overwrite each other's changes", async () => {
  await using shared = await store();
  await using a = feed(shared, "a");
  await using b = feed(shared, "b");
  await using c = feed(shared, "c");
  await Promise.all([a.ready(), b.ready(), c.ready()]);
  for (let n = 0; n < 20; n++) {
    a.publish(user(n));
    b.publish(user(100 + n));
  }
  await until("c knows all", () => c.seen.length === 41);
});

Deno.test("a process receives the changes after the last one it saw, or learns that it missed some", () => {
  const steps = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });
  fc.assert(fc.property(steps, fc.integer({ min: 0, max: 200 }), (counts, seen) => {
    let record = EMPTY;
    for (const count of counts) {
      const added = Array.from({ length: count }, (_, n) => user(record.last + n + 1));
      record = withChanges(record, added, { from: "a" });
    }
    const delivered = newChanges(record, { seen, id: "b" });
    const missing = Array.from(
      { length: Math.max(0, record.last - seen) },
      (_, n) => user(seen + n + 1),
    );
    if (seen > record.last || missing.length > 100) {
      assert.deepEqual(delivered, [{ kind: "unknown" }]);
    } else assert.deepEqual(delivered, missing);
  }));
});

Deno.test("the record stays below the limit of a value, whatever the names", () => {
  const long = "\u{1F600}".repeat(127);
  const added = Array.from({ length: 100 }, (_, n): Change => ({
    kind: "subscriptions",
    context: long,
    user: `${n}${long}`,
  }));
  const record = withChanges(EMPTY, added, { from: "a" });
  assert.ok(serializedBytes(record) <= 65_536);
  assert.equal(record.last, 100);
  assert.ok(record.changes.length > 20 && record.changes.length < 100);
});
