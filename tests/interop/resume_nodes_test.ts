/**
 * Stock clients that leave one of two nodes and reconnect at the other, with Redis between them.
 */

import assert from "node:assert/strict";
import type { EventHub, LocalSockets } from "../../core/events.ts";
import type { SocketConnection } from "../../realtime/_socket_connections.ts";
import { openHub, Register } from "../redis/_hubs.ts";
import { type ServedRealtime, serveRealtime } from "../realtime/_servers.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { chop } from "./_chopping_proxy.ts";
import { EXACT, KINDS, listen, nameOf } from "./_listeners.ts";

const redis = sharedRedis();
const SEVEN = { context: "1", user: "7" };
const SETTINGS = { windowMs: 60_000, maxEventsPerUser: 500 };

interface Node extends AsyncDisposable {
  readonly served: ServedRealtime;
  readonly hub: EventHub;
  publish(n: number): Promise<void>;
  kill(): Promise<void>;
}

/** A node with a realtime server on its hub. */
async function openNode(register: Register): Promise<Node> {
  // Hub and server each need the other one first.
  const here: { sockets?: LocalSockets } = {};
  const local: LocalSockets = {
    deliver: (event) => here.sockets?.deliver(event),
    sockets: () => here.sockets?.sockets() ?? [],
    socketsOf: (user) => here.sockets?.socketsOf(user) ?? [],
    recover: (user) => here.sockets?.recover(user),
  };
  const node = await openHub(redis().url, { register, local, settings: SETTINGS });
  const served = serveRealtime({ streamRetry: 20 }, { hub: withoutStart(node.hub) });
  here.sockets = served.realtime;
  return {
    ...{ served, hub: node.hub },
    async publish(n) {
      await node.hub.publish([{
        ...{ ...SEVEN, id: `${n}`, clients: ["open-xchange-appsuite"], args: `"x",${n}` },
      }], { isRepeat: false });
    },
    async kill() {
      await node.kill();
      await served[Symbol.asyncDispose]();
    },
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await node[Symbol.asyncDispose]();
    },
  };
}

/** A hub that is started already. */
function withoutStart(hub: EventHub): EventHub {
  return {
    start: () => Promise.resolve(),
    presence: (users) => hub.presence(users),
    publish: (events, options) => hub.publish(events, options),
    join: (socket) => hub.join(socket),
    leave: (socket, acknowledged) => hub.leave(socket, acknowledged),
    readMissed: (user, after) => hub.readMissed(user, after),
    stop: () => hub.stop(),
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, n) => n + 1);
}

for (const kind of KINDS) {
  const isExact = EXACT.includes(kind);
  const test = (name: string, body: () => Promise<void>) =>
    redisTest(`${nameOf(kind)}: ${name}`, async () => {
      await redis().flush();
      await body();
    });

  test("it misses nothing between two nodes, whichever node publishes", async () => {
    const register = new Register();
    await using first = await openNode(register);
    await using second = await openNode(register);
    await using proxy = chop(first.served.host);
    using client = listen(kind, proxy.host, { query: { connection: "c" } });
    await until("it is connected", () => client.connections.length > 0);
    for (const n of upTo(200)) {
      await (n % 2 === 0 ? first : second).publish(n);
      if (n % 50 === 10) proxy.swallow();
      if (n % 50 === 25) {
        proxy.target = (n % 100 === 25 ? second : first).served.host;
        proxy.chop();
      }
      if (n % 50 === 40) client.drop();
    }
    await until("all have arrived", () => new Set(client.heard).size >= 200);
    if (isExact) {
      assert.deepEqual(client.heard, upTo(200));
      assert.ok(client.connections.slice(1).every((recovered) => recovered));
    }
    assert.deepEqual([...new Set(client.heard)].sort((a, b) => a - b), upTo(200));
    assert.deepEqual(client.resyncs, []);
  });

  test("it resumes at another node when its node is killed", async () => {
    const register = new Register();
    const first = await openNode(register);
    await using second = await openNode(register);
    await using proxy = chop(first.served.host);
    using client = listen(kind, proxy.host, { query: { connection: "c" } });
    await until("it is connected", () => client.connections.length > 0);
    await first.publish(1);
    await until("it has heard", () => client.heard.length > 0);
    proxy.swallow();
    await second.publish(2);
    await until("both are delivered", () => first.served.realtime.stats().delivered === 2);
    proxy.target = undefined;
    await first.kill();
    proxy.chop();
    await second.publish(3);
    proxy.target = second.served.host;
    await until("it has got all", () => client.heard.includes(3));
    const heard = isExact ? client.heard : [...new Set(client.heard)];
    assert.deepEqual(heard, [1, 2, 3]);
    assert.deepEqual(client.resyncs, []);
    if (isExact) assert.deepEqual(client.connections, [false, true]);
  });

  test("it reconnects at another node before the first has noticed", async () => {
    const register = new Register();
    await using first = await openNode(register);
    await using second = await openNode(register);
    await using proxy = chop(first.served.host);
    using client = listen(kind, proxy.host, { query: { connection: "c" } });
    await until("it is connected", () => client.connections.length > 0);
    const [former] = first.served.realtime.socketsOf(SEVEN);
    await first.publish(1);
    await until("it has heard", () => client.heard.length > 0);
    // The first node's socket stays open, like one whose client vanished without a word.
    proxy.target = second.served.host;
    proxy.keep();
    await second.publish(2);
    client.drop();
    await until("it is back", () => second.served.realtime.socketsOf(SEVEN).length > 0);
    await second.publish(3);
    (former as SocketConnection).port.drop();
    await until("the first has noticed", () => first.served.realtime.socketsOf(SEVEN).length === 0);
    await first.publish(4);
    await until("it has got all", () => client.heard.includes(4));
    assert.deepEqual([...new Set(client.heard)], upTo(4));
    if (isExact) assert.deepEqual(client.heard, upTo(4));
    assert.deepEqual(client.resyncs, []);
  });
}
