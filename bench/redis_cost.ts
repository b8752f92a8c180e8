// deno-lint-ignore-file no-console -- a benchmark answers on the terminal
/**
 * Measures what Carillon costs Redis: bytes per open socket, logged event, waiting notification and
 * ledger record, and CPU of Redis and of the node per notification, handshake and idle socket, from
 * one node on a Redis of its own. `docs/scaling.md` uses the results. Bytes are those of all keys
 * of a kind (`MEMORY USAGE` of every key) and, as a check, the growth of the server's memory.
 * Options: `--sockets`, `--notifications`, `--idle <seconds>`.
 */

import { parseArgs } from "node:util";
import { createClient } from "redis";
import { startRedis } from "../tests/support/redis_server.ts";
import { type CarillonProcess, startCarillon } from "./support/carillon_process.ts";
import { cpuSeconds } from "./support/proc.ts";
import { REDIS_KEEPS } from "./support/sites.ts";
import { spawnSwarm } from "./support/swarm_process.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    sockets: { type: "string", default: "5000" },
    notifications: { type: "string", default: "50000" },
    idle: { type: "string", default: "65" },
  },
});
const SOCKETS = Number(values.sockets);
const NOTIFICATIONS = Number(values.notifications);
const IDLE_SECONDS = Number(values.idle);
const SERVER = "the whole server";
/** Notifications that are published before anything is measured. */
const WARM_UP = 500;
const MAIL = {
  ...{ folder: "default0/INBOX", email: "jane.doe@foobar.com", displayname: "Jane Doe" },
  ...{ subject: "Let's meet", unread: 83, teaser: "Hello" },
};

await using redis = await startRedis({ appendonly: true, config: REDIS_KEEPS });
const pid = Number(/process_id:(\d+)/.exec(await redis.cli("info", "server"))![1]);
const client = createClient({ url: redis.url });
await client.connect();
const properties = [
  "io.carillon.websocket.handshakesPerSecond=1000000",
  "io.carillon.buffer.maxNotifications=10000000",
  "io.carillon.buffer.maxBytes=10000000000",
];

console.log(`A notification's data has ${JSON.stringify(MAIL).length} bytes of JSON\n`);
await whileWaiting();
await whenDelivered();
client.destroy();
await redis[Symbol.asyncDispose]();
Deno.exit(0);

/** With a delay of one hour, so that nothing becomes due. */
async function whileWaiting(): Promise<void> {
  await using carillon = await startCarillon(
    [
      ...properties,
      "com.openexchange.pns.delayDuration=3600000",
      "com.openexchange.pns.maxDelayDuration=3600000",
    ],
    { store: redis.url },
  );
  const before = await bytesByKind();
  await publish(carillon, { prefix: "w", users: NOTIFICATIONS });
  report("waiting notification", await bytesByKind(), before, NOTIFICATIONS);
  await redis.flush();
}

/** Without a delay: first for users without sockets, then for users with one socket each. */
async function whenDelivered(): Promise<void> {
  await using carillon = await startCarillon(
    [...properties, "com.openexchange.pns.delayDuration=0"],
    { store: redis.url },
  );
  await publish(carillon, { prefix: "x", users: WARM_UP, total: WARM_UP });

  let before = await bytesByKind();
  await withCpu("notification in batches, no socket", carillon.pid, async () => {
    await publish(carillon, { prefix: "n", users: NOTIFICATIONS });
    await settled(carillon, NOTIFICATIONS + WARM_UP);
  });
  report("settled notification", await bytesByKind(), before, NOTIFICATIONS);
  const alone = { users: NOTIFICATIONS, batch: 1, publishers: 64 };
  await withCpu("notification in a request of its own, no socket", carillon.pid, async () => {
    await publish(carillon, { prefix: "o", ...alone });
    await settled(carillon, 2 * NOTIFICATIONS + WARM_UP);
  });
  before = await bytesByKind();
  await withCpu("the same, with an Idempotency-Key", carillon.pid, async () => {
    await publish(carillon, { prefix: "k", ...alone, keyed: true });
    await settled(carillon, 3 * NOTIFICATIONS + WARM_UP);
  });
  report("settled notification with a key", await bytesByKind(), before, NOTIFICATIONS);

  before = await bytesByKind();
  const targets = await Promise.all(
    Array.from({ length: SOCKETS }, async (_, n) => {
      return `/socket.io/appsuite/?session=${await carillon.session(`s${n}`)}&connection=c${n}`;
    }),
  );
  const idle = () => new Promise<void>((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
  await withCpu("idle node and second", carillon.pid, idle, IDLE_SECONDS);
  const open = { hostname: "127.0.0.1", port: carillon.port, revision: 4, targets } as const;
  await using swarm = await withCpu("handshake", carillon.pid, () => spawnSwarm(open), SOCKETS);
  report("open socket", await bytesByKind(), before, SOCKETS);
  const what = `idle node with ${SOCKETS} sockets and second`;
  await withCpu(what, carillon.pid, idle, IDLE_SECONDS);

  before = await bytesByKind();
  await withCpu("notification in batches, one socket", carillon.pid, async () => {
    const arrived = swarm.received(NOTIFICATIONS);
    await publish(carillon, { prefix: "s", users: SOCKETS });
    await arrived;
    await settled(carillon, 4 * NOTIFICATIONS + WARM_UP);
  });
  report("delivered notification, logged and settled", await bytesByKind(), before, NOTIFICATIONS);
}

interface PublishOptions {
  readonly prefix: string;
  /** Users that take turns. */
  readonly users: number;
  /** Notifications in one request. */
  readonly batch?: number;
  readonly publishers?: number;
  readonly total?: number;
  /** Whether each has an `Idempotency-Key`. */
  readonly keyed?: boolean;
}

async function publish(
  { publish }: CarillonProcess,
  { prefix, users, batch = 500, publishers = 4, total = NOTIFICATIONS, keyed }: PublishOptions,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: publishers }, async () => {
    while (next < total) {
      const idempotencyKey = `${prefix}${next}`;
      const all = Array.from({ length: Math.min(batch, total - next) }, () => {
        const n = next++;
        const data = { ...MAIL, id: String(n) };
        return { context: "1", user: `${prefix}${n % users}`, topic: "ox:mail:new", data };
      });
      await publish(all, keyed ? { idempotencyKey } : {});
    }
  }));
}

/** Runs an action and reports the CPU time per unit of work. */
async function withCpu<T>(
  what: string,
  node: number,
  work: () => Promise<T>,
  count = NOTIFICATIONS,
): Promise<T> {
  const before = await Promise.all([pid, node].map(cpuSeconds));
  const result = await work();
  const after = await Promise.all([pid, node].map(cpuSeconds));
  const [redisCpu, nodeCpu] = after.map((seconds, at) =>
    `${((seconds - before[at]!) / count * 1e6).toFixed(1)} µs`
  );
  console.log(`${`CPU per ${what}`.padEnd(56)}Redis ${redisCpu}, node ${nodeCpu}`);
  return result;
}

/** Waits until a number of notifications have been settled since the start of the node. */
async function settled(
  { port, adminKey }: { readonly port: number; readonly adminKey: string },
  count: number,
): Promise<void> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
      headers: { authorization: `Bearer ${adminKey}` },
    });
    const found = (await response.text())
      .matchAll(/^carillon_notifications_settled_total\{[^}]*\} (\d+)/gm);
    if ([...found].reduce((sum, [, number]) => sum + Number(number), 0) >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Returns the bytes of all keys by the third part of their names: `carillon:{tag}:kind:…`. */
async function bytesByKind(): Promise<ReadonlyMap<string, number>> {
  const used = /used_memory:(\d+)/.exec(await client.info("memory"))![1];
  const bytes = new Map([[SERVER, Number(used)]]);
  for await (const keys of client.scanIterator({ COUNT: 1000 })) {
    const sizes = await Promise.all(keys.map((key) => client.memoryUsage(key, { SAMPLES: 0 })));
    for (const [index, key] of keys.entries()) {
      const part = key.split(":")[2]!;
      const kind = key.includes(":{records}:") ? "records" : part === "r" ? "keys" : part;
      bytes.set(kind, (bytes.get(kind) ?? 0) + (sizes[index] ?? 0));
    }
  }
  return bytes;
}

function report(
  what: string,
  after: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
  count: number,
): void {
  const grown = [...after].map(([kind, bytes]) => [kind, bytes - (before.get(kind) ?? 0)] as const)
    .filter(([, bytes]) => bytes > count / 10);
  const total = grown.filter(([kind]) => kind !== SERVER)
    .reduce((sum, [, bytes]) => sum + bytes, 0);
  const parts = grown.map(([kind, bytes]) => `${kind} ${Math.round(bytes / count)}`).join(", ");
  console.log(`${`bytes per ${what}`.padEnd(56)}${Math.round(total / count)} (${parts})`);
}
