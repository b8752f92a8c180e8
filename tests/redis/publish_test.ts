/** Publishing at several nodes of one Redis: idempotency keys and limits hold for all of them. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import { createIdSource } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { silentLog } from "../../core/log.ts";
import type { Notification } from "../../core/notification.ts";
import { SCOPES } from "../../core/principal.ts";
import { createPublish } from "../../delivery/publish.ts";
import { createPublishLimits } from "../../delivery/publish_limits.ts";
import { RedisBuffer } from "../../redis/buffer/buffer.ts";
import type { RedisLink } from "../../redis/link.ts";
import { RedisLimiter, RedisStore } from "../../redis/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { openTestLink } from "../support/redis_link.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { flakyLink, NodeRegister } from "./_buffer_setup.ts";

const redis = sharedRedis();
const PRINCIPAL = { id: "key:a", kind: "key", scopes: new Set(SCOPES) } as const;
const HOUR_MS = 3_600_000;
const SETTINGS = {
  delayDuration: 50,
  maxDelayDuration: 50,
  timerFrequency: 20,
  numProcessorThreads: 2,
  maxProcessorTasks: 1000,
  maxNotifications: 100_000,
  maxBytes: 1_000_000_000,
};

/** Two nodes on an empty Redis; `handled` is what either has processed. */
async function twoNodes({ maxPerSecondPerContext = 0 } = {}) {
  await redis().flush();
  const opened = new AsyncDisposableStack();
  const link = opened.use(await openTestLink(redis().url));
  const register = new NodeRegister();
  const handled: Notification[] = [];

  async function node() {
    const own = flakyLink(link);
    const buffer = opened.use(
      new RedisBuffer({
        ...{ link: own, nodes: register.join(), clock: systemClock, random: Math.random },
        settings: () => SETTINGS,
        retentionMs: () => HOUR_MS,
        yieldToEventLoop: () => settle(1),
      }),
    );
    await buffer.start((batch) => {
      for (const each of batch) {
        handled.push(each);
        const { id, context, user, topic, acceptedAt } = each;
        const record: LedgerRecord = {
          ...{ id, context, user, topic, acceptedAt, state: "delivered", targets: [] },
        };
        buffer.settle(record);
      }
    });
    return { own, publish: publisher({ own, buffer, maxPerSecondPerContext }) };
  }

  const [a, b] = [await node(), await node()];
  return { a, b, handled, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function publisher({ own, buffer, maxPerSecondPerContext }: {
  readonly own: RedisLink;
  readonly buffer: RedisBuffer;
  readonly maxPerSecondPerContext: number;
}) {
  const publish = createPublish({
    ...{ buffer, store: new RedisStore(own, { standalone: ["idempotency"] }), clock: systemClock },
    ids: createIdSource(systemClock),
    scheduled: buffer,
    fanouts: { accept: () => Promise.reject(new Error("for one user")) },
    timeZone: () => "UTC",
    maxPayloadBytes: () => 49_152,
    idempotencyMs: () => HOUR_MS,
    limits: createPublishLimits({
      limiter: new RedisLimiter({ link: own, clock: systemClock, log: silentLog }),
      perKey: () => 0,
      perContext: () => maxPerSecondPerContext,
    }),
  });
  return (idempotencyKey: string | undefined, { context = "1", count = 1 } = {}) =>
    publish(PRINCIPAL, {
      drafts: Array.from({ length: count }, (_, n) => ({
        ...{ context, user: String(n), topic: "ox:mail:new" },
        data: JSON.stringify({ n, key: idempotencyKey ?? "" }),
      })),
      idempotencyKey,
    });
}

function codeOf(done: Promise<unknown>): Promise<string> {
  return done.then(() => "accepted", (thrown) => {
    assert.ok(thrown instanceof ServiceError, String(thrown));
    return thrown.code;
  });
}

redisTest("a request that one node has accepted is replayed by the other", async () => {
  await using nodes = await twoNodes();
  const { a, b, handled } = nodes;
  const { ids } = await a.publish("k", { count: 5 });
  const replay = await until("b knows it", () => b.publish("k", { count: 5 }).catch(() => false));
  assert.deepEqual(replay, { ids, replayed: true });
  assert.equal(await codeOf(b.publish("k", { count: 4 })), "idempotency_mismatch");
  await until("all are handled", () => handled.length >= 5);
  assert.deepEqual(handled.map(({ id }) => id).toSorted(), ids);
});

redisTest("one of two nodes that get a request at the same time accepts it", async () => {
  await using nodes = await twoNodes();
  const { a, b, handled } = nodes;
  for (let n = 0; n < 20; n++) {
    const both = await Promise.allSettled([a.publish(`k${n}`), b.publish(`k${n}`)]);
    const fresh = both.filter((one) => one.status === "fulfilled" && !one.value.replayed);
    assert.equal(fresh.length, 1);
    for (const one of both) {
      if (one.status === "rejected") assert.equal(one.reason.code, "idempotency_conflict");
    }
  }
  await until("all are handled", () => handled.length >= 20);
  assert.equal(new Set(handled.map(({ id }) => id)).size, 20);
});

redisTest(
  "the other node finishes a request that failed half-way, without duplicates",
  async () => {
    await using nodes = await twoNodes();
    const { a, b, handled } = nodes;
    a.own.loseAnswer("buffer_accept");
    assert.equal(await codeOf(a.publish("k", { count: 3 })), "store_unavailable");
    const { ids, replayed } = await b.publish("k", { count: 3 });
    assert.equal(replayed, false);
    await until("all are handled", () => handled.length >= 3);
    const other = await b.publish("another", { context: "2" });
    await until("it is handled", () => handled.some(({ id }) => id === other.ids[0]));
    assert.deepEqual(
      handled.map(({ id }) => id).toSorted(),
      [...ids, ...other.ids].toSorted(),
    );
  },
);

redisTest("a limit counts what both nodes accept", async () => {
  await using nodes = await twoNodes({ maxPerSecondPerContext: 20 });
  const { a, b } = nodes;
  // A debt of 19 seconds, which no pause of this process pays.
  await a.publish(undefined, { count: 400 });
  assert.equal(await codeOf(b.publish(undefined)), "too_many_requests");
  await b.publish(undefined, { context: "2" });
});
