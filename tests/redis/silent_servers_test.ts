/**
 * What the link promises while a server hangs, and that the clients of the npm package for Sentinel
 * and Cluster do not: `docs/decisions/redis_client.md` has their results in the same situations.
 */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import { openLink } from "../../redis/link/open.ts";
import { type RedisServer, redisTest, startRedis } from "../support/redis_server.ts";
import { startRedisCluster, startRedisSentinel } from "../support/redis_topologies.ts";
import { until } from "../support/until.ts";

redisTest(
  "when a master of a Cluster hangs, its replica is found",
  async () => {
    await using cluster = await startRedisCluster(3, { replicas: 1 });
    await using link = await open(cluster.url);
    const [hanging, other] = cluster.masters;
    const [lost, kept] = [await keyAt(hanging!), await keyAt(other!)];
    await link.send(lost, ["SET", lost, "before"]);
    await until(
      "the replica has it",
      async () => await cluster.replicas[0]!.cli("dbsize") !== "0",
    );
    hanging!.pause();
    await assert.rejects(link.send(lost, ["GET", lost]), isUnavailable);
    assert.equal(await link.send(kept, ["ECHO", 1]), "1");
    await until("its replica has taken over", () => {
      return link.send(lost, ["GET", lost]).then(
        (found) => found === "before",
        () => false,
      );
    });
    await until("the link is up", () => link.isUp);
    hanging!.resume();
  },
);

redisTest(
  "when a master behind Sentinel hangs, the one that takes over is found",
  async () => {
    await using sentinel = await startRedisSentinel();
    await using link = await open(sentinel.url);
    await link.send("k", ["SET", "k", "before"]);
    await until(
      "the replica has it",
      async () => await sentinel.replica.cli("dbsize") !== "0",
    );
    sentinel.master.pause();
    await assert.rejects(link.send("k", ["GET", "k"]), isUnavailable);
    await until("the replica has taken over", () => {
      return link.send("k", ["GET", "k"]).then(
        (found) => found === "before",
        () => false,
      );
    });
    assert.equal(await link.send("k", ["SET", "k", "after"]), "OK");
    sentinel.master.resume();
  },
);

redisTest("a Sentinel that hangs is passed over", async () => {
  await using sentinel = await startRedisSentinel({ sentinels: 3 });
  sentinel.sentinels[0]!.pause();
  await using link = await open(sentinel.url);
  assert.equal(await link.send("k", ["PING"]), "PONG");
  sentinel.sentinels[0]!.resume();
});

redisTest(
  "what is under way when the connection to a master breaks is not sent again",
  async () => {
    await using sentinel = await startRedisSentinel();
    await using link = await open(sentinel.url);
    const underWay = assert.rejects(
      link.send("list", ["BLPOP", "list", 0]),
      isUnavailable,
    );
    await until("it blocks", async () => {
      return (await sentinel.master.cli("client", "list", "type", "normal"))
        .includes("cmd=blpop");
    });
    await sentinel.master.cli("client", "kill", "type", "normal");
    await underWay;
    await until("it answers again", () => {
      return link.send("list", ["RPUSH", "list", "x"]).then(() => true, () => false);
    });
    assert.equal(await link.send("list", ["LLEN", "list"]), 1);
  },
);

redisTest(
  "a server that hangs is given up also while commands go on being sent",
  async () => {
    await using server = await startRedis();
    await using link = await open(server.url, 300);
    server.pause();
    const startedAt = performance.now();
    const first = assert.rejects(link.send("k", ["GET", "k"]), isUnavailable);
    const sending = setInterval(
      () => link.send("k", ["GET", "k"]).catch(() => {}),
      20,
    );
    await first;
    clearInterval(sending);
    assert.ok(performance.now() - startedAt < 1_500);
    server.resume();
  },
);

redisTest(
  "in a Cluster a command without a key goes to where its key is",
  async () => {
    await using cluster = await startRedisCluster(3);
    await using link = await open(cluster.url);
    const key = await keyAt(cluster.masters[1]!);
    await Promise.all(
      cluster.masters.map((master) => master.cli("config", "resetstat")),
    );
    for (let n = 0; n < 30; n++) await link.send(key, ["TIME"]);
    const calls = await Promise.all(cluster.masters.map(async (master) => {
      const stats = await master.cli("info", "commandstats");
      return Number(/cmdstat_time:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    }));
    assert.deepEqual(calls, [0, 30, 0]);
  },
);

function open(url: string, timeoutMs = 1_000) {
  return openLink(url, { clock: systemClock, random: Math.random, timeoutMs });
}

/** A key that the server has the slot of. */
async function keyAt(server: RedisServer): Promise<string> {
  for (let n = 0;; n++) {
    const answer = await server.cli("get", `key${n}`);
    if (!answer.startsWith("MOVED")) return `key${n}`;
  }
}

function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof ServiceError && thrown.code === "store_unavailable";
}
