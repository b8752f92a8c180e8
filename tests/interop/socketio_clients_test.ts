import assert from "node:assert/strict";
import { io } from "socket.io-client";
import io2 from "socket.io-client-2";
import { type Served, serveRealtime } from "../realtime/_servers.ts";

/** What the two generations of the client have in common. */
interface Client {
  readonly id?: string | undefined;
  readonly connected: boolean;
  // deno-lint-ignore no-explicit-any -- the clients' own engine, for its transport's name
  readonly io: any;
  on(event: string, listener: (...args: never[]) => void): unknown;
  once(event: string, listener: (...args: never[]) => void): unknown;
  close(): unknown;
}

interface Options {
  readonly transports?: string[];
  readonly query?: Record<string, string>;
  readonly auth?: Record<string, string>;
  readonly reconnectionDelay?: number;
}

const GENERATIONS: Record<string, (served: Served, options?: Options) => Client> = {
  "socket.io-client 4": (served, options) =>
    io(`http://${served.host}`, { path: "/socket.io/appsuite", forceNew: true, ...options }),
  "socket.io-client 2": (served, options) =>
    io2(
      `http://${served.host}`,
      { path: "/socket.io/appsuite", forceNew: true, ...options } as never,
    ),
};

const SEVEN = { context: "1", user: "7", client: "open-xchange-appsuite" };

function once<T>(client: Client, event: string): Promise<T> {
  return new Promise((resolve) => client.once(event, (value: T) => resolve(value)));
}

/** A closed client leaves timers of its own behind for a while. */
const CLIENT = { sanitizeOps: false };

for (const [name, connect] of Object.entries(GENERATIONS)) {
  for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
    Deno.test(`${name} over ${transports.join(" then ")} receives events`, CLIENT, async () => {
      await using served = serveRealtime();
      const client = connect(served, { transports, query: { session: "7@1", connection: "c" } });
      await once(client, "connect");
      if (transports.length === 2) {
        const { engine } = client.io;
        if (engine.transport.name !== "websocket") {
          await new Promise((resolve) => engine.once("upgrade", resolve));
        }
      }
      assert.equal(client.io.engine.transport.name, transports.at(-1));
      const got = once(client, "ox:mail:new");
      const data = { folder: "default0/INBOX", id: "113", subject: "Grüße 🔔" };
      assert.equal(served.publish(SEVEN, "ox:mail:new", [data]), 1);
      assert.deepEqual(await got, data);
      client.close();
    });
  }

  Deno.test(`${name} receives nothing that it caused itself`, CLIENT, async () => {
    await using served = serveRealtime();
    const transports = ["websocket"];
    const source = connect(served, { transports, query: { session: "7@1", connection: "a" } });
    const other = connect(served, { transports, query: { session: "7@1", connection: "b" } });
    await Promise.all([once(source, "connect"), once(other, "connect")]);
    const seen: string[] = [];
    source.on("x", (value: string) => void seen.push(value));
    const last = once(source, "x");
    const first = once(other, "x");
    assert.equal(served.publish(SEVEN, "x", ["first"], "a"), 1);
    assert.equal(served.publish(SEVEN, "x", ["second"], source.id), 1);
    served.publish(SEVEN, "x", ["last"]);
    assert.equal(await first, "first");
    assert.equal(await last, "last");
    assert.deepEqual(seen, ["last"]);
    source.close();
    other.close();
  });

  Deno.test(`${name} reconnects by itself when its node drains`, CLIENT, async () => {
    let node = serveRealtime();
    const client = connect(node, {
      transports: ["websocket"],
      query: { session: "7@1", connection: "a" },
      reconnectionDelay: 20,
    });
    await once(client, "connect");
    const port = Number(node.host.split(":")[1]);
    const disconnected = once(client, "disconnect");
    await node.realtime.drain({ perSecond: 1000, withinMs: 5000 });
    assert.equal(await disconnected, "transport close");
    await node[Symbol.asyncDispose]();
    const reconnected = once(client, "connect");
    node = serveRealtime({}, {}, port);
    await reconnected;
    client.close();
    await node[Symbol.asyncDispose]();
  });

  Deno.test(
    `${name} receives session:invalid when its session is revoked, and stays away`,
    CLIENT,
    async () => {
      await using served = serveRealtime();
      const client = connect(served, { transports: ["websocket"], query: { session: "7@1" } });
      await once(client, "connect");
      const delivered = once(client, "session:invalid");
      const disconnected = once(client, "disconnect");
      assert.equal(served.realtime.closeSession("7@1"), 1);
      await delivered;
      assert.equal(await disconnected, "io server disconnect");
      client.close();
    },
  );
}

Deno.test("socket.io-client 4 may send its session as auth", CLIENT, async () => {
  await using served = serveRealtime();
  const connect = GENERATIONS["socket.io-client 4"]!;
  const client = connect(served, { transports: ["websocket"], auth: { token: "7@1" } });
  await once(client, "connect");
  assert.deepEqual(served.clientsOf("1", "7"), ["open-xchange-appsuite"]);
  client.close();
});

Deno.test("socket.io-client 4 learns why its session was refused", CLIENT, async () => {
  await using served = serveRealtime();
  const connect = GENERATIONS["socket.io-client 4"]!;
  const client = connect(served, { transports: ["websocket"], auth: { token: "nobody" } });
  const error = await once<Error & { data: unknown }>(client, "connect_error");
  assert.equal(error.message, "Unknown session");
  assert.deepEqual(error.data, { code: "unauthenticated", message: "Unknown session" });
  client.close();
});
