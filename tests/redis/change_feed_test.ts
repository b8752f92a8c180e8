import assert from "node:assert/strict";
import type { Change } from "../../core/change_feed.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { createChangeFeed } from "../../redis/nodes/change_feed.ts";
import { createNodeChannel } from "../../redis/nodes/node_channel.ts";
import { openLink } from "../../redis/mod.ts";
import { joinNodes } from "../../redis/nodes/registered_nodes.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";

const redis = sharedRedis();
const CHANGE: Change = { kind: "subscriptions", context: "1", user: "3" };

/** A node as far as its feed goes. */
async function node(id: string, { leaseMs = 2_000 } = {}) {
  const common = { clock: systemClock, random: Math.random, log: silentLog };
  const stack = new AsyncDisposableStack();
  const link = stack.use(await openLink(redis().url, { ...common, timeoutMs: 300 }));
  const nodes = stack.use(await joinNodes({ ...common, link, id, leaseMs }));
  const channel = stack.use(createNodeChannel({ ...common, link, nodes }));
  const feed = stack.use(createChangeFeed({ ...common, channel, nodes }));
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

redisTest("a change reaches all other nodes, and not the one that made it", async () => {
  await using a = await node("a");
  await using b = await node("b");
  await using c = await node("c");
  a.announce(CHANGE);
  await until("the others know", () => b.seen.length > 0 && c.seen.length > 0);
  assert.deepEqual([b.seen, c.seen, a.seen], [[CHANGE], [CHANGE], []]);
});

redisTest("a node that has just come is delivered too", async () => {
  await using a = await node("a");
  await using b = await node("b");
  assert.equal(a.nodes.isAlive("b"), false, "a has not looked since");
  a.announce(CHANGE);
  await until("b knows", () => b.seen.length > 0);
});

redisTest("a change that was made while Redis was away is delivered when it is back", async () => {
  await using a = await node("a");
  await using b = await node("b");
  await redis().kill();
  await until("the link is down", () => !a.link.isUp);
  a.announce(CHANGE);
  await redis().start();
  await until("b knows", () => b.seen.some(({ kind }) => kind === "subscriptions"));
});

redisTest("a node whose channel broke knows that it may have missed something", async () => {
  await using a = await node("a", { leaseMs: 60_000 });
  await redis().kill();
  await until("the link is down", () => !a.link.isUp);
  await redis().start();
  await until("it knows", () => a.seen.some(({ kind }) => kind === "unknown"));
});

redisTest("a node that was out of sight knows that it may have missed something", async () => {
  await redis().flush();
  await using a = await node("a", { leaseMs: 60_000 });
  await redis().flush();
  await a.nodes.refresh();
  assert.deepEqual(a.seen, [{ kind: "unknown" }]);
});

redisTest("what cannot be understood may be anything", async () => {
  await using a = await node("a");
  await using b = await node("b");
  await a.channel.send("b", "change", "garbage");
  await until("b knows", () => b.seen.length > 0);
  assert.deepEqual(b.seen, [{ kind: "unknown" }]);
});

redisTest("thousands of changes arrive, in few messages", async () => {
  await using a = await node("a");
  await using b = await node("b");
  for (let n = 0; n < 5_000; n++) a.announce({ ...CHANGE, user: String(n) });
  await until("b knows all", () => b.seen.length === 5_000);
  assert.equal(new Set(b.seen.map((change) => JSON.stringify(change))).size, 5_000);
});
