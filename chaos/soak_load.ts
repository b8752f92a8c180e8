/**
 * Load with constant change on one service: stock clients by WebSocket and polling that stay
 * briefly, publishers, peers that stop reading, peers that do not answer, and subscriptions that
 * are created and deleted. The silent peers of the end stay connected, because the service must
 * close them by itself.
 */

import type { ServiceProcess } from "../tests/support/start_process.ts";
import { connectDeaf } from "../tests/support/deaf_peer.ts";
import { Client } from "./client.ts";
import { TOPICS } from "./publisher.ts";

/** What a load has done so far. */
export interface LoadCounts {
  clients: number;
  arrivals: number;
  published: number;
  /** Peers that stopped reading while they were sent much. */
  slow: number;
  /** Peers that neither read nor answered, and were sent little. */
  halfOpen: number;
  subscriptions: number;
  /** The first few failures. */
  readonly faults: string[];
}

interface LoadOptions {
  readonly service: ServiceProcess;
  readonly random: () => number;
  /** Ends the load. */
  readonly signal: AbortSignal;
  readonly counts: LoadCounts;
}

const USERS = 40;
/** Users of peers that do not read, distinct from those of clients. */
const SLOW_USER = 1000;
const SILENT_USER = 2000;
const CHURNERS = 24;
const SLOW_PEERS = 3;
const SILENT_PEERS = 8;
const BATCH = 10;
const MAX_FAULTS = 10;
const MAX_FAULT_CHARS = 200;
const TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"]] as const;

/** Returns counts at zero. */
export function noCounts(): LoadCounts {
  return {
    ...{ clients: 0, arrivals: 0, published: 0, slow: 0, halfOpen: 0, subscriptions: 0 },
    faults: [],
  };
}

/**
 * Runs until the signal aborts. Resolves to the silent peers that are left; the caller closes them.
 */
export async function runLoad(options: LoadOptions): Promise<DisposableStack> {
  const { service, signal, counts } = options;
  const left = new DisposableStack();
  // Two clients of one name would replace each other.
  let opened = 0;
  const sessions = await Promise.all(
    Array.from({ length: USERS }, (_, user) => service.mint(user)),
  );
  async function repeat(act: (turn: number) => Promise<void>): Promise<void> {
    for (let turn = 0; !signal.aborted; turn++) {
      try {
        await act(turn);
      } catch (thrown) {
        if (counts.faults.length < MAX_FAULTS) {
          counts.faults.push(String(thrown).slice(0, MAX_FAULT_CHARS));
        }
        await pause(100);
      }
    }
  }
  const loops = [
    ...Array.from({ length: CHURNERS }, () => repeat(() => churn(options, sessions, opened++))),
    ...Array.from({ length: SLOW_PEERS }, (_, n) => repeat(() => beSlow(options, SLOW_USER + n))),
    ...Array.from(
      { length: SILENT_PEERS },
      (_, n) => repeat(() => beSilent(options, { user: SILENT_USER + n, left })),
    ),
    repeat(() => publish(options)),
    repeat((turn) => subscribe(options, turn)),
  ];
  await Promise.all(loops);
  return left;
}

/** A stock client connects, stays for up to three seconds, and disconnects. */
async function churn(
  { service, random, counts }: LoadOptions,
  sessions: readonly string[],
  index: number,
): Promise<void> {
  const user = Math.floor(random() * USERS);
  const client = new Client({
    ...{ name: `c${index}`, user, generation: index % 2 === 0 ? 4 : 2 },
    ...{ address: service.host, session: sessions[user]!, now: () => performance.now() },
    transports: TRANSPORTS[Math.floor(random() * TRANSPORTS.length)]!,
  });
  await pause(200 + random() * 3_000);
  const { arrivals, complaints } = client.end();
  counts.clients++;
  counts.arrivals += arrivals.length;
  if (complaints.length > 0) throw new Error(complaints[0]);
}

/**
 * A peer is sent more than the kernel buffers for it, reads nothing for a while, and disconnects.
 */
async function beSlow(
  { service, random, counts, signal }: LoadOptions,
  user: number,
): Promise<void> {
  using _peer = await connectDeaf(service.host, await service.mint(user));
  await pause(300);
  const padding = "x".repeat(40_000);
  for (let n = 0; n < 15; n++) {
    await service.publishAll(Array.from({ length: 10 }, () => draft(user, { n, padding })));
  }
  await pause(2_000 + random() * 10_000, signal);
  counts.slow++;
}

/** A peer neither reads nor answers; it keeps its connection beyond the end of its session. */
async function beSilent(
  { service, random, counts, signal }: LoadOptions,
  { user, left }: { readonly user: number; readonly left: DisposableStack },
): Promise<void> {
  const peer = await connectDeaf(service.host, await service.mint(user));
  await pause(5_000 + random() * 50_000, signal);
  if (signal.aborted) left.use(peer);
  else peer.close();
  counts.halfOpen++;
}

async function publish({ service, random, counts }: LoadOptions): Promise<void> {
  const users = Array.from({ length: BATCH }, () => Math.floor(random() * USERS));
  await service.publishAll(users.map((user) => draft(user, { n: counts.published++ })));
  await pause(20);
}

async function subscribe({ service, counts }: LoadOptions, turn: number): Promise<void> {
  const user = String(turn % USERS);
  const address = { client: "app", transport: "gcm", token: `token-${turn}`, topics: ["none"] };
  const id = await service.subscribe({ user, ...address });
  await pause(50);
  await service.call("DELETE", `/v1/subscriptions/${id}`);
  counts.subscriptions++;
}

function draft(user: number, data: unknown) {
  return { context: "1", user: String(user), topic: TOPICS[0], data };
}

/** Waits, but not beyond the signal. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal?.aborted) resolve();
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}
