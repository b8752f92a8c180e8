import assert from "node:assert/strict";
import { REALTIME_DEFAULTS } from "../../realtime/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { connectDeaf } from "../support/deaf_peer.ts";
import { fillBacklog, type ServedRealtime, serveRealtime } from "./_servers.ts";

const V3 = "/socket.io/appsuite/?EIO=3&transport=websocket";
const POLL = "/socket.io/appsuite/?EIO=4&transport=polling";
const SEVEN = { context: "1", user: "7", client: "open-xchange-appsuite" };
const KIB = 1024;

/** Serves a peer that does not read and has more waiting for it than its limit. */
async function serveDeaf(limits: Parameters<typeof serveRealtime>[0] = {}) {
  const clock = new FakeClock();
  const opened = Promise.withResolvers<void>();
  const reasons: string[] = [];
  const hooks = {
    onOpened: () => opened.resolve(),
    onClosed: (_: unknown, reason: string) => void reasons.push(reason),
  };
  const served = serveRealtime({ maxBacklogBytes: 256 * KIB, ...limits }, { clock, hooks });
  const deaf = await connectDeaf(served.host, "7@1");
  await opened.promise;
  await fillBacklog(served, { clock, user: SEVEN, topic: "x" });
  return { clock, served, deaf, reasons };
}

function numbersIn(text: string): number[] {
  return [...text.matchAll(/42\["x","(\d+)"/g)].map(([, number]) => Number(number));
}

/** Publishes so many events of 4 KiB within one turn of the event loop. */
function burst(served: ServedRealtime, count: number): readonly number[] {
  const numbers = Array.from({ length: count }, (_, number) => number);
  for (const number of numbers) {
    served.publish(SEVEN, "x", [String(number), "y".repeat(4 * KIB)]);
  }
  return numbers;
}

Deno.test("a burst beyond a socket's backlog arrives whole, in order, at a peer that reads", async () => {
  await using served = serveRealtime({ maxBacklogBytes: 256 * KIB });
  const peer = served.peer(`${V3}&session=7@1`);
  assert.equal(await peer.next().then(() => peer.next()), "40");
  const sent = burst(served, 300);
  assert.ok(served.realtime.stats().backlogBytes <= 256 * KIB);
  const got: number[] = [];
  while (got.length < sent.length) got.push(...numbersIn(await peer.text()));
  assert.deepEqual(got, sent);
  assert.equal(
    served.publish(SEVEN, "x"),
    1,
    "it receives events as they come again",
  );
});

Deno.test("a burst beyond a socket's backlog arrives whole, in order, by polling", async () => {
  await using served = serveRealtime({ maxBacklogBytes: 256 * KIB });
  const opened = await (await served.http(`${POLL}&session=7@1`)).text();
  const sid = /"sid":"([^"]+)"/.exec(opened)![1];
  const poll = `${POLL}&sid=${sid}`;
  await (await served.http(poll, { method: "POST", body: "40" })).text();
  assert.match(await (await served.http(poll)).text(), /^40/);
  const sent = burst(served, 300);
  const got: number[] = [];
  while (got.length < sent.length) {
    const text = await (await served.http(poll)).text();
    assert.ok(text.length <= 256 * KIB);
    got.push(...numbersIn(text));
  }
  assert.deepEqual(got, sent);
});

Deno.test("events for a peer that does not read wait in the log", async () => {
  const { served, deaf, reasons, clock } = await serveDeaf();
  await using _ = served;
  using _deaf = deaf;
  await clock.advance(9_000);
  burst(served, 100);
  assert.ok(served.realtime.stats().backlogBytes <= 256 * KIB);
  assert.deepEqual(reasons, []);
});

Deno.test("a peer that takes nothing for ten seconds is dropped", async () => {
  const { served, deaf, reasons, clock } = await serveDeaf();
  await using _ = served;
  using _deaf = deaf;
  await clock.advance(11_000);
  assert.deepEqual(reasons, ["backlog"]);
  assert.equal(served.publish(SEVEN, "x"), 0);
});

Deno.test("no handshake is admitted while dropped peers hold too many bytes", async () => {
  const { served, deaf, reasons, clock } = await serveDeaf();
  await using _ = served;
  await clock.advance(11_000);
  assert.deepEqual(reasons, ["backlog"]);
  assert.ok(served.realtime.stats().backlogBytes >= 64 * KIB);
  served.realtime.configure({ ...REALTIME_DEFAULTS, maxTotalBacklogBytes: 63 * KIB });
  const refused = await served.http(`${POLL}&session=8@1`);
  assert.equal(refused.status, 429);
  await refused.body?.cancel();
  deaf.close();
  while (served.realtime.stats().backlogBytes > 0) await settle(1);
  const admitted = await served.http(`${POLL}&session=8@1`);
  assert.equal(admitted.status, 200);
  await admitted.body?.cancel();
});
