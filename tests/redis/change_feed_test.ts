import assert from "node:assert/strict";
import type { Change } from "../../core/change_feed.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { ChannelChangeFeed } from "../../redis/nodes/change_feed.ts";
import { RedisNodeChannel } from "../../redis/nodes/node_channel.ts";
import { openLink } from "../../redis/mod.ts";
import { joinNodes } from "../../redis/nodes/registered_nodes.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";

const redis = sharedRedis();
const CHANGE: Change = { kind: "subscriptions", context: "1", user: "3" };

/** The parts of a node that a change feed needs. */
async function node(id: string, { leaseMs = 2_000 } = {}) {
  const common = { clock: systemClock, random: Math.random, log: silentLog };
  const stack = new AsyncDisposableStack();
  const link = stack.use(await openLink(redis().url, { ...common, timeoutMs: 300 }));
  const nodes = stack.use(await joinNodes({ ...common, link, id, leaseMs }));
  const channel = stack.use(new RedisNodeChannel({ ...common, link, nodes }));
  const feed = stack.use(new ChannelChangeFeed({ ...common, channel, nodes }));
  const seen: Change[] = [];
  feed.onChange((change) => seen.push(change));
  channel.start();
  return {
    announce: (change: Change) => feed.publish(change),
    seen,
    link,
    nodes,
    channel,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

redisTest("a change reaches all nodes except the one that made it", async () => {
  await using a = await node("a");
  await using b = await node("b");
  await using c = await node("c");
  a.announce(CHANGE);
  await until("the others have received it", () => b.seen.length > 0 && c.seen.length > 0);
  assert.deepEqual([b.seen, c.seen, a.seen], [[CHANGE], [CHANGE], []]);
});

redisTest("a node that has just started receives changes too", async () => {
  await using a = await node("a");
  await using b = await node("b");
  assert.equal(a.nodes.isAlive("b"), false, "a has not read the register since");
  a.announce(CHANGE);
  await until("b has received it", () => b.seen.length > 0);
});

redisTest("a change made during an outage of Redis is sent afterwards", async () => {
  await using a = await node("a");
  await using b = await node("b");
  await redis().kill();
  await until("the link is down", () => !a.link.isUp);
  a.announce(CHANGE);
  await redis().start();
  await until("b has received it", () => b.seen.some(({ kind }) => kind === "subscriptions"));
});

redisTest("a node whose channel broke reports that changes may be missing", async () => {
  await using a = await node("a", { leaseMs: 60_000 });
  await redis().kill();
  await until("the link is down", () => !a.link.isUp);
  await redis().start();
  await until("it has received it", () => a.seen.some(({ kind }) => kind === "unknown"));
});

redisTest("a node that lost its lease reports that changes may be missing", async () => {
  await redis().flush();
  await using a = await node("a", { leaseMs: 60_000 });
  await redis().flush();
  await a.nodes.refresh();
  assert.deepEqual(a.seen, [{ kind: "unknown" }]);
});

redisTest("an unreadable message is reported as an unknown change", async () => {
  await using a = await node("a");
  await using b = await node("b");
  await a.channel.send("b", "change", "garbage");
  await until("b has received it", () => b.seen.length > 0);
  assert.deepEqual(b.seen, [{ kind: "unknown" }]);
});

redisTest("thousands of changes arrive in few messages", async () => {
  await using a = await node("a");
  await using b = await node("b");
  for (let n = 0; n < 5_000; n++) a.announce({ ...CHANGE, user: String(n) });
  await until("b has received all", () => b.seen.length === 5_000);
  assert.equal(new Set(b.seen.map((change) => JSON.stringify(change))).size, 5_000);
});
