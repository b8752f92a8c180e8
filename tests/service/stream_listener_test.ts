/** The second port: what Node's `http` does there. The rest is in `tests/realtime/second_port_test.ts`. */

import assert from "node:assert/strict";
import { silentLog } from "../../core/log.ts";
import { pathOf } from "../../core/path_filter.ts";
import type { RealtimeSettings } from "../../realtime/mod.ts";
import { listenForStreams } from "../../service/stream_listener.ts";
import { openStream } from "../realtime/_event_source.ts";
import { type RealtimeOverrides, serveRealtime } from "../realtime/_servers.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { freePort } from "../support/free_port.ts";
import { connectRaw } from "../support/raw_http.ts";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

const PORT = "io.carillon.streams.port";
const SEVEN = { context: "1", user: "7" };
const LOCAL = { host: "127.0.0.1", port: 0, log: silentLog };
const KIB = 1024;

/** Serves streams of a realtime server at a port of their own. */
async function serveStreams(
  settings: Partial<RealtimeSettings> = {},
  options: RealtimeOverrides = {},
) {
  await using opened = new AsyncDisposableStack();
  const served = opened.use(serveRealtime(settings, options));
  const listener = opened.use(
    await listenForStreams({ ...LOCAL, ...(options.clock && { clock: options.clock }) }),
  );
  listener.open(served.realtime);
  const host = `127.0.0.1:${listener.address.port}`;
  const life = opened.move();
  const address = (query = "session=7@1") => `http://${host}/v1/stream?${query}`;
  return { ...served, host, address, [Symbol.asyncDispose]: () => life.disposeAsync() };
}

Deno.test("what is refused at the public port is refused at that of streams", async () => {
  await using served = await serveStreams(
    { allowedOrigins: ["https://mail.example"], maxSocketsPerUser: 1 },
  );
  const statusOf = async (query: string, headers: Record<string, string> = {}) => {
    using stream = await openStream(served.address(query), headers);
    return stream.response.status;
  };
  assert.equal(await statusOf(""), 401);
  assert.equal(await statusOf("session=7@1", { origin: "https://evil.example" }), 403);
  using allowed = await openStream(served.address(), { origin: "https://mail.example" });
  const origin = allowed.response.headers.get("access-control-allow-origin");
  assert.equal(origin, "https://mail.example");
  await allowed.received("ready");
  assert.equal(await statusOf("session=7@1"), 429);
  const posted = await fetch(served.address(), { method: "POST", body: "x" });
  assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET"]);
  await posted.body?.cancel();
  for (const path of ["/", "/v1/notifications", "/livez"]) {
    const response = await fetch(`http://${served.host}${path}`);
    assert.equal(response.status, 404, path);
    await response.body?.cancel();
  }
  await served.realtime.drain({ perSecond: 1000, withinMs: 1 });
  await allowed.ended();
  using refused = await openStream(served.address());
  assert.equal(JSON.parse((await refused.received("refused"))[0]!.data).code, "draining");
  await refused.ended();
});

Deno.test("requests that are no HTTP, or of which the peer is gone at once, do no harm", async () => {
  await using served = await serveStreams();
  const port = Number(served.host.split(":")[1]);
  for (
    const text of [
      "GET http://[/v1/stream HTTP/1.1\r\nhost: x\r\n\r\n",
      "GET /v1/stream?session=%zz HTTP/1.1\r\nhost: \u00e9 \r\nauthorization: \u00ff\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
      "\0\0\0\r\n\r\n",
      "GET /v1/stream?session=7@1 HTTP/1.1\r\nhost: x\r\n\r\n",
    ]
  ) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode(text));
    connection.close();
  }
  await until("nobody is left", () => served.realtime.socketsOf(SEVEN).length === 0);
  using stream = await openStream(served.address());
  await stream.received("ready");
});

/** Sends bytes to the streams' port as they are, and reads what comes until `isEnough` says so. */
async function exchange(
  host: string,
  request: string,
  isEnough: (answer: string) => boolean = () => false,
): Promise<string> {
  const [hostname, port] = host.split(":");
  using connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * KIB);
  let answer = "";
  while (!isEnough(answer)) {
    const length = await connection.read(buffer).catch(() => null);
    if (length === null) break;
    answer += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return answer;
}

Deno.test("a client of HTTP/1.0 gets a stream that is not chunked", async () => {
  await using served = await serveStreams();
  const request = "GET /v1/stream?session=7@1 HTTP/1.0\r\n\r\n";
  const received = exchange(served.host, request, (answer) => answer.includes("Grüße"));
  await until("it is there", () => served.realtime.socketsOf(SEVEN).length === 1);
  served.publish(SEVEN, "acme:a", [{ text: "Grüße" }]);
  const [head, ...events] = (await received).split("\r\n\r\n");
  assert.match(head!, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(head!, /chunked/i);
  assert.match(events.join(), /^retry: \d+\n[^\r]*\n\n$/);
});

Deno.test("a request behind one for a stream, on the same connection, ends both", async () => {
  await using served = await serveStreams();
  const request = "GET /v1/stream?session=7@1 HTTP/1.1\r\nhost: x\r\n\r\n";
  await exchange(served.host, request + request);
  await until("nobody is left", () => served.realtime.socketsOf(SEVEN).length === 0);
});

Deno.test("a request for another protocol is answered without it", async () => {
  await using served = await serveStreams();
  const request = "GET /v1/stream?session=7@1 HTTP/1.1\r\nhost: x\r\n" +
    "upgrade: h2c\r\nconnection: upgrade\r\n\r\n";
  const received = exchange(served.host, request, (answer) => answer.includes("Grüße"));
  await until("it is there", () => served.realtime.socketsOf(SEVEN).length === 1);
  served.publish(SEVEN, "acme:a", [{ text: "Grüße" }]);
  assert.match(await received, /^HTTP\/1\.1 200 /);
  await until("it is gone", () => served.realtime.socketsOf(SEVEN).length === 0);
  const elsewhere = request.replace("/v1/stream", "/v1/notifications");
  assert.match(await exchange(served.host, elsewhere), /^HTTP\/1\.1 404 /);
});

Deno.test("a peer that sends on after its refusal hears of it and is cut off", async () => {
  const clock = new FakeClock();
  await using served = await serveStreams({}, { clock });
  using peer = await connectRaw(Number(served.host.split(":")[1]));
  await peer.write(
    "POST /socket.io/appsuite/?EIO=4&transport=polling&session=nobody HTTP/1.1\r\n" +
      "host: x\r\ncontent-length: 1000\r\n\r\nxx",
  );
  assert.equal((await peer.answer()).status, 403);
  await peer.write("xx");
  await clock.advance(2_000);
  assert.equal(await peer.read(() => false).catch(() => ""), "");
});

Deno.test("closing waits for requests in progress, and not for those whose peers are gone", async () => {
  await using listener = await listenForStreams({ ...LOCAL, clock: new FakeClock() });
  const [lost, kept, answering] = [1, 2, 3].map(() => Promise.withResolvers<void>());
  listener.open({
    handles: () => true,
    async fetch({ url, signal }) {
      const isLost = pathOf(url) === "/lost";
      (isLost ? lost! : kept!).resolve();
      if (isLost) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      else await answering!.promise;
      return new Response("here");
    },
  });
  const host = `http://127.0.0.1:${listener.address.port}`;
  const leaving = new AbortController();
  const cancelled = fetch(`${host}/lost`, leaving);
  const answered = fetch(`${host}/kept`);
  await Promise.all([lost!.promise, kept!.promise]);
  leaving.abort();
  await assert.rejects(cancelled);
  const closed = listener[Symbol.asyncDispose]();
  answering!.resolve();
  assert.equal(await (await answered).text(), "here");
  await closed;
});

Deno.test("the setting opens the streams' port, and a stop closes it", async () => {
  const port = freePort();
  const service = await startTestService({ properties: { [PORT]: port } });
  await using _ = service;
  const address = `http://127.0.0.1:${port}/v1/stream?session=${await service.mint()}`;
  using stream = await openStream(address);
  await stream.received("ready");
  await service.publish({ topic: "acme:a", data: { n: 1 } });
  await stream.received(undefined);
  assert.deepEqual(stream.heard, [{ n: 1 }]);
  const socket = new WebSocket(address.replace("http", "ws").replace("stream", "socket"));
  const closed = new Promise((resolve) => socket.onclose = resolve);
  await new Promise((resolve) => socket.onmessage = resolve);
  await service.stop();
  await Promise.all([stream.ended(), closed]);
  await assert.rejects(fetch(address), TypeError);
});

Deno.test("a start fails if the streams' port is in use, and names the setting", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: freePort() });
  await assert.rejects(startTestService({ properties: { [PORT]: taken.addr.port } }), {
    code: "invalid_configuration",
    message: new RegExp(`${PORT} sets another port$`),
  });
});
