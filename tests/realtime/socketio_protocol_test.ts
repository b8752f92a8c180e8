import assert from "node:assert/strict";
import { type Peer, type Served, serveSocketIo, SHORT } from "./_servers.ts";

const SOCKET = "/socket.io/?EIO=4&transport=websocket";
const ATTACHMENTS = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';

async function open(served: Served): Promise<Peer> {
  const peer = served.peer(SOCKET);
  await peer.next();
  return peer;
}

async function connect(served: Served): Promise<Peer> {
  const peer = await open(served);
  peer.send("40");
  assert.match(await peer.text(), /^40\{"sid":"[\w-]+"\}$/);
  assert.equal(await peer.text(), '42["auth",{}]');
  return peer;
}

async function binaryAfterPings(peer: Peer): Promise<Uint8Array> {
  for (;;) {
    const message = await peer.next();
    if (typeof message !== "string") return new Uint8Array(message);
  }
}

for (
  const [what, packet, connected, auth] of [
    ["the main namespace", "40", "40", '42["auth",{}]'],
    ["the main namespace with auth", '40{"token":"123"}', "40", '42["auth",{"token":"123"}]'],
    ["a custom namespace", "40/custom,", "40/custom,", '42/custom,["auth",{}]'],
    [
      "a custom namespace with auth",
      '40/custom,{"token":"abc"}',
      "40/custom,",
      '42/custom,["auth",{"token":"abc"}]',
    ],
  ] as const
) {
  Deno.test(`a client connects to ${what}`, async () => {
    await using served = serveSocketIo();
    const peer = await open(served);
    peer.send(packet);
    const answer = await peer.text();
    assert.ok(answer.startsWith(connected));
    assert.deepEqual(Object.keys(JSON.parse(answer.slice(connected.length))), ["sid"]);
    assert.equal(await peer.text(), auth);
  });
}

Deno.test("an unknown namespace is refused", async () => {
  await using served = serveSocketIo();
  const peer = await open(served);
  peer.send("40/random");
  assert.equal(await peer.text(), '44/random,{"message":"Invalid namespace"}');
});

Deno.test("a malformed first packet closes the connection", async () => {
  await using served = serveSocketIo();
  const peer = await open(served);
  peer.send("4abc");
  await peer.closed;
});

Deno.test("a connection that enters no namespace is closed", async () => {
  await using served = serveSocketIo({ connectTimeout: 50 });
  const peer = await open(served);
  await peer.closed;
});

Deno.test("leaving the main namespace keeps the connection", async () => {
  await using served = serveSocketIo(SHORT);
  const peer = await connect(served);
  peer.send("41");
  assert.equal(await peer.next(), "2");
});

Deno.test("leaving one namespace leaves the other alone", async () => {
  await using served = serveSocketIo();
  const peer = await connect(served);
  peer.send("40/custom");
  await peer.text();
  await peer.text();
  peer.send("41/custom");
  peer.send('42["message","to the main namespace"]');
  assert.equal(await peer.text(), '42["message-back","to the main namespace"]');
});

Deno.test("an event of text goes there and back", async () => {
  await using served = serveSocketIo();
  const peer = await connect(served);
  peer.send('42["message",1,"2",{"3":[true]}]');
  assert.equal(await peer.text(), '42["message-back",1,"2",{"3":[true]}]');
});

Deno.test("an event with binary attachments goes there and back", async () => {
  await using served = serveSocketIo();
  const peer = await connect(served);
  peer.send(`452-["message",${ATTACHMENTS}]`);
  peer.send(Uint8Array.from([1, 2, 3]));
  peer.send(Uint8Array.from([4, 5, 6]));
  assert.equal(await peer.text(), `452-["message-back",${ATTACHMENTS}]`);
  assert.deepEqual([...await binaryAfterPings(peer)], [1, 2, 3]);
  assert.deepEqual([...await binaryAfterPings(peer)], [4, 5, 6]);
});

Deno.test("an event of text is acknowledged", async () => {
  await using served = serveSocketIo();
  const peer = await connect(served);
  peer.send('42456["message-with-ack",1,"2",{"3":[false]}]');
  assert.equal(await peer.text(), '43456[1,"2",{"3":[false]}]');
});

Deno.test("an event with binary attachments is acknowledged", async () => {
  await using served = serveSocketIo();
  const peer = await connect(served);
  peer.send(`452-789["message-with-ack",${ATTACHMENTS}]`);
  peer.send(Uint8Array.from([1, 2, 3]));
  peer.send(Uint8Array.from([4, 5, 6]));
  assert.equal(await peer.text(), `462-789[${ATTACHMENTS}]`);
  assert.deepEqual([...await binaryAfterPings(peer)], [1, 2, 3]);
  assert.deepEqual([...await binaryAfterPings(peer)], [4, 5, 6]);
});

for (
  const [what, packet] of [
    ["an unknown packet type", "4abc"],
    ["a payload that is no array", "42{}"],
    ["a malformed acknowledgement id", '42abc["message-with-ack",1]'],
    ["bytes that belong to no event", Uint8Array.from([1, 2, 3])],
  ] as const
) {
  Deno.test(`${what} closes the connection`, async () => {
    await using served = serveSocketIo();
    const peer = await connect(served);
    peer.send(packet);
    await peer.closed;
  });
}
