/** The HTTP/2 engine beyond the contract: resending, PING, replacing connections. */

import assert from "node:assert/strict";
import type { HttpResult } from "../../../transports/http/mod.ts";
import { ERROR } from "../../../transports/http2/frames.ts";
import { createHttp2Engine } from "../../../transports/http2/mod.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { type PeerRequest, startH2Peer } from "../../support/h2_peer.ts";
import { makeCertificate } from "../../support/certificate.ts";

const pair = await makeCertificate();
const never = new AbortController().signal;
const SILENCE_MS = 2500;
const TIMEOUT_MS = 10_000;

function rig(
  onRequest: (request: PeerRequest) => void,
  { streams = 100, connections = 2 }: {
    readonly streams?: number;
    readonly connections?: number;
  } = {},
) {
  const clock = new FakeClock();
  const peer = startH2Peer({ ...pair, streams, readsHeaders: true, onRequest });
  const sender = createHttp2Engine({
    runtime: Deno,
    createHttpClient: Deno.createHttpClient,
    clock,
    maxConnections: connections,
    silenceMs: SILENCE_MS,
  }).open({ origin: peer.origin, caCerts: [pair.cert], timeoutMs: TIMEOUT_MS });
  return {
    clock,
    peer,
    sender,
    post: (headers: Record<string, string> = {}) =>
      sender.post(`${peer.origin}/x`, { headers, body: "{}", signal: never }),
    async [Symbol.asyncDispose]() {
      await sender[Symbol.asyncDispose]();
      await peer[Symbol.asyncDispose]();
    },
  };
}

function brief(result: HttpResult): unknown {
  return result.kind === "failed" ? [result.fault, result.sent] : result.status;
}

Deno.test("a refused request is resent with the same headers, at most twice", async () => {
  const seen: string[] = [];
  await using here = rig(({ headers, stream, reset, answer }) => {
    seen.push(headers[headers.indexOf("apns-id") + 1]!);
    if (stream < 5) reset(ERROR.REFUSED_STREAM);
    else answer(200);
  });
  assert.equal(brief(await here.post({ "apns-id": "7" })), 200);
  assert.deepEqual(seen, ["7", "7", "7"]);
  assert.equal(here.peer.connections, 1);
});

Deno.test("requests beyond a GOAWAY are resent over another connection, the others are answered", async () => {
  const held: PeerRequest[] = [];
  await using here = rig((request) => {
    if (request.connection.number > 1) return request.answer(200);
    if (held.push(request) < 3) return;
    request.connection.goAway(3, ERROR.NO_ERROR);
    for (const { answer } of held) answer(201);
  });
  const results = await Promise.all([here.post(), here.post(), here.post()]);
  assert.deepEqual(results.map(brief), [201, 201, 200]);
  assert.equal(here.peer.connections, 2);
});

Deno.test("a silent connection, without even an answer to a PING, is closed", async () => {
  const arrived = Promise.withResolvers<void>();
  await using here = rig(({ connection, answer }) => {
    if (connection.number > 1) return answer(200);
    arrived.resolve();
    connection.stall(60);
  });
  const result = here.post();
  await arrived.promise;
  await here.clock.advance(2 * SILENCE_MS + TIMEOUT_MS / 8);
  assert.deepEqual(brief(await result), ["died", "unknown"]);
  assert.equal(brief(await here.post()), 200);
  assert.equal(here.peer.connections, 2);
});

Deno.test("a connection that answers PINGs may take its time to answer", async () => {
  const asked = Promise.withResolvers<PeerRequest>();
  await using here = rig((request) => asked.resolve(request));
  const result = here.post();
  const request = await asked.promise;
  for (let passed = 0; passed < TIMEOUT_MS - 1000; passed += 500) {
    await here.clock.advance(500);
    // The answer to a PING takes as long as loopback does.
    for (let yieldToEventLoop = 0; yieldToEventLoop < 20; yieldToEventLoop++) await settle();
  }
  request.answer(200);
  assert.equal(brief(await result), 200);
  assert.equal(here.peer.connections, 1);
});

Deno.test("a process that was blocked itself does not take the server for dead", async () => {
  const asked = Promise.withResolvers<PeerRequest>();
  await using here = rig((request) => {
    request.connection.stall(100);
    asked.resolve(request);
  });
  const result = here.post();
  const request = await asked.promise;
  await here.clock.advance(SILENCE_MS + TIMEOUT_MS / 8);
  // One timer that fires late, instead of many.
  here.clock.holdUp(4000);
  await here.clock.advance(TIMEOUT_MS / 16);
  request.answer(200);
  assert.equal(brief(await result), 200);
});

Deno.test("a stream limit of 0 makes requests wait until it rises", async () => {
  const held: PeerRequest[] = [];
  await using here = rig((request) => void held.push(request), { connections: 1 });
  const first = here.post();
  while (held.length < 1) await settle();
  held[0]!.connection.limitStreams(0);
  held[0]!.answer(200);
  await first;
  const second = here.post();
  for (let yieldToEventLoop = 0; yieldToEventLoop < 20; yieldToEventLoop++) await settle();
  assert.equal(held.length, 1);
  held[0]!.connection.limitStreams(1);
  while (held.length < 2) await settle();
  held[1]!.answer(200);
  assert.equal(brief(await second), 200);
});

Deno.test("a server that accepts connections and stays silent times out", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const taken = listener.accept();
  const clock = new FakeClock();
  const origin = `https://localhost:${(listener.addr as Deno.NetAddr).port}`;
  const sender = createHttp2Engine({
    ...{ runtime: Deno, createHttpClient: Deno.createHttpClient, clock },
  }).open({ origin, caCerts: [], timeoutMs: TIMEOUT_MS });
  const result = sender.post(`${origin}/x`, { headers: {}, body: "{}", signal: never });
  const socket = await taken;
  await clock.advance(TIMEOUT_MS + TIMEOUT_MS / 16);
  assert.deepEqual(brief(await result), ["connect", "no"]);
  await sender[Symbol.asyncDispose]();
  socket.close();
  listener.close();
  assert.equal(clock.timers, 0);
});

Deno.test("a URL of another origin is refused", async () => {
  await using here = rig(({ answer }) => answer(200));
  for (const url of ["https://other.example/x", `${here.peer.origin}0/x`, here.peer.origin]) {
    assert.throws(
      () => here.sender.post(url, { headers: {}, body: "{}", signal: never }),
      TypeError,
    );
  }
});
