import assert from "node:assert/strict";
import { openPolling, type Served, serveEcho } from "./_servers.ts";

/** Packets of one payload, as each revision frames them. */
const PAYLOAD: Record<number, (...packets: string[]) => string> = {
  3: (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join(""),
  4: (...packets) => packets.join("\x1e"),
};

/** A binary message of the bytes 1 to 4 in text. */
const BASE64: Record<number, string> = { 3: "b4AQIDBA==", 4: "bAQIDBA==" };

async function exchange(served: Served, base: string, body: string): Promise<string> {
  const sid = await openPolling(served, `${base}polling&b64=1`);
  const posted = await served.http(`${base}polling&sid=${sid}`, { method: "POST", body });
  assert.equal(posted.status, 200);
  assert.equal(await posted.text(), "ok");
  const polled = await served.http(`${base}polling&sid=${sid}`);
  assert.equal(polled.status, 200);
  return await polled.text();
}

for (const revision of [3, 4]) {
  const payload = PAYLOAD[revision]!;
  const base = `/engine.io/?EIO=${revision}&transport=`;

  for (
    const [what, packets] of [
      ["one text packet", ["4hello"]],
      ["several text packets", ["4test1", "4test2", "4test3"]],
      ["text beyond ASCII", ["4Grüße 🔔"]],
      ["text and binary packets", ["4hello", BASE64[revision]!]],
    ] as const
  ) {
    Deno.test(`EIO ${revision}: a payload of ${what} goes there and back`, async () => {
      await using served = serveEcho();
      const text = await exchange(served, base, payload(...packets));
      assert.equal(text, payload(...packets));
    });
  }

  Deno.test(`EIO ${revision}: a malformed payload closes the polling session`, async () => {
    await using served = serveEcho();
    const sid = await openPolling(served, `${base}polling`);
    const posted = await served.http(`${base}polling&sid=${sid}`, { method: "POST", body: "abc" });
    await posted.body?.cancel();
    const polled = await served.http(`${base}polling&sid=${sid}`);
    assert.equal(polled.status, 400);
    await polled.body?.cancel();
    assert.equal(served.engine.clientsCount, 0);
  });

  Deno.test(`EIO ${revision}: a second poll at the same time closes the session`, async () => {
    await using served = serveEcho();
    const sid = await openPolling(served, `${base}polling`);
    const polls = await Promise.all([
      served.http(`${base}polling&sid=${sid}`),
      served.http(`${base}polling&sid=${sid}&t=again`),
    ]);
    const answers = await Promise.all(polls.map(async (poll) => [poll.status, await poll.text()]));
    answers.sort((a, b) => Number(a[0]) - Number(b[0]));
    assert.deepEqual(answers[0], [200, payload("1")]);
    assert.equal(answers[1]![0], 400);
    const later = await served.http(`${base}polling&sid=${sid}`);
    assert.equal(later.status, 400);
    await later.body?.cancel();
  });

  Deno.test(`EIO ${revision}: a poll that is cancelled closes the session`, async () => {
    await using served = serveEcho();
    const opened = Promise.withResolvers<EventTarget>();
    served.engine.on("connection", (socket) => opened.resolve(socket));
    const sid = await openPolling(served, `${base}polling`);
    // deno-lint-ignore no-explicit-any -- the official class's own events
    const socket = await opened.promise as any;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const polling = new Promise<void>((resolve) => socket.transport.once("ready", resolve));
    const controller = new AbortController();
    const poll = fetch(`http://${served.host}${base}polling&sid=${sid}`, controller);
    await polling;
    controller.abort();
    await assert.rejects(poll);
    assert.equal(await closed, "transport error");
    assert.equal(served.engine.clientsCount, 0);
  });

  Deno.test(`EIO ${revision}: a WebSocket takes and sends text`, async () => {
    await using served = serveEcho();
    const peer = served.peer(`${base}websocket`);
    await peer.next();
    peer.send("4hello");
    assert.equal(await peer.text(), "4hello");
  });

  Deno.test(`EIO ${revision}: a WebSocket takes and sends bytes`, async () => {
    await using served = serveEcho();
    const peer = served.peer(`${base}websocket`);
    await peer.next();
    const frame = Uint8Array.from(revision === 3 ? [4, 1, 2, 3, 4] : [1, 2, 3, 4]);
    peer.send(frame);
    assert.deepEqual(new Uint8Array(await peer.next() as ArrayBuffer), frame);
  });

  Deno.test(`EIO ${revision}: a malformed packet closes the WebSocket`, async () => {
    await using served = serveEcho();
    const peer = served.peer(`${base}websocket`);
    await peer.next();
    peer.send("abc");
    await peer.closed;
    assert.equal(served.engine.clientsCount, 0);
  });
}

Deno.test("EIO 3: a client that can take bytes gets a binary payload", async () => {
  await using served = serveEcho();
  const base = "/engine.io/?EIO=3&transport=polling";
  const sid = await openPolling(served, base);
  const body = "6:4hello10:b4AQIDBA==";
  const posted = await served.http(`${base}&sid=${sid}`, { method: "POST", body });
  await posted.body?.cancel();
  const polled = await served.http(`${base}&sid=${sid}`);
  const text = [0, 6, 255, 52, 104, 101, 108, 108, 111];
  assert.deepEqual([...await polled.bytes()], [...text, 1, 5, 255, 4, 1, 2, 3, 4]);
});

Deno.test("EIO 3: a binary frame of no known packet type closes the WebSocket", async () => {
  await using served = serveEcho();
  const peer = served.peer("/engine.io/?EIO=3&transport=websocket");
  await peer.next();
  peer.send(Uint8Array.from([0x99, 0xff, 0x00]));
  await peer.closed;
  assert.equal(served.engine.clientsCount, 0);
});

Deno.test("a post above the size limit is answered 413 unread", async () => {
  await using served = serveEcho({ maxMessageBytes: 100_000 });
  const base = "/engine.io/?EIO=4&transport=polling";
  const sid = await openPolling(served, base);
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(52));
      if (pulled >= 10_000_000) controller.close();
    },
  });
  const response = await served.http(`${base}&sid=${sid}`, { method: "POST", body });
  assert.equal(response.status, 413);
  await response.body?.cancel();
});

Deno.test("a post that declares more than the size limit is answered 413", async () => {
  await using served = serveEcho({ maxMessageBytes: 100_000 });
  const base = "/engine.io/?EIO=4&transport=polling";
  const sid = await openPolling(served, base);
  const body = "4".repeat(10_000_000);
  const response = await served.http(`${base}&sid=${sid}`, { method: "POST", body });
  assert.equal(response.status, 413);
  await response.body?.cancel();
});

Deno.test("a frame above the size limit closes the WebSocket", async () => {
  await using served = serveEcho({ maxMessageBytes: 1000 });
  const peer = served.peer("/engine.io/?EIO=4&transport=websocket");
  await peer.next();
  peer.send(`4${"é".repeat(500)}`);
  assert.equal((await peer.closed).code, 1009);
  assert.equal(served.engine.clientsCount, 0);
});

Deno.test("a frame of just the size limit is taken", async () => {
  await using served = serveEcho({ maxMessageBytes: 1001 });
  const peer = served.peer("/engine.io/?EIO=4&transport=websocket");
  await peer.next();
  peer.send(`4${"é".repeat(500)}`);
  assert.equal(await peer.text(), `4${"é".repeat(500)}`);
});
