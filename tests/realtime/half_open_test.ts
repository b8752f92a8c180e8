/** Peers that keep their TCP connections and neither read nor answer. */

import assert from "node:assert/strict";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { connectDeaf } from "../support/deaf_peer.ts";
import { openDescriptors } from "../support/descriptors.ts";
import { type ServedRealtime, serveRealtime } from "./_servers.ts";

const COUNT = 8;
const SEVEN = { context: "1", user: "7", client: "open-xchange-appsuite" };

async function serveSilent(clock: FakeClock) {
  const opened = Promise.withResolvers<void>();
  let open = 0;
  const onOpened = () => void (++open === COUNT && opened.resolve());
  const served = serveRealtime({}, { clock, hooks: { onOpened } });
  const peers = await Promise.all(
    Array.from({ length: COUNT }, (_, user) => connectDeaf(served.host, `${user}@1`)),
  );
  await opened.promise;
  return { served, peers };
}

/** Ends all sessions by their heartbeats. */
async function fallSilent(clock: FakeClock, { realtime }: ServedRealtime) {
  await clock.advance(120_000);
  assert.equal(realtime.stats().open.get("open-xchange-appsuite"), 0);
}

Deno.test("a peer that never answers a close frame is freed, with its descriptor, half a minute later", async () => {
  const clock = new FakeClock();
  const { served, peers } = await serveSilent(clock);
  await using _ = served;
  const before = await openDescriptors();
  // Heartbeats are checked a part of them at a time, so time advances in steps.
  while (served.realtime.stats().closing < COUNT) await clock.advance(100);
  await clock.advance(29_000);
  assert.ok(await openDescriptors() > before - COUNT);
  await clock.advance(2_000);
  assert.equal(served.realtime.stats().closing, 0);
  while (await openDescriptors() > before - COUNT) await settle(1);
  for (const peer of peers) peer.close();
});

Deno.test("a peer that answers the close frame is gone at once", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const peer = served.peer("/socket.io/appsuite/?EIO=4&transport=websocket&session=7@1");
  await peer.next();
  peer.send("40");
  await peer.text();
  served.realtime.closeSession("7@1");
  await peer.closed;
  while (served.realtime.stats().closing > 0) await settle(1);
  await clock.advance(60_000);
});

Deno.test("a connection for which the runtime holds data stays counted until the peer goes", async () => {
  const clock = new FakeClock();
  const { served, peers } = await serveSilent(clock);
  await using _ = served;
  while (served.realtime.stats().backlogBytes === 0) {
    served.publish(SEVEN, "x", ["x".repeat(64 * 1024)]);
    await settle();
    await clock.advance(50);
  }
  await fallSilent(clock, served);
  await clock.advance(60_000);
  assert.equal(served.realtime.stats().closing, 1);
  for (const peer of peers) peer.close();
  while (served.realtime.stats().closing > 0) await settle(1);
});
