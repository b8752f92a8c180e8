/** Several services on one Redis, as publishers and users see them. */

import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { assertProblem } from "../support/api.ts";
import { listen } from "../support/listener.ts";
import { redisTest, sharedRedis, startRedis } from "../support/redis_server.ts";
import {
  startTestService,
  type TestService,
  type TestServiceOptions,
} from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { keptRecord, openReturning } from "./_returning.ts";

const redis = sharedRedis();
const ENABLED = "com.openexchange.pns.transport.websocket.enabled";

/** Nodes on an empty Redis. */
async function startNodes(count: number, options: TestServiceOptions = {}) {
  await redis().flush();
  const opened = new AsyncDisposableStack();
  const nodes: TestService[] = [];
  for (let n = 0; n < count; n++) {
    nodes.push(opened.use(await startTestService({ ...options, store: redis().url })));
  }
  return Object.assign(nodes, {
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  });
}

redisTest("what is published at one node rings at the sockets of all", async () => {
  await using nodes = await startNodes(3);
  const [a, b, c] = nodes as unknown as [TestService, TestService, TestService];
  const session = await a.mint();
  using first = await listen(b.host, { session });
  using second = await listen(c.host, { session });
  using stranger = await listen(c.host, { session: await a.mint("4") });
  const id = await a.publish({ data: { n: 1 } });
  assert.deepEqual(await first.received(1), [["ox:mail:new", { n: 1 }]]);
  assert.deepEqual(await second.received(1), [["ox:mail:new", { n: 1 }]]);
  assert.equal((await c.settled(id)).state, "delivered");
  assert.deepEqual(stranger.events, []);
});

redisTest(
  "the connection that caused it is delivered nothing, whatever node it is on",
  async () => {
    await using nodes = await startNodes(2);
    const [a, b] = nodes as unknown as [TestService, TestService];
    const session = await a.mint();
    using cause = await listen(b.host, { session, connection: "cause" });
    const alone = await a.publish({ sourceToken: "cause", data: { n: 1 } });
    assert.deepEqual((await a.settled(alone)).targets.map(({ state }) => state), ["source"]);
    using other = await listen(a.host, { session, connection: "other" });
    await b.publish({ sourceToken: "cause", data: { n: 2 } });
    await other.received(1);
    await a.publish({ data: { n: 3 } });
    assert.deepEqual(await cause.received(1), [["ox:mail:new", { n: 3 }]]);
  },
);

redisTest("similar ones that two nodes accept become one", async () => {
  await using nodes = await startNodes(2, {
    properties: { "com.openexchange.pns.delayDuration": 300 },
  });
  const [a, b] = nodes as unknown as [TestService, TestService];
  using listener = await listen(a.host, { session: await a.mint() });
  const older = await a.publish({ data: { folder: "f", id: "1", unread: 1 } });
  const newer = await b.publish({ data: { folder: "f", id: "1", unread: 2 } });
  assert.equal((await b.settled(newer)).state, "delivered");
  const record = await a.settled(older);
  assert.deepEqual([record.state, record.reason, record.mergedInto], [
    "suppressed",
    "merged",
    newer,
  ]);
  assert.deepEqual(listener.events, [["ox:mail:new", { folder: "f", id: "1", unread: 2 }]]);
});

redisTest("what is changed at one node counts at the others", async () => {
  await using nodes = await startNodes(2);
  const [a, b] = nodes as unknown as [TestService, TestService];
  const { id: session, token } = await a.mintSession();
  using listener = await listen(b.host, { session: token });
  await b.publish();
  await listener.received(1);
  const path = "/v1/contexts/1/users/3/config";
  const off = { attributes: { [ENABLED]: false } };
  assert.equal((await a.call("PUT", path, { body: off })).status, 200);
  await until("sockets are off for the user at both", async () => {
    const there = await b.settled(await b.publish());
    return there.state === "suppressed" &&
      (await a.settled(await a.publish())).state === there.state;
  });
  const key = await a.mintKey("publish");
  await until(
    "the new key is known at the other node",
    async () => (await b.call("GET", "/v1/subscriptions", { key })).status !== 401,
  );
  assert.equal((await a.call("DELETE", `/v1/sessions/${session}`)).status, 204);
  await listener.closed;
  assert.deepEqual(listener.events.at(-1), ["session:invalid"]);
});

redisTest("what was kept for a client is delivered once it has come back to any node", async () => {
  await using nodes = await startNodes(2);
  const [a, b] = nodes as unknown as [TestService, TestService];
  await using client = await openReturning(a, { session: await a.mint() });
  client.drop();
  const { id, n } = await keptRecord(a);
  await client.comeBack(b);
  for (const node of [a, b]) {
    const { targets } = await until("the ledger says that it was delivered", async () => {
      const record = await node.settled(id);
      return record.state === "delivered" && record;
    });
    assert.deepEqual(targets.map(({ state }) => state), ["sent"]);
  }
  assert.ok(client.heard.includes(n));
});

redisTest("a node that leaves is not ready at once, and nobody loses anything by it", async () => {
  await using nodes = await startNodes(2, {
    properties: { "io.carillon.drain.notice": 1_000, "io.carillon.drain.within": 500 },
  });
  const [a, b] = nodes as unknown as [TestService, TestService];
  const session = await a.mint();
  // A balancer in the client's place: after the drop it is let in elsewhere.
  const got: unknown[] = [];
  let recovered = false;
  const client = io(a.address, {
    ...{ path: "/socket.io/appsuite", forceNew: true, transports: ["websocket"] },
    ...{ query: { session }, reconnectionDelay: 20, reconnectionDelayMax: 50 },
  });
  client.on("ox:mail:new", (data) => got.push(data.n));
  client.io.on("reconnect_attempt", () => void Object.assign(client.io, { uri: b.address }));
  client.on("connect", () => recovered = client.recovered);
  await until("the client is connected", () => client.connected);

  const statuses = new Set<number>();
  let published = 0;
  let isOver = false;
  const publisher = (async () => {
    for (let n = 0; !isOver; n++) {
      const isReady = (await a.call("GET", "/readyz").catch(() => undefined))?.status === 200;
      const node = n % 2 === 0 && isReady ? a : b;
      const body = { context: "1", user: "3", topic: "ox:mail:new", data: { n } };
      const { status } = await node.call("POST", "/v1/notifications", { body });
      statuses.add(status);
      published = n + 1;
    }
  })();
  await until("the client has got something", () => got.length > 5);
  assert.equal((await a.call("POST", "/v1/admin/drain")).status, 202);
  assert.equal((await a.call("GET", "/readyz")).status, 503);
  await a.left;
  await until("the client is at the other node", () => client.connected && recovered);
  isOver = true;
  await publisher;
  await until("everything has come", () => got.length >= published);
  client.close();
  assert.deepEqual(statuses, new Set([202]));
  assert.deepEqual(got, Array.from({ length: published }, (_, n) => n));
});

redisTest(
  "with Redis away publishes wait, sockets stay, and afterwards it all goes on",
  async () => {
    await using server = await startRedis({ appendonly: true });
    await using node = await startTestService({ store: server.url });
    using listener = await listen(node.host, { session: await node.mint() });
    const before = await node.publish({ data: { n: 1 } });
    await node.settled(before);
    await server.kill();
    const refused = await node.call("POST", "/v1/notifications", {
      body: { context: "1", user: "3", topic: "ox:mail:new", data: { n: 2 } },
    });
    assertProblem(refused, "503 store_unavailable");
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);
    assert.equal((await node.call("GET", "/readyz")).status, 503);
    assert.equal(listener.isOpen, true);
    await server.restart();
    await until(
      "the node is ready again",
      async () => (await node.call("GET", "/readyz")).status === 200,
    );
    const after = await node.publish({ data: { n: 3 } });
    assert.equal((await node.settled(after)).state, "delivered");
    await until("the event has come", () => listener.events.length >= 2);
    assert.deepEqual(listener.events.map(([, data]) => (data as { n: number }).n), [1, 3]);
  },
);

redisTest("a Redis that evicts is reported at the start and by /readyz", async () => {
  await using server = await startRedis({ maxmemoryPolicy: "allkeys-lru" });
  await using node = await startTestService({ store: server.url });
  assert.ok(node.log.some((line) => /maxmemory-policy/.test(line)));
  const { status, body } = await node.call("GET", "/readyz");
  assert.equal(status, 200, "every node would have the same fault");
  assert.equal(body.checks.redis.ok, false);
  assert.match(JSON.stringify(body.checks.redis.detail), /noeviction/);
});
