/** WebSockets at the second port: what a peer may do wrong, and what the runtime does elsewhere. */

import assert from "node:assert/strict";
import { silentLog } from "../../core/log.ts";
import type { RealtimeSettings } from "../../realtime/mod.ts";
import { listenForStreams } from "../../service/stream_listener.ts";
import {
  admit,
  fillBacklog,
  type RealtimeOverrides,
  secondPorts,
  serveRealtime,
} from "../realtime/_servers.ts";
import { connectDeaf } from "../support/deaf_peer.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { connectRaw } from "../support/raw_http.ts";
import { until } from "../support/until.ts";

const SEVEN = { context: "1", user: "7" };
const SOCKET = "/v1/socket?";
const HANDSHAKE = "upgrade: websocket\r\nconnection: Upgrade\r\n" +
  "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const KIB = 1024;

async function serveHere(
  settings: Partial<RealtimeSettings> = {},
  options: RealtimeOverrides = {},
) {
  secondPorts.push(await listenForStreams({ host: "127.0.0.1", port: 0, log: silentLog }));
  return serveRealtime(settings, options);
}

/** A frame of RFC 6455 §5.2 whose mask leaves the payload as it is. */
function frame(first: number, payload: Uint8Array = new Uint8Array(), isMasked = true): Uint8Array {
  const head = payload.length < 126
    ? [first, payload.length | (isMasked ? 0x80 : 0)]
    : [first, 126 | (isMasked ? 0x80 : 0), payload.length >> 8, payload.length & 0xff];
  return Uint8Array.from([...head, ...isMasked ? [0, 0, 0, 0] : [], ...payload]);
}

async function send(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

const PING = "\x89\0";
const PONG = "\x8a\0";

/** Reads until a text with a byte in each character has come. */
async function readUntil(connection: Deno.TcpConn, text: string): Promise<void> {
  const buffer = new Uint8Array(64 * KIB);
  for (let received = ""; !received.includes(text);) {
    const length = await connection.read(buffer);
    assert.ok(length !== null, "the connection has ended");
    received += String.fromCharCode(...buffer.subarray(0, length));
  }
}

/** Everything that still comes on a connection. */
async function rest(connection: Deno.TcpConn): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(64 * KIB);
  for (;;) {
    const length = await connection.read(buffer).catch(() => null);
    if (length === null) break;
    parts.push(buffer.slice(0, length));
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

const encoder = new TextEncoder();

for (
  const [what, bytes, code] of [
    ["without a mask", frame(0x81, encoder.encode("x"), false), 1002],
    ["with reserved bits", frame(0xf1, encoder.encode("x")), 1002],
    ["of no known kind", frame(0x83), 1002],
    ["of a text that is no UTF-8", frame(0x81, Uint8Array.from([0xc3, 0x28])), 1007],
    ["that is too long", frame(0x81, new Uint8Array(101).fill(120)), 1009],
  ] as const
) {
  Deno.test(`a frame ${what} closes the WebSocket with ${code}, and no other`, async () => {
    await using served = await serveHere({ maxMessageBytes: 100 });
    const other = served.peer(`${SOCKET}session=8@1`);
    await other.next();
    using broken = await connectDeaf(served.host, "7@1", SOCKET);
    await until("it is there", () => served.realtime.socketsOf(SEVEN).length === 1);
    await send(broken, bytes);
    await until("it is gone", () => served.realtime.socketsOf(SEVEN).length === 0);
    await send(broken, frame(0x88));
    const received = await rest(broken);
    assert.deepEqual([...received.slice(-4)], [0x88, 2, code >> 8, code & 0xff]);
    other.send('{"type":"ping"}');
    assert.equal(await other.text(), '{"type":"pong"}');
  });
}

Deno.test("texts of every length arrive whole, beyond ASCII too", async () => {
  await using served = await serveHere();
  const peer = served.peer(`${SOCKET}session=7@1`);
  const { length: around } = JSON.stringify({ type: "event", topic: "a:b", data: "", offset: 0 });
  await peer.next();
  const lengths = [0, 125 - around - 20, 125, 65_535 - around - 20, 65_535, 300_000]
    .flatMap((length) => [length, length + 1, length + 2]);
  for (const length of lengths) {
    for (const letter of ["x", "ß", "🔔"]) {
      const text = letter.repeat(Math.max(0, length));
      served.publish(SEVEN, "a:b", [text]);
      assert.equal(JSON.parse(await peer.text()).data, text);
    }
  }
});

Deno.test("what a peer sends along with its handshake is read", async () => {
  await using served = await serveHere();
  const request = `GET ${SOCKET}session=7@1 HTTP/1.1\r\nhost: x\r\n${HANDSHAKE}\r\n`;
  const [hostname, port] = served.host.split(":");
  using peer = await Deno.connect({ hostname: hostname!, port: Number(port) });
  const ping = frame(0x81, encoder.encode('{"type":"ping"}'));
  await send(peer, Uint8Array.from([...encoder.encode(request), ...ping]));
  await readUntil(peer, '{"type":"pong"}');
});

Deno.test("a peer that sends pings and reads no answer is not answered for ever", async () => {
  await using served = await serveHere();
  using deaf = await connectDeaf(served.host, "7@1", SOCKET);
  await until("it is there", () => served.realtime.socketsOf(SEVEN).length === 1);
  const ping = frame(0x89, new Uint8Array(125));
  const batch = new Uint8Array(ping.length * 1000);
  for (let n = 0; n < 1000; n++) batch.set(ping, n * ping.length);
  const batches = 250;
  for (let n = 0; n < batches; n++) await send(deaf, batch);
  await send(deaf, frame(0x88));
  const received = await rest(deaf);
  assert.ok(received.length < batches * 1000 * 127 * .8, `${received.length} bytes came back`);
});

Deno.test("a plain WebSocket is pinged when it is silent, and closed when it stays so", async () => {
  const clock = new FakeClock();
  const reasons: string[] = [];
  const hooks = { onClosed: (_: unknown, reason: string) => void reasons.push(reason) };
  await using served = await serveHere({ pingInterval: 10_000 }, { clock, hooks });
  using answering = await connectDeaf(served.host, "8@1", SOCKET);
  using silent = await connectDeaf(served.host, "7@1", SOCKET);
  await Promise.all([answering, silent].map((peer) => readUntil(peer, '"ready"')));
  for (let n = 0; n < 4; n++) {
    await clock.advance(11_000);
    await readUntil(answering, PING);
    // The answer to the second one tells that the first has arrived.
    await send(answering, Uint8Array.from([...frame(0x8a), ...frame(0x89)]));
    await readUntil(answering, PONG);
  }
  await until("it is gone", () => reasons.length > 0);
  assert.deepEqual(reasons, ["transport close"]);
  assert.deepEqual([...await rest(silent)], [0x89, 0]);
  assert.equal(served.realtime.socketsOf({ context: "1", user: "8" }).length, 1);
});

Deno.test("a closed WebSocket with data that its peer does not take is freed, too", async () => {
  const clock = new FakeClock();
  await using served = await serveHere({ maxBacklogBytes: 256 * KIB }, { clock });
  using _deaf = await connectDeaf(served.host, "7@1");
  await until("it is there", () => served.realtime.socketsOf(SEVEN).length === 1);
  await fillBacklog(served, { clock, user: SEVEN, topic: "x" });
  await clock.advance(12_000);
  assert.deepEqual(served.realtime.socketsOf(SEVEN), []);
  assert.ok(served.realtime.stats().backlogBytes > 0);
  assert.equal(served.realtime.stats().closing, 1);
  await clock.advance(30_000);
  while (served.realtime.stats().backlogBytes > 0) await settle(1);
  assert.equal(served.realtime.stats().closing, 0);
});

Deno.test("a handshake is refused with the same status and body as at the public port", async () => {
  await using here = await serveHere({ allowedOrigins: ["https://mail.example"] });
  await using there = serveRealtime({ allowedOrigins: ["https://mail.example"] });
  const engine = "/socket.io/appsuite/?transport=websocket";
  const requests = [
    [`${engine}&EIO=4&session=nobody`, ""],
    [`${engine}&EIO=3`, ""],
    [`${engine}&EIO=9&session=7@1`, ""],
    [`${engine}&EIO=4&sid=unknown`, ""],
    [`${engine}&EIO=4&session=7@1`, "origin: https://evil.example\r\n"],
    ["/socket.io/nobody/?EIO=4&transport=websocket&session=7@1", ""],
    [SOCKET, ""],
    [`${SOCKET}session=nobody`, "origin: https://mail.example\r\n"],
  ] as const;
  for (const [address, header] of requests) {
    const answers = [];
    for (const { host } of [here, there]) {
      using peer = await connectRaw(Number(host.split(":")[1]));
      await peer.write(`GET ${address} HTTP/1.1\r\nhost: x\r\n${header}${HANDSHAKE}\r\n`);
      const { status, head, body } = await peer.answer();
      const lines = head.split("\r\n").filter((line) => /^(content|access|vary|x-)/.test(line));
      answers.push({ status, body, lines: lines.sort() });
    }
    assert.deepEqual(answers[0], answers[1], address);
    assert.ok(answers[0]!.status >= 400);
  }
});

Deno.test("a peer that is gone before its session was checked opens nothing", async () => {
  const asked = Promise.withResolvers<void>();
  const checked = Promise.withResolvers<void>();
  await using served = await serveHere({}, {
    async authenticate({ credential }) {
      asked.resolve();
      await checked.promise;
      return admit(credential);
    },
  });
  const peer = await connectDeaf(served.host, "7@1", SOCKET);
  await asked.promise;
  peer.close();
  checked.resolve();
  using other = await connectDeaf(served.host, "8@1", SOCKET);
  void other;
  await until(
    "the other is there",
    () => served.realtime.socketsOf({ context: "1", user: "8" }).length === 1,
  );
  await until("nobody else is", () => served.realtime.socketsOf(SEVEN).length === 0);
});
