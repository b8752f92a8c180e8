/** Up to which offset a client has acknowledged that sends no offset, and what it is sent again. */

import assert from "node:assert/strict";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { type Peer, type ServedRealtime, serveRealtime, withoutOffset } from "./_servers.ts";

const WEB_SOCKET = "/socket.io/appsuite/?EIO=4&transport=websocket";
const POLLING = "/socket.io/appsuite/?EIO=4&transport=polling";
const NAMED = "&session=7@1&connection=c";
const SEVEN = { context: "1", user: "7" };

/** Connects as a client of 3.0 to 4.5 does, which sends no pid. */
async function connect(served: ServedRealtime, query = NAMED): Promise<Peer> {
  const peer = served.peer(`${WEB_SOCKET}${query}`);
  await peer.next();
  peer.send("40");
  assert.match(await peer.text(), /^40/);
  return peer;
}

async function drop(served: ServedRealtime, peer: Peer): Promise<void> {
  peer.close();
  while (served.realtime.socketsOf(SEVEN).length > 0) await settle(1);
}

/** Answers the ping, and waits until the server has received the pong. */
async function answer(served: ServedRealtime, peer: Peer): Promise<void> {
  const [socket] = served.realtime.socketsOf(SEVEN);
  const { acknowledged } = socket!;
  while (await peer.next() !== "2");
  peer.send("3");
  while (socket!.acknowledged === acknowledged) await settle(1);
}

Deno.test("a client is pinged within two seconds of an event", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const peer = await connect(served);
  served.publish(SEVEN, "x", [1]);
  served.publish(SEVEN, "x", [2]);
  for (const n of [1, 2]) {
    assert.equal(withoutOffset(await peer.text()), `42["x",${n}]`);
  }
  await clock.advance(2_000);
  await answer(served, peer);
  await drop(served, peer);
  const back = await connect(served);
  served.publish(SEVEN, "y");
  assert.equal(
    withoutOffset(await back.text()),
    '42["y"]',
    "nothing is sent again",
  );
});

Deno.test("an event sent after the ping is acknowledged by another ping", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const peer = await connect(served);
  served.publish(SEVEN, "x", [1]);
  await clock.advance(2_000);
  served.publish(SEVEN, "x", [2]);
  await answer(served, peer);
  await clock.advance(2_000);
  await answer(served, peer);
  await drop(served, peer);
  const back = await connect(served);
  served.publish(SEVEN, "y");
  assert.equal(withoutOffset(await back.text()), '42["y"]');
});

Deno.test("events that were sent again and then acknowledged are not sent a third time", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const first = await connect(served);
  served.publish(SEVEN, "x", [1]);
  await drop(served, first);
  for (let drops = 0; drops < 3; drops++) {
    const third = await connect(served);
    assert.equal(withoutOffset(await third.text()), '42["x",1]');
    if (drops === 2) {
      await clock.advance(2_000);
      await answer(served, third);
    }
    await drop(served, third);
  }
  const last = await connect(served);
  served.publish(SEVEN, "y");
  assert.equal(withoutOffset(await last.text()), '42["y"]');
});

Deno.test("a client that keeps receiving events is pinged less and less often, until it pauses", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const peer = await connect(served);
  const [socket] = served.realtime.socketsOf(SEVEN);
  const secondsToPing = async () => {
    for (let seconds = 1;; seconds++) {
      const { acknowledged } = socket!;
      await clock.advance(1_000);
      // A ping that was due is before this event.
      served.publish(SEVEN, "x", [seconds]);
      if (await peer.next() !== "2") continue;
      await peer.next();
      peer.send("3");
      while (socket!.acknowledged === acknowledged) await settle(1);
      return seconds;
    }
  };
  served.publish(SEVEN, "x");
  await peer.next();
  const found: number[] = [];
  for (let pings = 0; pings < 6; pings++) found.push(await secondsToPing());
  assert.deepEqual(found, [1, 1, 2, 4, 8, 8]);
  await clock.advance(8_000);
  await answer(served, peer);
  await clock.advance(8_000);
  served.publish(SEVEN, "x", ["after a pause"]);
  await peer.next();
  assert.equal(await secondsToPing(), 1);
});

Deno.test("a client that does not name its connection is not pinged early", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({}, { clock });
  const peer = await connect(served, "&session=7@1");
  served.publish(SEVEN, "x", [1]);
  await clock.advance(5_000);
  served.publish(SEVEN, "x", [2]);
  for (const n of [1, 2]) {
    assert.equal(withoutOffset(String(await peer.next())), `42["x",${n}]`);
  }
});

Deno.test("no early ping is sent where the setting is 0", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({ askAfter: 0 }, { clock });
  const peer = await connect(served);
  served.publish(SEVEN, "x", [1]);
  await clock.advance(5_000);
  served.publish(SEVEN, "x", [2]);
  for (const n of [1, 2]) {
    assert.equal(withoutOffset(String(await peer.next())), `42["x",${n}]`);
  }
});

Deno.test("a client that does not answer the early ping in time is closed", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({ pingTimeout: 5_000 }, { clock });
  const peer = await connect(served);
  served.publish(SEVEN, "x", [1]);
  await clock.advance(8_000);
  await peer.closed;
  assert.equal(served.realtime.socketsOf(SEVEN).length, 0);
});

Deno.test("the next poll acknowledges the answer to the last one", async () => {
  await using served = serveRealtime();
  const opened = await (await served.http(`${POLLING}${NAMED}`)).text();
  const sid = /"sid":"([^"]+)"/.exec(opened)![1];
  const poll = () => served.http(`${POLLING}&sid=${sid}`);
  await (await served.http(`${POLLING}&sid=${sid}`, { method: "POST", body: "40" })).text();
  assert.match(await (await poll()).text(), /^40/);
  served.publish(SEVEN, "x", [1]);
  assert.match(await (await poll()).text(), /"x",1/);
  const waiting = poll();
  await settle();
  served.publish(SEVEN, "x", [2]);
  assert.match(await (await waiting).text(), /"x",2/);
  await (await served.http(`${POLLING}&sid=${sid}`, { method: "POST", body: "1" })).text();
  while (served.realtime.socketsOf(SEVEN).length > 0) await settle(1);
  const back = await connect(served);
  assert.equal(
    withoutOffset(await back.text()),
    '42["x",2]',
    "of which it has not polled again",
  );
  served.publish(SEVEN, "y");
  assert.equal(withoutOffset(await back.text()), '42["y"]');
});

Deno.test("clients of Socket.IO 2 are sent their own ping interval", async () => {
  await using served = serveRealtime({ olderPingInterval: 5_000 });
  const older = served.peer(WEB_SOCKET.replace("EIO=4", "EIO=3") + NAMED);
  const newer = served.peer(WEB_SOCKET + NAMED.replace("=c", "=d"));
  assert.match(String(await older.next()), /"pingInterval":5000,/);
  assert.match(String(await newer.next()), /"pingInterval":25000,/);
});
