import assert from "node:assert/strict";
import { openPolling, serveEcho, SHORT } from "./_servers.ts";

const FRAMED: Record<number, (packet: string) => string> = {
  3: (packet) => `${packet.length}:${packet}`,
  4: (packet) => packet,
};

for (const revision of [3, 4]) {
  const framed = FRAMED[revision]!;
  const base = `/engine.io/?EIO=${revision}&transport=`;

  Deno.test(`EIO ${revision}: a silent polling session ends after its ping timeout`, async () => {
    await using served = serveEcho(SHORT);
    const closed = new Promise((resolve) => {
      served.engine.once("connection", (socket) => socket.once("close", resolve));
    });
    const sid = await openPolling(served, `${base}polling`);
    assert.equal(await closed, "ping timeout");
    const polled = await served.http(`${base}polling&sid=${sid}`);
    assert.equal(polled.status, 400);
    await polled.body?.cancel();
  });

  Deno.test(`EIO ${revision}: a silent WebSocket is closed after its ping timeout`, async () => {
    await using served = serveEcho(SHORT);
    const peer = served.peer(`${base}websocket`);
    await peer.next();
    await peer.closed;
    assert.equal(served.engine.clientsCount, 0);
  });

  Deno.test(`EIO ${revision}: a close packet ends the polling session`, async () => {
    await using served = serveEcho();
    const sid = await openPolling(served, `${base}polling`);
    const poll = served.http(`${base}polling&sid=${sid}`);
    const body = framed("1");
    const posted = await served.http(`${base}polling&sid=${sid}`, { method: "POST", body });
    await posted.body?.cancel();
    const polled = await poll;
    // The post may overtake the poll, which then finds no session.
    if (polled.status === 200) assert.equal(await polled.text(), framed("6"));
    else await polled.body?.cancel();
    const later = await served.http(`${base}polling&sid=${sid}`);
    assert.equal(later.status, 400);
    await later.body?.cancel();
  });

  Deno.test(`EIO ${revision}: a close packet ends the WebSocket`, async () => {
    await using served = serveEcho();
    const peer = served.peer(`${base}websocket`);
    await peer.next();
    peer.send("1");
    await peer.closed;
    assert.equal(served.engine.clientsCount, 0);
  });

  Deno.test(`EIO ${revision}: polling is upgraded to a WebSocket`, async () => {
    await using served = serveEcho();
    const sid = await openPolling(served, `${base}polling`);
    const peer = served.peer(`${base}websocket&sid=${sid}`);
    await peer.opened;
    peer.send("2probe");
    assert.equal(await peer.next(), "3probe");
    const polled = await served.http(`${base}polling&sid=${sid}`);
    assert.equal(await polled.text(), framed("6"));
    peer.send("5");
    peer.send("4hello");
    assert.equal(await peer.text(), "4hello");
  });

  Deno.test(`EIO ${revision}: what waited during the upgrade comes first after it`, async () => {
    await using served = serveEcho();
    const sid = await openPolling(served, `${base}polling`);
    const peer = served.peer(`${base}websocket&sid=${sid}`);
    await peer.opened;
    peer.send("2probe");
    await peer.next();
    const body = framed("4first");
    const posted = await served.http(`${base}polling&sid=${sid}`, { method: "POST", body });
    await posted.body?.cancel();
    peer.send("5");
    peer.send("4second");
    assert.deepEqual([await peer.text(), await peer.text()], ["4first", "4second"]);
  });

  Deno.test(`EIO ${revision}: an upgraded session takes no polls and no second WebSocket`, async () => {
    await using served = serveEcho();
    const sid = await openPolling(served, `${base}polling`);
    const peer = served.peer(`${base}websocket&sid=${sid}`);
    await peer.opened;
    peer.send("2probe");
    await peer.next();
    peer.send("5");
    peer.send("4upgraded");
    assert.equal(await peer.text(), "4upgraded");
    const polled = await served.http(`${base}polling&sid=${sid}`);
    assert.equal(polled.status, 400);
    await polled.body?.cancel();
    const second = served.peer(`${base}websocket&sid=${sid}`);
    await second.opened;
    await second.closed;
    peer.send("4hello");
    assert.equal(await peer.text(), "4hello");
  });

  Deno.test(`EIO ${revision}: a probe that ends leaves the polling session alone`, async () => {
    await using served = serveEcho();
    const sid = await openPolling(served, `${base}polling`);
    const peer = served.peer(`${base}websocket&sid=${sid}`);
    await peer.opened;
    peer.send("4no probe");
    await peer.closed;
    const body = framed("4hello");
    const posted = await served.http(`${base}polling&sid=${sid}`, { method: "POST", body });
    assert.equal(posted.status, 200);
    await posted.body?.cancel();
    const polled = await served.http(`${base}polling&sid=${sid}`);
    assert.equal(await polled.text(), framed("4hello"));
  });
}

Deno.test("EIO 3: the server answers each ping of a polling client", async () => {
  await using served = serveEcho();
  const base = "/engine.io/?EIO=3&transport=polling";
  const sid = await openPolling(served, base);
  for (let beat = 0; beat < 3; beat++) {
    const posted = await served.http(`${base}&sid=${sid}`, { method: "POST", body: "1:2" });
    await posted.body?.cancel();
    const polled = await served.http(`${base}&sid=${sid}`);
    assert.equal(await polled.text(), "1:3");
  }
});

Deno.test("EIO 3: the server answers each ping of a WebSocket", async () => {
  await using served = serveEcho();
  const peer = served.peer("/engine.io/?EIO=3&transport=websocket");
  await peer.next();
  for (let beat = 0; beat < 3; beat++) {
    peer.send("2");
    assert.equal(await peer.next(), "3");
  }
});

Deno.test("EIO 4: the server pings a polling client", async () => {
  await using served = serveEcho(SHORT);
  const base = "/engine.io/?EIO=4&transport=polling";
  const sid = await openPolling(served, base);
  for (let beat = 0; beat < 3; beat++) {
    const polled = await served.http(`${base}&sid=${sid}`);
    assert.equal(await polled.text(), "2");
    const posted = await served.http(`${base}&sid=${sid}`, { method: "POST", body: "3" });
    assert.equal(posted.status, 200);
    await posted.body?.cancel();
  }
});

Deno.test("EIO 4: the server pings a WebSocket", async () => {
  await using served = serveEcho(SHORT);
  const peer = served.peer("/engine.io/?EIO=4&transport=websocket");
  await peer.next();
  for (let beat = 0; beat < 3; beat++) {
    assert.equal(await peer.next(), "2");
    peer.send("3");
  }
});

for (const [revision, packet] of [[3, "3"], [4, "2"]] as const) {
  Deno.test(`EIO ${revision}: a heartbeat in the wrong direction closes the session`, async () => {
    await using served = serveEcho();
    const peer = served.peer(`/engine.io/?EIO=${revision}&transport=websocket`);
    await peer.next();
    peer.send(packet);
    await peer.closed;
    assert.equal(served.engine.clientsCount, 0);
  });
}
