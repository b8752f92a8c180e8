import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { createYieldToEventLoop } from "../../core/event_loop.ts";
import { createIdSource } from "../../core/ids.ts";
import type { Notification } from "../../core/notification.ts";
import { RedisBuffer } from "../../redis/buffer/buffer.ts";
import type { RedisLink } from "../../redis/link.ts";
import { DEFAULTS, delivered } from "../contract/_buffer_bench.ts";
import { openTestLink } from "../support/redis_link.ts";
import { redisTest, startRedis } from "../support/redis_server.ts";
import { startRedisCluster } from "../support/redis_topologies.ts";
import { seeded } from "../support/seeded.ts";
import { until } from "../support/until.ts";
import { type FakeNode, NodeRegister } from "./_buffer_setup.ts";

const ids = createIdSource(systemClock);
const random = seeded(1);

/** How long notifications wait; without a delay a node claims what it accepts. */
const DELAYS = [["with a delay", 100], ["without a delay", 0]] as const;

function bufferOf(link: RedisLink, nodes: FakeNode, delay: number): RedisBuffer {
  return new RedisBuffer({
    ...{ link, nodes, random, clock: systemClock },
    settings: () => ({
      ...DEFAULTS,
      ...{ delayDuration: delay, maxDelayDuration: delay, timerFrequency: 50 },
      maxNotifications: 100_000,
    }),
    retentionMs: () => 60_000,
    yieldToEventLoop: createYieldToEventLoop(systemClock),
  });
}

function make(n: number): Notification {
  return {
    ...{
      id: ids(),
      context: String(n % 7),
      user: String(n),
      topic: "ox:mail:new",
      data: JSON.stringify({ n }),
    },
    ...{ priority: "high", acceptedAt: 0 },
  };
}

async function isDelivered(buffer: RedisBuffer, id: string): Promise<boolean> {
  const found = await buffer.find(id);
  return found !== undefined && "state" in found && found.state === "delivered";
}

for (const [what, delay] of DELAYS) {
  redisTest(
    `no accepted notification is lost where Redis is killed and restarted, ${what}`,
    async () => {
      // With `everysec` Redis answers before it writes for as long as the disk is busy with a sync.
      const config = ["appendfsync always"];
      await using redis = await startRedis({ appendonly: true, config });
      const register = new NodeRegister();
      await using linkA = await openTestLink(redis.url);
      await using linkB = await openTestLink(redis.url);
      await using a = bufferOf(linkA, register.join(), delay);
      await using b = bufferOf(linkB, register.join(), delay);
      const handled = new Map<string, number>();
      for (const buffer of [a, b]) {
        await buffer.start((batch) => {
          for (const notification of batch) {
            handled.set(notification.id, 1 + (handled.get(notification.id) ?? 0));
            buffer.settle(delivered(notification));
          }
        });
      }
      const accepted: string[] = [];
      let made = 0;
      let refused = 0;
      async function publish(buffer: RedisBuffer, count: number): Promise<void> {
        for (let n = 0; n < count; n++) {
          const batch = [make(made++), make(made++)];
          try {
            await buffer.put(batch);
            accepted.push(...batch.map(({ id }) => id));
          } catch {
            refused++;
            await new Promise((resolve) => systemClock.after(5, () => resolve(undefined)));
          }
        }
      }
      const publishing = Promise.all([publish(a, 400), publish(b, 400)]);
      await until("some are processed", () => handled.size > 50);
      await redis.kill();
      await until("publishers notice", () => refused > 2);
      await redis.start();
      await publishing;
      await until("publishers can go on", () => linkA.isUp && linkB.isUp);
      await publish(a, 20);
      await until("all were processed", () => accepted.every((id) => handled.has(id)));
      await until("all are settled", async () => {
        const states = await Promise.all(accepted.map((id) => isDelivered(b, id)));
        return states.every((is) => is);
      });
      assert.ok(accepted.length >= 40);
    },
  );

  redisTest(`a Cluster of three masters shares the load, ${what}`, async () => {
    await using cluster = await startRedisCluster(3);
    const register = new NodeRegister();
    await using linkA = await openTestLink(cluster.url);
    await using linkB = await openTestLink(cluster.url);
    await using a = bufferOf(linkA, register.join(), delay);
    await using b = bufferOf(linkB, register.join(), delay);
    const handled: string[] = [];
    for (const buffer of [a, b]) {
      await buffer.start((batch) => {
        for (const notification of batch) {
          handled.push(notification.id);
          buffer.settle(delivered(notification));
        }
      });
    }
    const given = Array.from({ length: 300 }, (_, n) => make(n));
    await Promise.all([a.put(given.slice(0, 150)), b.put(given.slice(150))]);
    await until("all were processed", () => handled.length >= 300);
    assert.deepEqual(handled.toSorted(), given.map(({ id }) => id));
    await until("all are settled", async () => {
      const states = await Promise.all(given.map(({ id }) => isDelivered(a, id)));
      return states.every((is) => is);
    });
    for (const master of cluster.masters) assert.ok(Number(await master.cli("dbsize")) > 5);
  });
}
