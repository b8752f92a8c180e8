/**
 * Kills one embedded service again and again during publishes, with stock clients of both
 * generations that reconnect by themselves. Counts what each client received, and how often. All
 * users are alike, so that every notification is one event of one user.
 */

import { seeded } from "../tests/support/seeded.ts";
import { type ServiceProcess, startProcess } from "../tests/support/start_process.ts";
import { until } from "../tests/support/until.ts";
import { Client } from "./client.ts";
import { type KillReport, reportOf } from "./kill_report.ts";
import { TOPICS } from "./publisher.ts";

interface KillOptions {
  readonly seed: number;
  readonly kills: number;
  /** Notifications that are accepted in total. */
  readonly publishes: number;
  readonly users: number;
  /** Events that a user's log keeps. */
  readonly maxEventsPerUser: number;
  /** How long a user's log keeps an event, in milliseconds. */
  readonly windowMs: number;
  /** Called with progress messages. */
  readonly onProgress?: (line: string) => void;
}

const PUBLISHERS = 4;
const BATCH = 25;
const GENERATIONS = [4, 2] as const;
const ACCEPTED_WITHIN_MS = 120_000;
const CONNECTED_WITHIN_MS = 60_000;
/** After the last publish; clients wait up to a second before they reconnect. */
const ARRIVES_WITHIN_MS = 60_000;

/** Runs it on a new data file and reports what the clients observed. */
export async function runKills(options: KillOptions): Promise<KillReport> {
  const { seed, kills, publishes, users, onProgress = () => {} } = options;
  const random = seeded(seed);
  const now = () => performance.now();
  await using service = await startProcess({
    properties: {
      "com.openexchange.pns.delayDuration": 0,
      "io.carillon.resume.maxEventsPerUser": options.maxEventsPerUser,
      "io.carillon.resume.window": options.windowMs,
    },
  });
  const clients = await connectAll(service, { users, now });
  const accepted = new Set<number>();
  const stop = new AbortController();
  const pointOf = (kill: number) =>
    Math.floor((kill - .5 + random() * .5) / (kills + .5) * publishes);
  const points = Array.from({ length: kills }, (_, at) => pointOf(at + 1));
  // Publishers continue up to the next kill while clients reconnect, so that it interrupts them.
  let limit = points[0] ?? Infinity;
  const publishing = publishAll(service, {
    ...{ publishes, users, accepted, signal: stop.signal },
    mayPublish: (n) => n <= limit,
  });
  publishing.catch(() => {}); // awaited below, where no kill has failed before
  try {
    for (const [index, point] of points.entries()) {
      limit = points[index + 1] ?? Infinity;
      const at = point + Math.floor(random() * PUBLISHERS * BATCH);
      await until(`${at} are accepted`, () => accepted.size >= at, ACCEPTED_WITHIN_MS);
      await service.end("SIGKILL");
      await service.start();
      await until("every client is connected", () => areConnected(clients), CONNECTED_WITHIN_MS);
      onProgress(
        `kill ${index + 1} after ${at}: all clients are connected, ${accepted.size} are accepted`,
      );
    }
    await publishing;
  } finally {
    stop.abort();
  }
  onProgress("all publishes are accepted; waiting for their arrival");
  const expected = (user: number) => [...accepted].filter((n) => n % users === user);
  const hasAll = ({ seen, user }: Client) => {
    const has = seen;
    return expected(user).every((n) => has.has(n));
  };
  // The report shows what is missing.
  await until("all has arrived", () => clients.every(hasAll), ARRIVES_WITHIN_MS).catch(() => {});
  return reportOf(clients.map((client) => client.end()), expected);
}

async function connectAll(
  service: ServiceProcess,
  { users, now }: { readonly users: number; readonly now: () => number },
): Promise<readonly Client[]> {
  const clients: Client[] = [];
  for (let user = 0; user < users; user++) {
    const session = await service.mint(user);
    for (const generation of GENERATIONS) {
      clients.push(
        new Client({
          ...{ name: `u${user}g${generation}`, user, generation, session, now },
          ...{ transports: ["websocket"], address: service.host },
        }),
      );
    }
  }
  await until("every client is connected", () => areConnected(clients), CONNECTED_WITHIN_MS);
  return clients;
}

function areConnected(clients: readonly Client[]): boolean {
  return clients.every(({ isConnected }) => isConnected);
}

/**
 * Publishes until everything is accepted: a request that a kill cut off is repeated with its key.
 */
async function publishAll(
  service: ServiceProcess,
  { publishes, users, mayPublish, accepted, signal }: Pick<KillOptions, "publishes" | "users"> & {
    /** Whether the notification of this number may be published yet. */
    readonly mayPublish: (n: number) => boolean;
    readonly accepted: Set<number>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  let next = 0;
  async function publishSome(): Promise<void> {
    while (next < publishes && !signal.aborted) {
      if (!mayPublish(next)) {
        await pause(5);
        continue;
      }
      const first = next;
      const count = Math.min(BATCH, publishes - first);
      next += count;
      const numbers = Array.from({ length: count }, (_, at) => first + at);
      const body = {
        notifications: numbers.map((n) => ({
          ...{ context: "1", user: String(n % users), topic: TOPICS[0], data: { n } },
        })),
      };
      await accept(service, { body, key: `batch-${first}`, signal });
      for (const n of numbers) accepted.add(n);
    }
  }
  await Promise.all(Array.from({ length: PUBLISHERS }, publishSome));
}

async function accept(
  service: ServiceProcess,
  { body, key, signal }: {
    readonly body: unknown;
    readonly key: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  while (!signal.aborted) {
    try {
      const headers = { "idempotency-key": key };
      const { status } = await service.call("POST", "/v1/notifications", { body, headers });
      if (status === 202) return;
    } catch {
      // The service was killed, or has not restarted yet.
    }
    await pause(50);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
