/** Streams and plain WebSockets whose peers do not read, or do so slowly. */

import assert from "node:assert/strict";
import { connectDeaf } from "../support/deaf_peer.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { until } from "../support/until.ts";
import { openStream } from "./_event_source.ts";
import { fillBacklog, serveRealtime } from "./_servers.ts";

const SEVEN = { context: "1", user: "7" };
const KIB = 1024;

for (const path of ["/v1/stream?", "/v1/socket?"]) {
  Deno.test(`a peer at ${path} that takes nothing for ten seconds is dropped`, async () => {
    const clock = new FakeClock();
    const reasons: string[] = [];
    const hooks = { onClosed: (_: unknown, reason: string) => void reasons.push(reason) };
    await using served = serveRealtime({ maxBacklogBytes: 256 * KIB }, { clock, hooks });
    using _deaf = await connectDeaf(served.host, "7@1", path);
    await until("it is there", () => served.realtime.socketsOf(SEVEN).length === 1);
    await fillBacklog(served, { clock, user: SEVEN, topic: "acme:a" });
    await clock.advance(9_000);
    for (let n = 0; n < 100; n++) served.publish(SEVEN, "acme:a", ["x".repeat(4 * KIB)]);
    assert.ok(served.realtime.stats().backlogBytes <= 256 * KIB);
    assert.deepEqual(reasons, []);
    await clock.advance(3_000);
    assert.deepEqual(reasons, ["backlog"]);
    assert.deepEqual(served.realtime.socketsOf(SEVEN), []);
  });
}

Deno.test("a burst beyond a stream's backlog arrives whole and in order at a peer that reads", async () => {
  await using served = serveRealtime({ maxBacklogBytes: 256 * KIB });
  using stream = await openStream(`http://${served.host}/v1/stream?session=7@1`);
  await stream.received("ready");
  const text = "y".repeat(4 * KIB);
  for (let n = 0; n < 300; n++) served.publish(SEVEN, "acme:a", [{ n, text }]);
  assert.ok(served.realtime.stats().backlogBytes <= 256 * KIB);
  await stream.received(undefined, 300);
  const numbers = stream.heard.map((data) => (data as { n: number }).n);
  assert.deepEqual(numbers, Array.from({ length: 300 }, (_, n) => n));
});
