/** Jobs that nodes share on Redis: one of them processes each. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { createIdSource } from "../../core/ids.ts";
import { DueQueue } from "../../delivery/due_queue.ts";
import { openLink } from "../../redis/link/open.ts";
import { RedisStore } from "../../redis/records/store.ts";
import { GroupCommit } from "../../store/mod.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";

const redis = sharedRedis();
const JOBS = 500;

redisTest("nodes on Redis process each job once, whichever node stored it", async () => {
  const faults: unknown[] = [];
  const done: string[] = [];
  await using opened = new AsyncDisposableStack();
  const queues = await Promise.all([1, 2, 3].map(async () => {
    const link = opened.use(
      await openLink(redis().url, { clock: systemClock, random: Math.random }),
    );
    const store = new RedisStore(link);
    const group = new GroupCommit(store, { clock: systemClock });
    return new DueQueue<string>({
      ...{ store, prefix: "retry", maxRunning: 32, horizonMs: 3_600_000, clock: systemClock },
      commit: (changes) => group.commit(changes),
      ids: createIdSource(systemClock),
      random: Math.random,
      onFault: (thrown) => faults.push(thrown),
    });
  }));
  const [first] = queues;
  const atMs = systemClock.now() + 100;
  await first!.schedule(Array.from({ length: JOBS }, (_, n) => ({ job: String(n), atMs })));
  for (const queue of queues) {
    await queue.start((job) => {
      done.push(job);
      return Promise.resolve({ done: true });
    });
  }
  await until("all are done", () => done.length >= JOBS);
  await Promise.all(queues.map((queue) => queue.stop()));
  assert.deepEqual([done.length, new Set(done).size, faults], [JOBS, JOBS, []]);
});
