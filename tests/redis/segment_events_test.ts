/** Segments of the buffer and the event logs together: what is handed over again is logged once. */

import assert from "node:assert/strict";
import type { BatchHandler } from "../../buffer/mod.ts";
import { silentLog } from "../../core/log.ts";
import type { Notification } from "../../core/notification.ts";
import { userEventOf } from "../../core/socket_events.ts";
import type { RedisBuffer } from "../../redis/buffer/buffer.ts";
import { RedisHub } from "../../redis/hub/hub.ts";
import { RedisNodeChannel } from "../../redis/nodes/node_channel.ts";
import { delivered } from "../contract/_buffer_bench.ts";

import { idsOf, NOW, Site, siteTests, stateOf, type TestNode } from "./_buffer_setup.ts";

const { redis, test } = siteTests();

/** A node whose handler publishes events and settles what is its own, as the dispatch does. */
async function startPublishing(site: Site, { settles = true } = {}) {
  const handle = (buffer: RedisBuffer): BatchHandler => async (batch, { isRepeat }) => {
    const events = batch.map((one) => userEventOf(one, ["a client"], {}));
    const foreign = await hub.publish(events, { isRepeat });
    for (const one of settles ? batch : []) {
      if (foreign.has(one.id)) buffer.release(one.id);
      else buffer.settle(delivered(one));
    }
  };
  const node = await site.start({ settings: NOW, handle });
  const { link, node: nodes, buffer } = node;
  const deps = { link, nodes, clock: site.clock, random: () => 0, log: silentLog };
  const hub = new RedisHub({
    ...{ ...deps, channel: new RedisNodeChannel(deps) },
    settings: () => ({ windowMs: 120_000, maxEventsPerUser: 100 }),
    segmentNameOf: (id) => buffer.segmentNameOf(id),
  });
  return { ...node, hub };
}

/** Notifications of users of several partitions. */
function makeSome(site: Site): readonly Notification[] {
  return Array.from({ length: 12 }, (_, n) => site.make({ user: String(n % 4) }));
}

/** Each is in the log of its user once and in order, and settled. */
async function assertOnce(
  site: Site,
  { node: { buffer, hub }, given }: {
    readonly node: TestNode & { readonly hub: RedisHub };
    readonly given: readonly Notification[];
  },
) {
  for (const user of ["0", "1", "2", "3"]) {
    const { events } = await hub.readMissed({ context: "1", user }, 0);
    const expected = given.filter((one) => one.user === user).map(({ id }) => id);
    assert.deepEqual(events.map(({ id }) => id), expected);
  }
  await site.pass(300);
  for (const { id } of given) assert.equal(await stateOf(buffer, id), "delivered");
  assert.equal(buffer.depth().inFlight, 0);
}

test("an append whose answer is lost is found by the repeat, though its segment is split", async (site) => {
  const node = await startPublishing(site);
  const given = makeSome(site);
  node.link.loseAnswer("hub_append_events");
  await node.buffer.put(given);
  await site.pass(3000);
  assert.ok(node.handled.some(({ isRepeat }) => isRepeat));
  await assertOnce(site, { node, given });
});

test("events that could not be appended are appended by the repeat", async (site) => {
  const node = await startPublishing(site);
  const given = makeSome(site);
  const put = node.buffer.put(given);
  node.link.refuse((key) => key.includes(":claims"));
  await put;
  await site.pass(100);
  assert.equal((await node.hub.readMissed({ context: "1", user: "1" }, 0)).events.length, 0);
  node.link.refuse(() => false);
  await site.pass(3000);
  await assertOnce(site, { node, given });
});

test("a node that takes over a segment whose events were sent logs none of them again", async (site) => {
  for (const sent of ["all", "a part"]) {
    await redis().flush();
    const dead = await startPublishing(site, { settles: false });
    const given = makeSome(site);
    const refused = sent === "all" ? "" : ":claims";
    let calls = 0;
    dead.link.refuse((key) => refused !== "" && key.includes(refused) && calls++ === 0);
    dead.link.loseAnswer("buffer_release");
    await dead.buffer.put(given);
    await site.pass(25);
    dead.kill();
    const node = await startPublishing(site);
    await site.pass(3000);
    assert.deepEqual(idsOf(node).toSorted(), given.map(({ id }) => id));
    await assertOnce(site, { node, given });
    node.kill();
  }
});

test("a paused node appends nothing to a segment that another node has taken over", async (site) => {
  const paused = await startPublishing(site);
  const given = makeSome(site);
  const goOn = paused.link.holdAnswers("buffer_accept_segment");
  const put = paused.buffer.put(given);
  await site.pass(25);
  paused.node.vanish();
  const node = await startPublishing(site);
  await site.pass(2000);
  goOn();
  await put;
  await site.pass(100);
  assert.equal(paused.handled.length, given.length);
  await assertOnce(site, { node, given });
});
