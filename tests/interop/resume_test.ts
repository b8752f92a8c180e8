/** Stock clients that lose their connection and reconnect by themselves. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { hubOver } from "../events/_hubs.ts";
import { openKvStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { mortalClock } from "../support/mortal_clock.ts";
import { until } from "../support/until.ts";
import { type ServedRealtime, serveRealtime } from "../realtime/_servers.ts";
import { chop } from "./_chopping_proxy.ts";
import { EXACT, type Kind, KINDS, listen, nameOf } from "./_listeners.ts";

/** Time without data after which a client or a server gives up. */
const PINGS = { pingInterval: 500, pingTimeout: 1000, streamRetry: 20 };
const SOON = { streamRetry: 20 };
const SEVEN = { context: "1", user: "7" };
/** A closed client leaves timers of its own behind for a while. */
const CLIENT = { sanitizeOps: false };

function isOpen(served: ServedRealtime): boolean {
  return served.realtime.socketsOf(SEVEN).length > 0;
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, n) => n + 1);
}

async function publishAll(
  served: ServedRealtime,
  count: number,
  between: (n: number) => void | Promise<void>,
): Promise<void> {
  for (const n of upTo(count)) {
    served.publish(SEVEN, "x", [n]);
    await between(n);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const WAYS: readonly (readonly [name: string, kind: Kind, transports: readonly string[]])[] = [
  ["socket.io-client 4 over websocket", 4, ["websocket"]],
  ["socket.io-client 4 over polling", 4, ["polling"]],
  ["socket.io-client 4 over polling then websocket", 4, ["polling", "websocket"]],
  ...EXACT.filter((kind) => kind !== 4).map((kind) => [nameOf(kind), kind, []] as const),
];

for (const [name, kind, transports] of WAYS) {
  Deno.test(
    `${name} gets every event once, however it drops`,
    CLIENT,
    async () => {
      await using served = serveRealtime(PINGS);
      await using proxy = chop(served.host);
      using client = listen(kind, proxy.host, { transports });
      await until("it is connected", () => client.connections.length > 0);
      await publishAll(served, 300, async (n) => {
        if (n % 100 === 30) proxy.swallow();
        if (n % 100 === 50) proxy.chop();
        if (n % 100 === 80) client.drop();
        // However slow the machine is, it reconnects once in each hundred events.
        if (n % 100 === 0) {
          await until("it is back", () => client.connections.length > n / 100);
        }
      });
      await until("all have arrived", () => client.heard.length >= 300);
      assert.deepEqual(client.heard, upTo(300));
      const [first, ...later] = client.connections;
      assert.ok(!first);
      assert.ok(later.length >= 3 && later.every((recovered) => recovered));
      assert.deepEqual(client.resyncs, []);
    },
  );
}

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  const by = transports.join(" then ");

  Deno.test(`socket.io-client 2 over ${by} loses nothing, however it drops`, CLIENT, async () => {
    await using served = serveRealtime(PINGS);
    await using proxy = chop(served.host);
    using client = listen(2, proxy.host, { transports, query: { connection: "c" } });
    await until("it is connected", () => client.connections.length > 0);
    await publishAll(served, 300, (n) => {
      if (n % 100 === 30) proxy.swallow();
      if (n % 100 === 50) proxy.chop();
      if (n % 100 === 80) client.drop();
    });
    await until("all have arrived", () => new Set(client.heard).size >= 300);
    assert.deepEqual([...new Set(client.heard)].sort((a, b) => a - b), upTo(300));
    assert.deepEqual(client.resyncs, []);
  });
}

for (const kind of EXACT) {
  Deno.test(
    `${nameOf(kind)} that was not delivered anything yet recovers too`,
    CLIENT,
    async () => {
      await using served = serveRealtime(SOON);
      using client = listen(kind, served.host);
      await until("it is connected", () => client.connections.length > 0);
      client.drop();
      await until("it is gone", () => !isOpen(served));
      served.publish(SEVEN, "x", [1]);
      await until("it has got it", () => client.heard.length > 0);
      assert.deepEqual(client.connections, [false, true]);
    },
  );

  Deno.test(
    `${nameOf(kind)} that comes back too late is not recovered but delivered to resync`,
    CLIENT,
    async () => {
      const clock = new FakeClock();
      await using served = serveRealtime(SOON, { clock });
      await using proxy = chop(served.host);
      using client = listen(kind, proxy.host);
      await until("it is connected", () => client.connections.length > 0);
      served.publish(SEVEN, "x", [1]);
      await until("it has heard", () => client.heard.length > 0);
      const { target } = proxy;
      proxy.target = undefined;
      proxy.chop();
      await until("it is gone", () => !isOpen(served));
      await clock.advance(130_000);
      proxy.target = target;
      await until("it is told", () => client.resyncs.length > 0);
      served.publish(SEVEN, "x", [2]);
      await until("it has heard", () => client.heard.length > 1);
      assert.deepEqual(client.connections, [false, false]);
      assert.deepEqual(client.resyncs.map((args) => args.length), [1]);
      client.drop();
      await until("it is back", () => client.connections.length > 2);
      assert.ok(client.connections[2], "from then on it recovers as before");
    },
  );
}

for (const kind of KINDS) {
  const isExact = EXACT.includes(kind);
  Deno.test(
    `${nameOf(kind)} is delivered to resync where too much has come`,
    CLIENT,
    async () => {
      await using served = serveRealtime(SOON);
      using client = listen(kind, served.host, { query: { connection: "c" } });
      await until("it is connected", () => client.connections.length > 0);
      client.drop();
      await until("it is gone", () => !isOpen(served));
      for (const n of upTo(510)) served.publish(SEVEN, "x", [n]);
      await until("it has got what is left", () => client.heard.length >= 500);
      assert.deepEqual(client.heard, upTo(510).slice(10));
      assert.equal(client.resyncs.length, 1);
      assert.equal(client.resyncs[0]!.length, isExact ? 1 : 0);
      if (isExact) assert.deepEqual(client.connections, [false, false]);
      served.publish(SEVEN, "x", [511]);
      await until("events arrive as before", () => client.heard.at(-1) === 511);
    },
  );

  for (const ending of ["a stop", "a crash"] as const) {
    Deno.test(
      `${nameOf(kind)} misses nothing over ${ending} of an embedded node`,
      CLIENT,
      async () => {
        const folder = await Deno.makeTempDir({ prefix: "carillon_" });
        const options = { clock: systemClock, random: Math.random };
        const limits = { windowMs: 120_000, maxEventsPerUser: 500, maxBytes: 1e6 };
        try {
          let store = await openKvStore(`${folder}/data.kv`, options);
          let isAlive = true;
          const mortal = mortalClock(systemClock);
          const firstHub = hubOver(store, { clock: mortal, alive: () => isAlive, limits });
          const first = serveRealtime(SOON, { hub: firstHub });
          await using proxy = chop(first.host);
          using client = listen(kind, proxy.host, { query: { connection: "c" } });
          await until("it is connected", () => client.connections.length > 0);
          first.publish(SEVEN, "x", [1]);
          await until("it has heard", () => client.heard.length > 0);
          proxy.swallow();
          first.publish(SEVEN, "x", [2]);
          await until("both are delivered", () => first.realtime.stats().delivered === 2);
          if (ending === "a crash") {
            isAlive = false;
            mortal.kill();
          }
          proxy.target = undefined;
          proxy.chop();
          await first[Symbol.asyncDispose]();
          if (ending === "a stop") await firstHub[Symbol.asyncDispose]();
          await store[Symbol.asyncDispose]();

          store = await openKvStore(`${folder}/data.kv`, options);
          await using hub = hubOver(store, { clock: systemClock, limits });
          await using second = serveRealtime(SOON, { hub });
          await until("it is waited for", async () => {
            const [present] = await hub.presence([SEVEN]);
            return present!.length === 1;
          });
          second.publish(SEVEN, "x", [3]);
          proxy.target = second.host;
          await until("it has got all", () => client.heard.includes(3));
          const heard = isExact ? client.heard : [...new Set(client.heard)];
          assert.deepEqual(heard, [1, 2, 3]);
          assert.deepEqual(client.resyncs, []);
          if (isExact) assert.deepEqual(client.connections, [false, true]);
          await store[Symbol.asyncDispose]();
        } finally {
          await Deno.remove(folder, { recursive: true });
        }
      },
    );
  }
}
