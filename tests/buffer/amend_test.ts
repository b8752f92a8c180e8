import assert from "node:assert/strict";
import { SegmentLog } from "../../buffer/segment_log.ts";
import { createIdSource } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { MemoryStore } from "../../store/mod.ts";
import { delivered } from "../contract/_buffer_bench.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("changes of a record that is being written are all kept", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  const gates: PromiseWithResolvers<void>[] = [];
  const commit = store.commit.bind(store);
  store.commit = async (changes) => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
    return await commit(changes);
  };
  async function releaseCommits(): Promise<void> {
    for (const gate of gates.splice(0)) gate.resolve();
    await clock.advance(0);
  }

  const log = new SegmentLog(store, { clock, retentionMs: () => 60_000 });
  const id = createIdSource(clock)();
  const notification: Notification = {
    ...{ id, context: "1", user: "3", topic: "a", data: "{}", priority: "high", acceptedAt: 0 },
  };
  const appended = log.append([notification]);
  await clock.advance(0);
  await releaseCommits();
  await appended;
  log.settle(delivered(notification));
  await clock.advance(30);
  assert.equal(gates.length, 1);

  const addReason = (more: string) => (record: LedgerRecord): LedgerRecord => ({
    ...record,
    reason: `${record.reason ?? ""}${more}`,
  });
  const first = log.amend(id, addReason("a"));
  await releaseCommits(); // the record as it was before
  const second = log.amend(id, addReason("b"));
  for (let commit = 0; commit < 5; commit++) {
    await clock.advance(30);
    await releaseCommits();
  }
  assert.deepEqual([await first, await second], [true, true]);
  assert.deepEqual([...(await log.find(id) as LedgerRecord).reason ?? ""].toSorted(), ["a", "b"]);
  await log.close();
});

Deno.test("records of retried notifications have values of their own, and are amended together", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  const log = new SegmentLog(store, { clock, retentionMs: () => 60_000 });
  const ids = createIdSource(clock);
  const notifications = Array.from({ length: 200 }, (): Notification => ({
    ...{ id: ids(), context: "1", user: "3", topic: "a" },
    ...{ data: "{}", priority: "high", acceptedAt: 0 },
  }));
  const appended = log.append(notifications);
  await clock.advance(0);
  await appended;
  const isRetrying = (index: number) => index % 2 === 1;
  for (const [index, notification] of notifications.entries()) {
    const record = delivered(notification);
    log.settle(isRetrying(index) ? { ...record, state: "in_flight" } : record);
  }
  await clock.advance(30);
  assert.equal(await count(store), 200);

  let commits = 0;
  const commit = store.commit.bind(store);
  store.commit = (changes) => (commits++, commit(changes));
  const amended = notifications.filter((_, index) => isRetrying(index))
    .map(({ id }) => log.amend(id, (record) => ({ ...record, state: "delivered" })));
  await clock.advance(0);
  assert.ok((await Promise.all(amended)).every(Boolean));
  assert.equal(commits, 1);
  for (const { id } of notifications) {
    assert.equal((await log.find(id) as LedgerRecord).state, "delivered");
  }
  await log.close();
});

async function count(store: MemoryStore): Promise<number> {
  let values = 0;
  for await (const _ of store.list({ prefix: ["ledger"] })) values++;
  return values;
}
