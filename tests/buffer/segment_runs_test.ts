/** Records of segments that end at the same time are written together; each is still found. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { SegmentLog } from "../../buffer/segment_log.ts";
import { createIdSource } from "../../core/ids.ts";
import type { Notification } from "../../core/notification.ts";
import type { Commit } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import { delivered } from "../contract/_buffer_bench.ts";
import { FakeClock } from "../support/fake_clock.ts";

interface Log {
  readonly log: SegmentLog;
  readonly store: MemoryStore;
  readonly clock: FakeClock;
  readonly commits: Commit[];
  /** Appends segments of so many notifications each. */
  append(...sizes: readonly number[]): Promise<readonly Notification[][]>;
  reopen(): Promise<SegmentLog>;
}

function open(): Log {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const commits: Commit[] = [];
  const commit = store.commit.bind(store);
  store.commit = (changes) => {
    commits.push(changes);
    return commit(changes);
  };
  const openLog = () => new SegmentLog(store, { clock, retentionMs: () => 3_600_000 });
  const log = openLog();
  const ids = createIdSource(clock);
  return {
    ...{ log, store, clock, commits },
    async append(...sizes) {
      const segments = sizes.map((size) =>
        Array.from({ length: size }, (): Notification => ({
          ...{ id: ids(), context: "1", user: "3", topic: "a", data: "{}" },
          ...{ priority: "high", acceptedAt: 0 },
        }))
      );
      for (const segment of segments) {
        const appended = log.append(segment);
        await clock.advance(0);
        await appended;
      }
      return segments;
    },
    async reopen() {
      const reopened = openLog();
      await reopened.recover();
      return reopened;
    },
  };
}

Deno.test("segments that end together are written as one value, with one change to remove each", async () => {
  const { log, clock, commits, append } = open();
  const segments = await append(1, 1, 1, 1, 1);
  commits.length = 0;
  for (const one of segments.flat()) log.settle(delivered(one));
  await clock.advance(30);
  assert.deepEqual(commits.map(({ sets, deletes }) => [sets?.length, deletes?.length]), [[1, 5]]);
  await log.close();
});

Deno.test("records of a segment that ended first are found after the segments around it have ended", async () => {
  const { log, clock, append } = open();
  const [first, middle, last] = await append(2, 2, 2);
  const all = [...first!, ...middle!, ...last!];
  for (const one of middle!) log.settle(delivered(one));
  await clock.advance(30);
  for (const one of [...first!, ...last!]) log.settle(delivered(one));
  await clock.advance(30);
  for (const { id } of all) assert.deepEqual((await log.find(id) as { id: string }).id, id);
  await log.close();
});

Deno.test("each record is found, also after a restart, whatever the order in which notifications are settled", async () => {
  const plan = fc.record({
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 8 }),
    order: fc.infiniteStream(fc.nat()),
    pauses: fc.infiniteStream(fc.constantFrom(0, 0, 5, 30, 1100)),
    settled: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ sizes, order, pauses, settled }) => {
      const { log, clock, append, reopen } = open();
      const all = (await append(...sizes)).flat();
      const left = [...all];
      while (left.length > all.length * (1 - settled)) {
        const [one] = left.splice(order.next().value! % left.length, 1);
        log.settle(delivered(one!));
        await clock.advance(pauses.next().value!);
      }
      await clock.advance(1100);
      for (const source of [log, await reopen()]) {
        for (const one of all) {
          const found = await source.find(one.id);
          assert.deepEqual(found, left.includes(one) ? one : delivered(one), one.id);
        }
        await source.close();
      }
    }),
    { numRuns: 60 },
  );
});
