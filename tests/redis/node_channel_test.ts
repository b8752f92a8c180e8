import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import { silentLog } from "../../core/log.ts";
import { isLater, readEntries, sequenceGap } from "../../redis/nodes/_channel_entries.ts";
import { channelKey, createNodeChannel } from "../../redis/nodes/node_channel.ts";
import { openTestLink } from "../support/redis_link.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";

const redis = sharedRedis();
let count = 0;

/** A node's inbox, and what came into it. */
async function openInbox({ start = true, length = 10_000 } = {}) {
  const id = `node-${++count}`;
  const link = await openTestLink(redis().url);
  const inbox = createNodeChannel({
    ...{ link, nodes: { id }, clock: systemClock, random: Math.random, log: silentLog, length },
  });
  const events: string[] = [];
  const changes: string[] = [];
  const gaps: number[] = [];
  inbox.on("events", (body) => void events.push(body));
  inbox.on("change", (body) => void changes.push(body));
  inbox.onGap(() => void gaps.push(events.length));
  if (start) inbox.start();
  return {
    ...{ id, link, inbox, events, changes, gaps, key: channelKey(id) },
    async [Symbol.asyncDispose]() {
      await inbox.stop();
      await link[Symbol.asyncDispose]();
    },
  };
}

/** The connection that waits for messages. */
async function readerOf(): Promise<string> {
  return await until("an inbox is being read", async () => {
    const clients = await redis().cli("client", "list");
    return clients.split("\n").find((line) => line.includes("cmd=xread"))?.match(/^id=(\d+)/)?.[1];
  });
}

redisTest("messages arrive in order, each at the handler of its kind", async () => {
  await using here = await openInbox();
  await using there = await openInbox();
  await Promise.all([
    here.inbox.send(there.id, "events", "1"),
    here.inbox.send(there.id, "change", "{}\n🔔"),
    here.inbox.send(there.id, "events", "2"),
  ]);
  await until("all have arrived", () => there.events.length + there.changes.length === 3);
  assert.deepEqual([there.events, there.changes], [["1", "2"], ["{}\n🔔"]]);
  assert.deepEqual([there.gaps, here.events], [[], []]);
});

redisTest("what was sent before the inbox is read waits for that", async () => {
  await using here = await openInbox();
  await using there = await openInbox({ start: false });
  await here.inbox.send(there.id, "events", "1");
  await here.inbox.send(there.id, "events", "2");
  there.inbox.start();
  await until("both have arrived", () => there.events.length === 2);
  assert.deepEqual(there.gaps, []);
});

redisTest("an inbox that was trimmed before it was read says so", async () => {
  await using here = await openInbox();
  await using there = await openInbox({ start: false });
  for (const body of ["1", "2", "3"]) await here.inbox.send(there.id, "events", body);
  await redis().cli("xtrim", there.key, "maxlen", 1);
  there.inbox.start();
  await until("the gap is noticed", () => there.gaps.length > 0);
  assert.deepEqual([there.events, there.gaps], [["3"], [1]]);
  await here.inbox.send(there.id, "events", "4");
  await until("the next has arrived", () => there.events.length === 2);
  assert.equal(there.gaps.length, 1);
});

redisTest("a reader whose connection broke goes on where it was, and says so", async () => {
  await using here = await openInbox();
  await using there = await openInbox({ start: false });
  there.inbox.start();
  await here.inbox.send(there.id, "events", "1");
  await until("the first has arrived", () => there.events.length === 1);
  // Leaves one connection that waits.
  await here.inbox.stop();
  await redis().cli("client", "kill", "id", await readerOf());
  await here.inbox.send(there.id, "events", "2");
  await until("the second has arrived", () => there.events.length === 2);
  assert.deepEqual(there.events, ["1", "2"]);
  await until("a gap is taken for possible", () => there.gaps.length === 1);
});

redisTest("an inbox goes on after Redis has lost its memory", async () => {
  await using here = await openInbox();
  await using there = await openInbox();
  await here.inbox.send(there.id, "events", "1");
  await until("the first has arrived", () => there.events.length === 1);
  await redis().flush();
  await here.inbox.send(there.id, "events", "2");
  await until("the second has arrived", () => there.events.length === 2);
});

redisTest(
  "a stream whose ids begin anew below the last one is read from its beginning",
  async () => {
    await using here = await openInbox();
    await using there = await openInbox();
    await here.inbox.send(there.id, "events", "1");
    await until("the first has arrived", () => there.events.length === 1);
    await here.inbox.stop();
    await redis().cli("del", there.key);
    const fields = ["k", "events", "f", "a-node", "n", 1, "b", "2"];
    await redis().cli("xadd", there.key, "1-1", ...fields);
    await redis().cli("client", "kill", "id", await readerOf());
    await until("the second has arrived", () => there.events.length === 2);
  },
);

redisTest("messages that nobody reads are bounded in number and in time", async () => {
  await using here = await openInbox({ length: 100 });
  await using there = await openInbox({ start: false });
  const bodies = Array.from({ length: 1_000 }, (_, n) => String(n));
  await Promise.all(bodies.map((body) => here.inbox.send(there.id, "events", body)));
  const length = Number(await redis().cli("xlen", there.key));
  assert.ok(length >= 100 && length <= 300, `${length} are kept`);
  const ttl = Number(await redis().cli("pttl", there.key));
  assert.ok(ttl > 200_000 && ttl <= 300_000, `for ${ttl} ms`);
});

redisTest("messages that were read are not kept", async () => {
  await using here = await openInbox();
  await using there = await openInbox();
  await here.inbox.send(there.id, "events", "first");
  await until("it has arrived", () => there.events.length === 1);
  await until("what was read is gone", async () => {
    await here.inbox.send(there.id, "events", "more");
    return Number(await redis().cli("xlen", there.key)) < there.events.length - 1;
  });
  assert.deepEqual(there.gaps, []);
});

redisTest("a stopped inbox leaves nothing behind", async () => {
  await using here = await openInbox();
  const there = await openInbox();
  await here.inbox.send(there.id, "events", "1");
  await until("it has arrived", () => there.events.length === 1);
  await there[Symbol.asyncDispose]();
  assert.equal(await redis().cli("exists", there.key), "0");
});

redisTest("what cannot be sent is refused", async () => {
  await using here = await openInbox();
  await here.link[Symbol.asyncDispose]();
  await assert.rejects(
    here.inbox.send("node", "events", "1"),
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

Deno.test("numbers that were left out are a gap; late and repeated ones are none", () => {
  assert.deepEqual([[0, 1], [1, 2], [2, 2], [5, 3]].map(([a, b]) => sequenceGap(a!, b!)), [
    ...[false, false, false, false],
  ]);
  assert.deepEqual([[0, 2], [2, 4]].map(([a, b]) => sequenceGap(a!, b!)), [true, true]);
});

Deno.test("ids of streams compare by their milliseconds, then by their number", () => {
  assert.ok(isLater("10-0", "9-5") && isLater("9-10", "9-9"));
  assert.ok(!isLater("9-9", "9-9") && !isLater("9-9", "10-0"));
});
