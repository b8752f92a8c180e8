import assert from "node:assert/strict";
import fc from "fast-check";
import { FakeClock } from "../support/fake_clock.ts";
import { REALTIME_DEFAULTS } from "../../realtime/mod.ts";
import {
  admit,
  openPacketOf,
  type Peer,
  type Served,
  serveRealtime,
  withoutOffset,
} from "./_servers.ts";

const V3 = "/socket.io/appsuite/?EIO=3&transport=websocket";
const V4 = "/socket.io/appsuite/?EIO=4&transport=websocket";
const POLL = "/socket.io/appsuite/?EIO=4&transport=polling";
const SEVEN = { context: "1", user: "7", client: "open-xchange-appsuite" };

async function connect(served: Served, query: string): Promise<Peer> {
  const peer = served.peer(`${V3}&${query}`);
  await peer.next();
  assert.equal(await peer.next(), "40");
  return peer;
}

Deno.test("an event reaches every socket of its user and no other socket", async () => {
  await using served = serveRealtime();
  const mine = [await connect(served, "session=7@1"), await connect(served, "session=7@1")];
  const other = await connect(served, "session=8@1");
  const namesake = await connect(served, "session=7@2");
  assert.equal(served.publish(SEVEN, "mine", [1]), 2);
  for (const user of ["8@1", "7@2"]) {
    const [name, context] = user.split("@");
    served.publish({ ...SEVEN, user: name!, context: context! }, "theirs");
  }
  for (const peer of mine) assert.equal(await peer.next(), '42["mine",1]');
  assert.equal(await other.next(), '42["theirs"]');
  assert.equal(await namesake.next(), '42["theirs"]');
});

Deno.test("an event for another client reaches no socket of this one", async () => {
  await using served = serveRealtime();
  await connect(served, "session=7@1");
  assert.equal(served.publish({ ...SEVEN, client: "other" }, "x"), 0);
});

Deno.test("the connection that caused an event gets nothing", async () => {
  await using served = serveRealtime();
  const source = await connect(served, "session=7@1&connection=mine");
  const other = await connect(served, "session=7@1&connection=other");
  assert.equal(served.publish(SEVEN, "x", [], "mine"), 1);
  served.publish(SEVEN, "y");
  assert.equal(await other.next(), '42["x"]');
  assert.equal(await source.next(), '42["y"]');
});

Deno.test("the Socket.IO id counts as a connection id, beside the one in the address", async () => {
  await using served = serveRealtime();
  const peer = served.peer(`${V4}&session=7@1&connection=mine`);
  await peer.next();
  peer.send("40");
  const { sid } = JSON.parse((await peer.text()).slice(2));
  assert.equal(served.publish(SEVEN, "x", [], sid), 0);
  assert.equal(served.publish(SEVEN, "x", [], "mine"), 0);
  assert.equal(served.publish(SEVEN, "x", [], "another"), 1);
});

Deno.test("events arrive in the order in which they were sent, across an upgrade", async () => {
  await using served = serveRealtime();
  const opened = await served.http(`${POLL}&session=7@1`);
  const { sid } = JSON.parse((await opened.text()).slice(1));
  const posted = await served.http(`${POLL}&sid=${sid}`, { method: "POST", body: "40" });
  await posted.body?.cancel();
  const connected = await served.http(`${POLL}&sid=${sid}`);
  assert.match(await connected.text(), /^40/);
  const peer = served.peer(`${V4}&sid=${sid}`);
  await peer.opened;
  peer.send("2probe");
  assert.equal(await peer.next(), "3probe");
  for (const each of [1, 2, 3]) served.publish(SEVEN, "x", [each]);
  peer.send("5");
  assert.equal(withoutOffset(await peer.text()), '42["x",1]');
  served.publish(SEVEN, "x", [4]);
  for (const each of [2, 3, 4]) {
    assert.equal(withoutOffset(await peer.text()), `42["x",${each}]`);
  }
});

Deno.test("a polling client gets its events", async () => {
  await using served = serveRealtime();
  const opened = await served.http(`${POLL}&session=7@1`);
  const { sid } = JSON.parse((await opened.text()).slice(1));
  const posted = await served.http(`${POLL}&sid=${sid}`, { method: "POST", body: "40" });
  await posted.body?.cancel();
  const connected = await served.http(`${POLL}&sid=${sid}`);
  await connected.body?.cancel();
  served.publish(SEVEN, "x", ["ü"]);
  served.publish(SEVEN, "y");
  const polled = await served.http(`${POLL}&sid=${sid}`);
  const frames = (await polled.text()).split("\x1e");
  assert.deepEqual(frames.map(withoutOffset), ['42["x","ü"]', '42["y"]']);
});

Deno.test("a socket that has closed is out of the index", async () => {
  const closed = Promise.withResolvers<string>();
  const hooks = { onClosed: (_: unknown, reason: string) => closed.resolve(reason) };
  await using served = serveRealtime({}, { hooks });
  const peer = await connect(served, "session=7@1");
  assert.deepEqual([...served.realtime.stats().open], [["open-xchange-appsuite", 1]]);
  peer.close();
  assert.equal(await closed.promise, "transport close");
  assert.deepEqual(served.clientsOf("1", "7"), []);
  assert.deepEqual([...served.realtime.stats().open], [["open-xchange-appsuite", 0]]);
});

Deno.test("a peer that never answers is closed by its heartbeat", async () => {
  const clock = new FakeClock();
  const closed = Promise.withResolvers<string>();
  const hooks = { onClosed: (_: unknown, reason: string) => closed.resolve(reason) };
  await using served = serveRealtime({}, { clock, hooks });
  const peer = await connect(served, "session=7@1");
  await clock.advance(84_900);
  assert.deepEqual(served.clientsOf("1", "7"), ["open-xchange-appsuite"]);
  await clock.advance(1000);
  assert.equal(await closed.promise, "ping timeout");
  await peer.closed;
});

Deno.test("a socket keeps the ping times of its open packet, whatever is configured later", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  await connect(served, "session=7@1");
  const times = { pingInterval: 1000, pingTimeout: 1000 };
  served.realtime.configure({ ...REALTIME_DEFAULTS, ...times });
  await clock.advance(84_900);
  assert.deepEqual(served.clientsOf("1", "7"), ["open-xchange-appsuite"]);
  const later = await served.http(`${POLL}&session=8@1`);
  const { pingInterval, pingTimeout } = openPacketOf(await later.text());
  assert.deepEqual({ pingInterval, pingTimeout }, times);
});

Deno.test("the sockets of a revoked session receive session:invalid and are closed, others are not", async () => {
  await using served = serveRealtime();
  const revoked = await connect(served, "session=7@1");
  const other = await connect(served, "session=8@1");
  assert.equal(served.realtime.closeSession("7@1"), 1);
  assert.equal(served.realtime.closeSession("7@1"), 0);
  assert.equal(await revoked.next(), '42["session:invalid"]');
  assert.equal(await revoked.next(), "41");
  await revoked.closed;
  served.publish({ ...SEVEN, user: "8" }, "x");
  assert.equal(await other.next(), '42["x"]');
});

Deno.test("a session revoked between its check and the CONNECT answer is closed", async () => {
  await using served = serveRealtime();
  const peer = served.peer(`${V4}&session=7@1`);
  await peer.next();
  assert.equal(served.realtime.closeSession("7@1"), 0);
  peer.send("40");
  assert.match(String(await peer.text()), /^40\{"sid"/);
  assert.equal(withoutOffset(await peer.text()), '42["session:invalid"]');
  await peer.closed;
});

Deno.test("the sockets of an expired session receive session:invalid and are closed, others stay", async () => {
  const clock = new FakeClock();
  const expiresAt = clock.now() + 60_000;
  const authenticate = ({ credential }: { credential: string }) => {
    const { identity } = admit(credential);
    const ends = identity!.user === "7" ? { expiresAt } : {};
    return Promise.resolve({ identity: { ...identity!, ...ends } });
  };
  await using served = serveRealtime({}, { clock, authenticate });
  const ending = await connect(served, "session=7@1");
  const other = await connect(served, "session=8@1");
  await clock.advance(59_999);
  assert.deepEqual(served.clientsOf("1", "7"), [SEVEN.client]);
  await clock.advance(1);
  assert.deepEqual(served.clientsOf("1", "7"), []);
  assert.equal(await ending.text(), '42["session:invalid"]');
  await ending.closed;
  served.publish({ ...SEVEN, user: "8" }, "x");
  assert.equal(await other.text(), '42["x"]');
});

Deno.test("a session that expires while the process is held up receives nothing more", async () => {
  const clock = new FakeClock();
  const identity = { context: "1", user: "7", sessionId: "s", expiresAt: clock.now() + 60_000 };
  await using served = serveRealtime({}, {
    clock,
    authenticate: () => Promise.resolve({ identity }),
  });
  const ending = await connect(served, "session=7@1");
  clock.holdUp(60_000);
  assert.equal(served.publish(SEVEN, "x"), 0);
  assert.equal(await ending.text(), '42["session:invalid"]');
  await ending.closed;
});

Deno.test("a stop sends neither 'session:invalid' nor a disconnect packet", async () => {
  await using served = serveRealtime();
  const peer = await connect(served, "session=7@1");
  await served.realtime.close();
  const last = await Promise.race([peer.next(), peer.closed]);
  assert.ok(typeof last === "object" && "code" in last);
});

Deno.test("a socket that leaves the namespace is closed, there being no other", async () => {
  await using served = serveRealtime();
  const peer = await connect(served, "session=7@1");
  peer.send("41");
  peer.send("40");
  await peer.closed;
  assert.deepEqual(served.clientsOf("1", "7"), []);
});

Deno.test("events and attachments that a client sends are taken and ignored", async () => {
  await using served = serveRealtime();
  const peer = await connect(served, "session=7@1");
  const other = await connect(served, "session=8@1");
  peer.send('451-["x",{"_placeholder":true,"num":0}]');
  other.send('42["x"]');
  peer.send(Uint8Array.from([4, 1, 2, 3]));
  peer.send('42["error"]');
  peer.send('431["an acknowledgement"]');
  peer.send("2");
  other.send("2");
  assert.equal(await peer.next(), "3");
  assert.equal(await other.next(), "3");
});

Deno.test("whatever frames a client sends, others are served", async () => {
  await using served = serveRealtime({ handshakesPerSecond: 10_000 });
  const other = await connect(served, "session=8@1");
  const frame = fc.oneof(
    fc.string(),
    fc.uint8Array(),
    fc.string().map((text) => `4${text}`),
    fc.tuple(fc.constantFrom("40", "41", "42", "43", "44", "45", "46"), fc.json()).map((parts) =>
      parts.join("")
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 5 }), async (frames) => {
      const peer = await connect(served, "session=7@1");
      for (const each of frames) {
        peer.send(typeof each === "string" ? each : Uint8Array.from(each));
      }
      peer.close();
      await peer.closed;
    }),
    { numRuns: 100 },
  );
  served.publish({ ...SEVEN, user: "8" }, "x");
  assert.equal(await other.next(), '42["x"]');
});
