import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import { silentLog } from "../../core/log.ts";
import { isLater, readEntries, sequenceGap } from "../../redis/nodes/_channel_entries.ts";
import { channelKey, RedisNodeChannel } from "../../redis/nodes/node_channel.ts";
import { openTestLink } from "../support/redis_link.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";

const redis = sharedRedis();
let count = 0;

/** A node's channel, and what it received. */
async function openChannel({ start = true, length = 10_000 } = {}) {
  const id = `node-${++count}`;
  const link = await openTestLink(redis().url);
  const channel = new RedisNodeChannel({
    ...{ link, nodes: { id }, clock: systemClock, random: Math.random, log: silentLog, length },
  });
  const events: string[] = [];
  const changes: string[] = [];
  const gaps: number[] = [];
  channel.on("events", (body) => void events.push(body));
  channel.on("change", (body) => void changes.push(body));
  channel.onGap(() => void gaps.push(events.length));
  if (start) channel.start();
  return {
    ...{ id, link, channel, events, changes, gaps, key: channelKey(id) },
    async [Symbol.asyncDispose]() {
      await channel.stop();
      await link[Symbol.asyncDispose]();
    },
  };
}

/** The connection that waits for messages. */
async function readerOf(): Promise<string> {
  return await until("a channel is being read", async () => {
    const clients = await redis().cli("client", "list");
    return clients.split("\n").find((line) => line.includes("cmd=xread"))?.match(/^id=(\d+)/)?.[1];
  });
}

redisTest("messages arrive in order, each at the handler of its kind", async () => {
  await using here = await openChannel();
  await using there = await openChannel();
  await Promise.all([
    here.channel.send(there.id, "events", "1"),
    here.channel.send(there.id, "change", "{}\n🔔"),
    here.channel.send(there.id, "events", "2"),
  ]);
  await until("all have arrived", () => there.events.length + there.changes.length === 3);
  assert.deepEqual([there.events, there.changes], [["1", "2"], ["{}\n🔔"]]);
  assert.deepEqual([there.gaps, here.events], [[], []]);
});

redisTest("messages sent before the channel is read wait for it", async () => {
  await using here = await openChannel();
  await using there = await openChannel({ start: false });
  await here.channel.send(there.id, "events", "1");
  await here.channel.send(there.id, "events", "2");
  there.channel.start();
  await until("both have arrived", () => there.events.length === 2);
  assert.deepEqual(there.gaps, []);
});

redisTest("a channel that was trimmed before it was read reports a gap", async () => {
  await using here = await openChannel();
  await using there = await openChannel({ start: false });
  for (const body of ["1", "2", "3"]) await here.channel.send(there.id, "events", body);
  await redis().cli("xtrim", there.key, "maxlen", 1);
  there.channel.start();
  await until("the gap is noticed", () => there.gaps.length > 0);
  assert.deepEqual([there.events, there.gaps], [["3"], [1]]);
  await here.channel.send(there.id, "events", "4");
  await until("the next has arrived", () => there.events.length === 2);
  assert.equal(there.gaps.length, 1);
});

redisTest("a reader whose connection broke resumes and reports a gap", async () => {
  await using here = await openChannel();
  await using there = await openChannel({ start: false });
  there.channel.start();
  await here.channel.send(there.id, "events", "1");
  await until("the first has arrived", () => there.events.length === 1);
  // Leaves one connection that waits.
  await here.channel.stop();
  await redis().cli("client", "kill", "id", await readerOf());
  await here.channel.send(there.id, "events", "2");
  await until("the second has arrived", () => there.events.length === 2);
  assert.deepEqual(there.events, ["1", "2"]);
  await until("a possible gap is reported", () => there.gaps.length === 1);
});

redisTest("a channel goes on after Redis has lost its memory", async () => {
  await using here = await openChannel();
  await using there = await openChannel();
  await here.channel.send(there.id, "events", "1");
  await until("the first has arrived", () => there.events.length === 1);
  await redis().flush();
  await here.channel.send(there.id, "events", "2");
  await until("the second has arrived", () => there.events.length === 2);
});

redisTest(
  "a stream whose ids start again below the last one is read from its start",
  async () => {
    await using here = await openChannel();
    await using there = await openChannel();
    await here.channel.send(there.id, "events", "1");
    await until("the first has arrived", () => there.events.length === 1);
    await here.channel.stop();
    await redis().cli("del", there.key);
    const fields = ["k", "events", "f", "a-node", "n", 1, "b", "2"];
    await redis().cli("xadd", there.key, "1-1", ...fields);
    await redis().cli("client", "kill", "id", await readerOf());
    await until("the second has arrived", () => there.events.length === 2);
  },
);

redisTest("messages that no node reads are limited in number and time", async () => {
  await using here = await openChannel({ length: 100 });
  await using there = await openChannel({ start: false });
  const bodies = Array.from({ length: 1_000 }, (_, n) => String(n));
  await Promise.all(bodies.map((body) => here.channel.send(there.id, "events", body)));
  const length = Number(await redis().cli("xlen", there.key));
  assert.ok(length >= 100 && length <= 300, `${length} are kept`);
  const ttl = Number(await redis().cli("pttl", there.key));
  assert.ok(ttl > 200_000 && ttl <= 300_000, `for ${ttl} ms`);
});

redisTest("messages that were read are deleted", async () => {
  await using here = await openChannel();
  await using there = await openChannel();
  await here.channel.send(there.id, "events", "first");
  await until("it has arrived", () => there.events.length === 1);
  await until("what was read is gone", async () => {
    await here.channel.send(there.id, "events", "more");
    return Number(await redis().cli("xlen", there.key)) < there.events.length - 1;
  });
  assert.deepEqual(there.gaps, []);
});

redisTest("a stopped channel leaves nothing in Redis", async () => {
  await using here = await openChannel();
  const there = await openChannel();
  await here.channel.send(there.id, "events", "1");
  await until("it has arrived", () => there.events.length === 1);
  await there[Symbol.asyncDispose]();
  assert.equal(await redis().cli("exists", there.key), "0");
});

redisTest("a message that cannot be sent is rejected", async () => {
  await using here = await openChannel();
  await here.link[Symbol.asyncDispose]();
  await assert.rejects(
    here.channel.send("node", "events", "1"),
    (thrown) => thrown instanceof ServiceError && thrown.code === "store_unavailable",
  );
});

Deno.test("an answer without messages has none", () => {
  assert.deepEqual(readEntries(null), []);
  const fields = ["k", "events", "f", "a", "n", "7", "b", "x"];
  assert.deepEqual(readEntries([["key", [["5-0", fields]]]]), [
    { id: "5-0", kind: "events", from: "a", number: 7, body: "x" },
  ]);
});

Deno.test("skipped numbers are a gap; late and repeated ones are not", () => {
  assert.deepEqual([[0, 1], [1, 2], [2, 2], [5, 3]].map(([a, b]) => sequenceGap(a!, b!)), [
    ...[false, false, false, false],
  ]);
  assert.deepEqual([[0, 2], [2, 4]].map(([a, b]) => sequenceGap(a!, b!)), [true, true]);
});

Deno.test("ids of streams compare by their milliseconds, then by their number", () => {
  assert.ok(isLater("10-0", "9-5") && isLater("9-10", "9-9"));
  assert.ok(!isLater("9-9", "9-9") && !isLater("9-9", "10-0"));
});
