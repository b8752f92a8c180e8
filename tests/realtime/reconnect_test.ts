/** Clients that reconnect: raw peers of a server with a hub in memory. */

import assert from "node:assert/strict";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { type Peer, type ServedRealtime, serveRealtime, withoutOffset } from "./_servers.ts";

const V3 = "/socket.io/appsuite/?EIO=3&transport=websocket";
const V4 = "/socket.io/appsuite/?EIO=4&transport=websocket";
const SEVEN = { context: "1", user: "7" };
const EIGHT = { context: "1", user: "8" };

interface Newer {
  readonly peer: Peer;
  readonly sid: string;
  readonly pid: string;
}

/** Connects as a client of 4.6 or later does. */
async function newer(
  served: ServedRealtime,
  auth: Readonly<Record<string, unknown>> = {},
  query = "",
): Promise<Newer> {
  const peer = served.peer(`${V4}${query}`);
  await peer.next();
  peer.send(`40${JSON.stringify({ session: "7@1", ...auth })}`);
  const connected = await peer.text();
  assert.match(connected, /^40/);
  return { peer, ...JSON.parse(connected.slice(2)) };
}

async function older(served: ServedRealtime, query: string): Promise<Peer> {
  const peer = served.peer(`${V3}&session=7@1&${query}`);
  await peer.next();
  assert.equal(await peer.next(), "40");
  return peer;
}

/** Closes the connection, and waits until the server has seen it. */
async function leave(served: ServedRealtime, peer: Peer): Promise<void> {
  const { size } = new Set(served.realtime.socketsOf(SEVEN));
  peer.close();
  while (served.realtime.socketsOf(SEVEN).length >= size) await settle(1);
}

function offsetIn(frame: string): string {
  return /"(\d{16})"\]$/.exec(frame)![1]!;
}

Deno.test("a newer client gets a pid, and each of its events ends with an offset", async () => {
  await using served = serveRealtime();
  const { peer, pid, sid } = await newer(served);
  assert.match(pid, new RegExp(`^\\d{16}\\.${sid}$`));
  served.publish(SEVEN, "x", [{ n: 1 }]);
  assert.equal(withoutOffset(await peer.text()), '42["x",{"n":1}]');
});

Deno.test("a newer client that reconnects receives what followed its offset, and keeps its pid", async () => {
  await using served = serveRealtime();
  const first = await newer(served);
  for (const n of [1, 2]) served.publish(SEVEN, "x", [n]);
  const offset = offsetIn(await first.peer.text());
  await leave(served, first.peer);
  served.publish(SEVEN, "x", [3]);
  const second = await newer(served, { pid: first.pid, offset });
  assert.equal(second.pid, first.pid);
  served.publish(SEVEN, "x", [4]);
  for (const n of [2, 3, 4]) {
    assert.equal(withoutOffset(await second.peer.text()), `42["x",${n}]`);
  }
});

Deno.test("a newer client that received no event resumes from its pid", async () => {
  await using served = serveRealtime();
  const first = await newer(served);
  await leave(served, first.peer);
  served.publish(SEVEN, "x", [1]);
  const second = await newer(served, { pid: first.pid });
  assert.equal(second.pid, first.pid);
  assert.equal(withoutOffset(await second.peer.text()), '42["x",1]');
});

Deno.test("no client receives events of another user's log, whatever it sends", async () => {
  await using served = serveRealtime();
  const owner = await newer(served, { session: "8@1" });
  served.publish(EIGHT, "secret", [1]);
  await owner.peer.text();
  served.publish(EIGHT, "secret", [2]);
  for (
    const offset of [undefined, "0000000000000000", owner.pid.slice(0, 16)]
  ) {
    const thief = await newer(served, { pid: owner.pid, offset });
    served.publish(SEVEN, "mine");
    for (;;) {
      const frame = withoutOffset(await thief.peer.text());
      assert.ok(!frame.includes("secret"));
      if (frame === '42["mine"]') break;
    }
    thief.peer.close();
  }
});

Deno.test("a client that reconnects too late receives resync and what the log still has", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const stays = await newer(served);
  const first = await newer(served);
  served.publish(SEVEN, "x", [1]);
  await leave(served, first.peer);
  await clock.advance(130_000 / 2);
  stays.peer.send("3");
  await settle();
  served.publish(SEVEN, "x", [2]);
  await clock.advance(130_000 / 2);
  const second = await newer(served, { pid: first.pid });
  assert.notEqual(second.pid, first.pid);
  const resync = await second.peer.text();
  assert.equal(withoutOffset(resync), '42["resync"]');
  const rest = await second.peer.text();
  assert.equal(withoutOffset(rest), '42["x",2]');
  assert.ok(offsetIn(resync) < offsetIn(rest));
});

Deno.test("a break before 'resync' arrives does not hide that something is missing", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const first = await newer(served);
  await leave(served, first.peer);
  await clock.advance(130_000);
  const second = await newer(served, { pid: first.pid });
  await leave(served, second.peer);
  const third = await newer(served, { pid: second.pid });
  assert.notEqual(third.pid, second.pid);
  const resync = await third.peer.text();
  assert.equal(withoutOffset(resync), '42["resync"]');
  const fourth = await newer(served, { pid: third.pid, offset: offsetIn(resync) });
  assert.equal(fourth.pid, third.pid);
});

Deno.test("an older client receives resync without an argument", async () => {
  const clock = new FakeClock();
  const maxEventsPerUser = 500;
  await using served = serveRealtime({}, { clock });
  const first = await older(served, "connection=c");
  await leave(served, first);
  for (let n = 0; n <= maxEventsPerUser; n++) served.publish(SEVEN, "x", [n]);
  const second = await older(served, "connection=c");
  assert.equal(await second.next(), '42["resync"]');
  assert.equal(await second.next(), '42["x",1]');
});

Deno.test("an older client reconnects by its connection id, and receives the original's payload", async () => {
  await using served = serveRealtime();
  const first = await older(served, "connection=c");
  await leave(served, first);
  served.publish(SEVEN, "x", [{ n: 1 }]);
  const second = await older(served, "connection=c");
  served.publish(SEVEN, "y");
  assert.equal(await second.next(), '42["x",{"n":1}]');
  assert.equal(await second.next(), '42["y"]');
});

Deno.test("an older client that reconnects too late receives resync once", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  await leave(served, await older(served, "connection=c"));
  await clock.advance(600_000);
  const second = await older(served, "connection=c");
  served.publish(SEVEN, "y");
  assert.equal(await second.next(), '42["resync"]');
  assert.equal(await second.next(), '42["y"]');
  await leave(served, second);
  const third = await older(served, "connection=c");
  served.publish(SEVEN, "z");
  assert.equal(await third.next(), '42["y"]', "which it has not answered for");
  assert.equal(await third.next(), '42["z"]');
});

Deno.test("an older client without a connection id starts as a new one", async () => {
  await using served = serveRealtime();
  const first = await older(served, "");
  await leave(served, first);
  served.publish(SEVEN, "x");
  const second = await older(served, "");
  served.publish(SEVEN, "y");
  assert.equal(await second.next(), '42["y"]');
});

Deno.test("an older client receives again what it has not acknowledged", async () => {
  await using served = serveRealtime();
  const first = await older(served, "connection=c");
  served.publish(SEVEN, "x", [1]);
  first.send("2"); // the pong follows event 1
  assert.equal(await first.next(), '42["x",1]');
  assert.equal(await first.next(), "3");
  served.publish(SEVEN, "x", [2]);
  first.send("2"); // says that the first pong has arrived, not what came after it
  assert.equal(await first.next(), '42["x",2]');
  assert.equal(await first.next(), "3");
  served.publish(SEVEN, "x", [3]);
  await leave(served, first);
  const second = await older(served, "connection=c");
  for (const n of [2, 3]) assert.equal(await second.next(), `42["x",${n}]`);
  served.publish(SEVEN, "y");
  assert.equal(await second.next(), '42["y"]');
});

Deno.test("a pong acknowledges everything that was sent before its ping", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const first = await newer(served, {}, "&connection=c");
  served.publish(SEVEN, "x", [1]);
  await clock.advance(26_000);
  served.publish(SEVEN, "x", [2]);
  assert.equal(withoutOffset(await first.peer.text()), '42["x",1]');
  assert.equal(withoutOffset(await first.peer.text()), '42["x",2]');
  first.peer.send("3");
  await settle(10);
  await leave(served, first.peer);
  const second = await newer(served, {}, "&connection=c");
  assert.equal(withoutOffset(await second.peer.text()), '42["x",2]');
});

Deno.test("events are kept for a client that disconnects on purpose: it may call connect() next", async () => {
  await using served = serveRealtime();
  const peer = await older(served, "connection=c");
  peer.send("41");
  await peer.closed;
  const [present] = await served.hub.presence([SEVEN]);
  assert.deepEqual(present!.map(({ id, open }) => [id, open]), [["c", false]]);
});

Deno.test("events are kept for a client that loses its connection", async () => {
  await using served = serveRealtime();
  const peer = await older(served, "connection=c");
  await leave(served, peer);
  const [present] = await served.hub.presence([SEVEN]);
  assert.deepEqual(present!.map(({ id, open }) => [id, open]), [["c", false]]);
});

Deno.test("no events are kept for a client whose session ended", async () => {
  await using served = serveRealtime();
  const peer = await older(served, "connection=c");
  served.realtime.closeSession("7@1");
  await peer.closed;
  assert.deepEqual(await served.hub.presence([SEVEN]), [[]]);
});

Deno.test("events are kept for the client of a drained socket", async () => {
  await using served = serveRealtime();
  await older(served, "connection=c");
  await served.realtime.drain({ perSecond: 1000, withinMs: 1000 });
  const [present] = await served.hub.presence([SEVEN]);
  assert.deepEqual(present!.map(({ id, open }) => [id, open]), [["c", false]]);
});

Deno.test("events are kept for the client of a socket that a stop closes", async () => {
  const served = serveRealtime();
  await older(served, "connection=c");
  await served.realtime.close();
  const [present] = await served.hub.presence([SEVEN]);
  assert.deepEqual(present!.map(({ id, open }) => [id, open]), [["c", false]]);
  await served[Symbol.asyncDispose]();
});

Deno.test("a newer client that reconnects replaces its dead socket, even at the limit of sockets", async () => {
  await using served = serveRealtime({ maxSocketsPerUser: 1 });
  const first = await newer(served);
  const second = await newer(served, { pid: first.pid });
  await first.peer.closed;
  assert.equal(second.pid, first.pid);
  assert.equal(served.realtime.socketsOf(SEVEN).length, 1);
  assert.equal(served.publish(SEVEN, "x"), 1);
});

Deno.test("a client does not receive what it caused itself before it reconnected", async () => {
  await using served = serveRealtime();
  const first = await newer(served);
  await leave(served, first.peer);
  served.publish(SEVEN, "mine", [], first.sid);
  served.publish(SEVEN, "theirs");
  const second = await newer(served, { pid: first.pid });
  assert.equal(withoutOffset(await second.peer.text()), '42["theirs"]');
});

Deno.test("events for other clients cause no resync", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const first = await newer(served);
  for (let n = 0; n < 600; n++) {
    served.publish({ ...SEVEN, client: "other" }, "x", [n]);
  }
  await clock.advance(26_000); // a ping
  first.peer.send("3");
  await settle(10);
  await leave(served, first.peer);
  const second = await newer(served, { pid: first.pid });
  assert.equal(second.pid, first.pid);
});

Deno.test("session:invalid ends with an offset for a newer client", async () => {
  await using served = serveRealtime();
  const { peer } = await newer(served);
  served.realtime.closeSession("7@1");
  assert.equal(withoutOffset(await peer.text()), '42["session:invalid"]');
});

Deno.test("a reconnect is reported with what was missed, a first connect is not", async () => {
  const resumed: unknown[] = [];
  const resyncs: string[] = [];
  const hooks = {
    onResumed: (_: unknown, missed: unknown) => void resumed.push(missed),
    onResync: ({ user }: { user: string }) => void resyncs.push(user),
  };
  await using served = serveRealtime({}, { hooks });
  const first = await newer(served);
  assert.deepEqual(resumed, []);
  await leave(served, first.peer);
  for (const n of [1, 2]) served.publish(SEVEN, "x", [n]);
  await newer(served, { pid: first.pid });
  assert.deepEqual(resumed, [{ events: 2, complete: true }]);
  await newer(served, { pid: "elsewhere" });
  assert.deepEqual(resumed[1], { events: 2, complete: false });
  assert.deepEqual(resyncs, ["7"]);
});
