import assert from "node:assert/strict";
import fc from "fast-check";
import { drainStep } from "../../realtime/_drain.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { openPolling, type Peer, serveRealtime } from "./_servers.ts";

const V3 = "/socket.io/appsuite/?EIO=3&transport=websocket";
const POLL = "/socket.io/appsuite/?EIO=3&transport=polling";

async function serveWithPeers(count: number) {
  const clock = new FakeClock();
  const served = serveRealtime({}, { clock, random: () => .5 });
  const peers: Peer[] = [];
  for (let user = 1; user <= count; user++) {
    const peer = served.peer(`${V3}&session=${user}@1`);
    await peer.next();
    await peer.next();
    peers.push(peer);
  }
  const open = () => served.realtime.stats().open.get("open-xchange-appsuite");
  return { clock, served, peers, open };
}

Deno.test("draining closes a few sockets per second and admits no new ones", async () => {
  const { clock, served, peers, open } = await serveWithPeers(3);
  await using _ = served;
  const drained = served.realtime.drain({ perSecond: 2, withinMs: 60_000 });
  assert.equal(open(), 2);
  await clock.advance(500);
  assert.equal(open(), 1);
  const refused = await served.http(`${POLL}&session=9@1`);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal((await refused.json()).code, "draining");
  await clock.advance(500);
  assert.equal(open(), 0);
  await drained;
  await Promise.all(peers.map((peer) => peer.closed));
});

Deno.test("draining closes sockets faster where that is needed to end in time", async () => {
  const { clock, served, open } = await serveWithPeers(10);
  await using _ = served;
  const drained = served.realtime.drain({ perSecond: 1, withinMs: 1000 });
  await clock.advance(500);
  assert.ok(open()! >= 4 && open()! <= 6, "half of them at half of the time");
  await clock.advance(500);
  await drained;
  assert.equal(open(), 0);
});

Deno.test("draining sends neither 'session:invalid' nor a disconnect packet", async () => {
  const { served, peers: [peer] } = await serveWithPeers(1);
  await using _ = served;
  await served.realtime.drain({ perSecond: 1, withinMs: 1000 });
  const last = await Promise.race([peer!.next(), peer!.closed]);
  assert.ok(typeof last === "object" && "code" in last);
});

Deno.test("draining closes a polling client that does not poll", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const sid = await openPolling(served, `${POLL}&session=7@1`);
  await served.realtime.drain({ perSecond: 1, withinMs: 1000 });
  const polled = await served.http(`${POLL}&sid=${sid}`);
  assert.equal(polled.status, 400);
  await polled.body?.cancel();
});

Deno.test("a node without sockets is drained at once", async () => {
  await using served = serveRealtime();
  await served.realtime.drain({ perSecond: 1, withinMs: 60_000 });
});

Deno.test("the last socket is closed in time at any pace and any random number", () => {
  const pace = fc.record({
    open: fc.integer({ min: 1, max: 5_000 }),
    perSecond: fc.integer({ min: 1, max: 10_000 }),
    withinMs: fc.integer({ min: 0, max: 30_000 }),
    random: fc.double({ min: 0, max: .999, noNaN: true }),
  });
  fc.assert(fc.property(pace, ({ open, perSecond, withinMs, random }) => {
    let left = open;
    let time = 0;
    while (left > 0) {
      const { count, pauseMs } = drainStep(left, { perSecond, leftMs: withinMs - time, random });
      assert.ok(count > 0 && count <= left && pauseMs >= 0);
      left -= count;
      time += pauseMs;
    }
    assert.ok(time <= withinMs);
  }));
});
