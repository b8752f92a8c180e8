/** `/v1/socket`: what a client on a plain WebSocket gets, and what it is refused. */

import assert from "node:assert/strict";
import { type Peer, serveRealtime } from "./_servers.ts";

const SEVEN = { context: "1", user: "7" };

async function next(peer: Peer) {
  return JSON.parse(await peer.text());
}

Deno.test("a plain WebSocket begins with 'ready' and then has an event in each message", async () => {
  await using served = serveRealtime();
  const peer = served.peer("/v1/socket?session=7@1&connection=tab");
  const { offset: start, ...ready } = await next(peer);
  assert.deepEqual(ready, {
    ...{ type: "ready", connection: "tab", pingInterval: 25_000, recovered: false },
  });
  served.publish(SEVEN, 'acme:"a\\"', [{ n: 1 }]);
  const { offset, ...event } = await next(peer);
  assert.deepEqual(event, { type: "event", topic: 'acme:"a\\"', data: { n: 1 } });
  assert.ok(offset > start);
});

Deno.test("a plain WebSocket with an offset gets what came after it", async () => {
  await using served = serveRealtime();
  const first = served.peer("/v1/socket?session=7@1");
  await next(first);
  for (const n of [1, 2, 3]) served.publish(SEVEN, "acme:a", [n]);
  const { offset } = await next(first);
  const second = served.peer(`/v1/socket?session=7@1&offset=${offset}`);
  assert.equal((await next(second)).recovered, true);
  assert.deepEqual([(await next(second)).data, (await next(second)).data], [2, 3]);
});

Deno.test("a plain WebSocket hears that its session is over and is closed", async () => {
  await using served = serveRealtime();
  const peer = served.peer("/v1/socket?session=7@1");
  await next(peer);
  served.realtime.closeSession("7@1");
  assert.equal((await next(peer)).type, "session:invalid");
  await peer.closed;
});

Deno.test("a plain WebSocket is answered when it asks whether the service is there", async () => {
  await using served = serveRealtime();
  const peer = served.peer("/v1/socket?session=7@1");
  await next(peer);
  peer.send("anything else is ignored");
  peer.send('{"type":"ping"}');
  assert.deepEqual(await next(peer), { type: "pong" });
});

Deno.test("a plain WebSocket that sends too much is closed with 1009", async () => {
  await using served = serveRealtime({ maxMessageBytes: 100 });
  const peer = served.peer("/v1/socket?session=7@1");
  await next(peer);
  peer.send("x".repeat(101));
  assert.equal((await peer.closed).code, 1009);
});

Deno.test("a plain WebSocket beyond a user's limit is told why and closed with 1008", async () => {
  await using served = serveRealtime({ maxSocketsPerUser: 1 });
  await next(served.peer("/v1/socket?session=7@1"));
  const second = served.peer("/v1/socket?session=7@1");
  const { type, code } = await next(second);
  assert.deepEqual([type, code], ["refused", "too_many_requests"]);
  assert.equal((await second.closed).code, 1008);
});

Deno.test("a plain WebSocket needs a session, a known origin and a handshake", async () => {
  await using served = serveRealtime();
  const answers = await Promise.all([
    served.http("/v1/socket"),
    served.http("/v1/socket?session=7@1"),
    served.http("/v1/socket?session=7@1", { headers: { origin: "https://evil.example" } }),
  ]);
  assert.deepEqual(answers.map(({ status }) => status), [401, 400, 403]);
  await Promise.all(answers.map(({ body }) => body?.cancel()));
});

Deno.test("closing the server closes plain WebSockets", async () => {
  await using served = serveRealtime();
  const peer = served.peer("/v1/socket?session=7@1");
  await next(peer);
  await served.realtime.close();
  await peer.closed;
});
