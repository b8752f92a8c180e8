import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import type { Link } from "../../redis/link/link.ts";
import { slotOf } from "../../redis/link/_slots.ts";
import { keyIn, PARTITIONS, partitionTag } from "../../redis/keys.ts";
import { openLink } from "../../redis/link/open.ts";
import { checkServers } from "../../redis/link/server_check.ts";
import { RedisStore } from "../../redis/records/store.ts";
import { storeContract } from "../contract/store_contract.ts";
import { HAS_REDIS, type RedisServer, redisTest, redisTests } from "../support/redis_server.ts";
import {
  type RedisCluster,
  startRedisCluster,
  startRedisSentinel,
} from "../support/redis_topologies.ts";
import { until } from "../support/until.ts";

const ADD = { name: "add", lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])" };
/** A key for each partition, which are spread over the servers. */
const KEYS = Array.from({ length: PARTITIONS }, (_, n) => keyIn(partitionTag(n), "n"));

let cluster: RedisCluster;
let shared: Link;
if (HAS_REDIS) {
  Deno.test.beforeAll(async () => {
    cluster = await startRedisCluster(3, { replicas: 1 });
    shared = await open(cluster.url);
  });
  Deno.test.afterAll(async () => {
    await shared?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });
}

redisTests("the contract of stores, on a Cluster", () => {
  storeContract("cluster", async () => {
    await Promise.all(cluster.masters.map((master) => master.flush()));
    return new RedisStore(shared);
  });
});

redisTest(
  "in a Cluster commands and scripts reach the master of their key, and all share the load",
  async () => {
    await Promise.all(cluster.masters.map((master) => master.flush()));
    await Promise.all(KEYS.map((key) => shared.run(ADD, [key], [2])));
    const counts = await Promise.all(KEYS.map((key) => shared.send(key, ["INCR", key])));
    assert.ok(counts.every((count) => count === 3));
    const sizes = await shared.each(["DBSIZE"]);
    assert.equal(sizes.length, 3);
    assert.ok(sizes.every(({ reply }) => Number(reply) > 0));
  },
);

redisTest(
  "in a Cluster standalone records are on every master, and are read together",
  async () => {
    await Promise.all(cluster.masters.map((master) => master.flush()));
    const store = new RedisStore(shared, { standalone: ["standalone"] });
    const keys = Array.from({ length: 100 }, (_, n) => [n % 10 === 0 ? "other" : "standalone", n]);
    await Promise.all(keys.map((key) => store.commit({ sets: [{ key, value: key[1] }] })));
    const found = await store.getMany(keys);
    assert.deepEqual(found.map((entry) => entry?.value), keys.map(([, n]) => n));
    const sizes = await shared.each(["DBSIZE"]);
    assert.ok(sizes.every(({ reply }) => Number(reply) > 10));
  },
);

redisTest("in a Cluster every master is checked", async () => {
  const found = await checkServers(shared);
  assert.deepEqual(found.map(({ severity }) => severity), ["warning", "warning", "warning"]);
});

redisTest("in a Cluster a script over several slots is a mistake", async () => {
  const both = { name: "both", lua: "return #KEYS" };
  await assert.rejects(
    shared.run(both, ["a", "b"], []),
    (thrown) => thrown instanceof Error && /both/.test(thrown.message) && !isUnavailable(thrown),
  );
});

redisTest("a Cluster is found where one of the addresses is dead", async () => {
  const url = `redis+cluster://127.0.0.1:1,127.0.0.1:${cluster.masters[2]!.port}`;
  await using link = await open(url);
  assert.equal(await link.send("k", ["ECHO", "found"]), "found");
});

redisTest("a slot that moves while it is used is followed, also by blocking commands", async () => {
  const [, from, to] = cluster.masters;
  const key = await keyAt(from!);
  const other = `second:{${key}}`;
  await shared.send(key, ["SET", key, 1]);
  await using waiting = shared.dedicated(key);
  const [fromId, toId] = await Promise.all([from!, to!].map((one) => one.cli("cluster", "myid")));
  await to!.cli("cluster", "setslot", slotOf(key), "importing", fromId!);
  await from!.cli("cluster", "setslot", slotOf(key), "migrating", toId!);
  await from!.cli("migrate", "127.0.0.1", to!.port, key, 0, 1_000);
  // Half way: what is there no more is asked for at the other.
  assert.equal(await shared.run(ADD, [key], [1]), 2);
  assert.equal(await shared.send(other, ["SET", other, 1]), "OK");
  const blocked = waiting.send(["BLPOP", `list:{${key}}`, 0], { waitMs: 60_000 }).catch(() => {});
  for (const one of [to!, ...cluster.masters.filter((one) => one !== to)]) {
    await one.cli("cluster", "setslot", slotOf(key), "node", toId!);
  }
  assert.equal(await shared.send(key, ["INCR", key]), 3);
  await blocked;
  await shared.send(key, ["RPUSH", `list:{${key}}`, "x"]);
  const found = await until(
    "it blocks at the other",
    () => waiting.send(["BLPOP", `list:{${key}}`, 1], { waitMs: 1_000 }).catch(() => undefined),
  );
  assert.deepEqual(found, [`list:{${key}}`, "x"]);
});

redisTest(
  "when a master of a Cluster dies its replica is found, and the others keep working",
  async () => {
    const [dying, other] = cluster.masters;
    const [lost, kept] = [await keyAt(dying!), await keyAt(other!)];
    await shared.send(lost, ["SET", lost, "before"]);
    let ups = 0;
    shared.onUp(() => ups++);
    await dying!.kill();
    await until("it is noticed", () => !shared.isUp);
    await assert.rejects(shared.send(lost, ["GET", lost]), isUnavailable);
    assert.equal(await shared.send(kept, ["ECHO", 1]), "1");
    await until("its replica has taken over", () => shared.isUp);
    assert.equal(await shared.send(lost, ["GET", lost]), "before");
    assert.equal(ups, 1);
  },
);

redisTest("when a master behind Sentinel dies, its successor is found", async () => {
  await using sentinel = await startRedisSentinel();
  await assert.rejects(
    open(sentinel.url.replace(/main$/, "unknown"), 500),
    (thrown) => isUnavailable(thrown) && /knows no master/.test((thrown as Error).message),
  );
  await using link = await open(sentinel.url);
  const store = new RedisStore(link);
  await store.commit({ sets: [{ key: ["k"], value: "before" }] });
  await using waiting = link.dedicated("queue");
  const blocked = waiting.send(["BLPOP", "queue", 0], { waitMs: 60_000 }).catch(() => {});
  await until("the replica has it", async () => await sentinel.replica.cli("dbsize") !== "0");
  await sentinel.master.kill();
  await blocked;
  await until("it is noticed", () => !link.isUp);
  await assert.rejects(store.get(["k"]), isUnavailable);
  await until("the replica has taken over", () => link.isUp);
  assert.equal((await store.get(["k"]))?.value, "before");
  assert.equal(await store.commit({ sets: [{ key: ["k"], value: "after" }] }), true);
  await link.send("queue", ["RPUSH", "queue", "x"]);
  const found = await until(
    "what blocks is at the new one",
    () => waiting.send(["BLPOP", "queue", 1], { waitMs: 1_000 }).catch(() => undefined),
  );
  assert.deepEqual(found, ["queue", "x"]);
});

function open(url: string, openWithinMs = 10_000): Promise<Link> {
  return openLink(url, { clock: systemClock, random: Math.random, openWithinMs });
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
