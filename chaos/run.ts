/**
 * Carries out a plan with real processes, clients and publishers, undoes all failures, waits until
 * nothing is in progress, and returns the record of the run. It judges nothing.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { SESSION_SECRET } from "../tests/support/start_service.ts";
import { seeded } from "../tests/support/seeded.ts";
import { until } from "../tests/support/until.ts";
import { SignJWT } from "jose";
import { Balancer, clientHost, PUBLISHERS_HOST } from "./balancer.ts";
import { Client } from "./client.ts";
import { type Cluster, PROPERTIES, startCluster } from "./cluster.ts";
import { groupOutcomes } from "./group_outcomes.ts";
import { createGroup, GroupPublisher } from "./group_publisher.ts";
import { type Action, seedOf, trackOf } from "./plan.ts";
import { Publisher } from "./publisher.ts";
import { settle } from "./settle.ts";
import type { RunRecord, Trouble } from "./run_record.ts";

/** Options of a run; `plan.ts` decides what fails in it. */
interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly redis: boolean;
  readonly users: number;
  /** Members of the group that is published to; at least as many as users. 0: there is none. */
  readonly members: number;
  /** Notifications per second. */
  readonly rate: number;
  /** How long a client may be disconnected and still receive everything. */
  readonly windowMs: number;
  /** How long notifications wait for similar ones, in milliseconds. */
  readonly delayMs: number;
  /** Called with progress messages. */
  readonly onProgress: (line: string) => void;
}

interface Ran {
  readonly record: RunRecord;
  readonly logs: readonly { readonly node: number; readonly text: string }[];
}

const PUBLISHERS = 3;
/** Each user has one client of each generation. */
export const CLIENTS_PER_USER = 2;
/** Transports of the users' clients in turn. */
const TRANSPORTS = [["websocket"], ["polling", "websocket"], ["websocket"], ["polling"]];
const CONNECTED_WITHIN_MS = 60_000;
/** A notification to a group of some thousands takes at least so long. */
const AMID_PAGES_MS = 60;

/** Runs a plan. */
export async function run(plan: readonly Action[], options: RunOptions): Promise<Ran> {
  const { seconds, users, members, onProgress } = options;
  const startedAt = performance.now();
  const begunAt = Date.now();
  const now = () => performance.now() - startedAt;
  await using cluster = await startCluster({ ...options, now });
  await using balancer = new Balancer(cluster.nodes.map(({ host }) => Number(host.split(":")[1])), {
    now,
  });
  const clients = await connectAll(options, { cluster, balancer, now });
  const { publishers, groupPublisher } = publishersOf(options, { cluster, balancer, now });
  if (groupPublisher) await createGroup(cluster.nodes[0]!, { users, members });
  const all = [...publishers, ...groupPublisher ? [groupPublisher] : []];
  onProgress(`${clients.length} clients are connected`);

  const stop = new AbortController();
  const begun = now();
  const publishing = all.map((publisher) => publisher.run(stop.signal));
  const troubles: Trouble[] = [];
  const before = new Map<string, Promise<void>>();
  const acting = plan.map((action) => {
    // An action that takes longer than planned delays the next one of the same track.
    const done = act(action, before.get(trackOf(action)));
    before.set(trackOf(action), done);
    return done;
  });

  async function act(action: Action, mended: Promise<void> | undefined): Promise<void> {
    const { kind, whom, at } = action;
    await sleep(Math.max(0, at - (now() - begun)));
    await mended;
    if (kind === "kill" && groupPublisher) {
      // So that it comes amid the pages of a notification to many.
      await groupPublisher.publishNow();
      await sleep(action.forMs % AMID_PAGES_MS);
    }
    const from = now();
    await carryOut(action, { cluster, balancer, clients, publishers });
    troubles.push({ kind, whom, from, to: now() });
  }

  await sleep(seconds * 1000);
  await Promise.all(acting);
  onProgress("all failures are undone; waiting until nothing is in progress");
  stop.abort();
  await Promise.all(publishing);

  const { outcomes: toGroup, parts } = await groupOutcomes(cluster.nodes, {
    ...{ toGroup: groupPublisher?.accepted ?? [], members, begunAt, onProgress },
  });
  const publications = [...publishers.flatMap((publisher) => publisher.publications), ...parts];
  const ledger = await settle(cluster.nodes, { clients, publications, onProgress });
  const record: RunRecord = {
    windowMs: options.windowMs,
    heartbeatMs: PROPERTIES["io.carillon.websocket.pingInterval"] +
      PROPERTIES["io.carillon.websocket.pingTimeout"],
    clients: clients.map((client) => client.end()),
    answers: all.flatMap(({ answers }) => answers),
    neverAccepted: all.reduce((sum, { neverAccepted }) => sum + neverAccepted, 0),
    noneReady: balancer.noneReady,
    exits: cluster.exits,
    crashes: cluster.crashes,
    ...{ publications, toGroup, ledger, troubles },
  };
  return { record, logs: cluster.allLogs() };
}

interface Stage {
  readonly cluster: Cluster;
  readonly balancer: Balancer;
  readonly now: () => number;
}

async function connectAll(
  { users }: RunOptions,
  { cluster, balancer, now }: Stage,
): Promise<readonly Client[]> {
  const key = new TextEncoder().encode(SESSION_SECRET);
  const clients = await Promise.all(
    Array.from({ length: users * CLIENTS_PER_USER }, async (_, index) => {
      const user = Math.floor(index / CLIENTS_PER_USER);
      // Both kinds of sessions: tokens of the service, which are in the store, and JWTs.
      const session = user % 2 === 0 ? await cluster.nodes[0]!.mint(user) : await new SignJWT({
        ctx: "1",
      }).setProtectedHeader({ alg: "HS256" }).setSubject(String(user)).setExpirationTime("12h")
        .sign(key);
      return new Client({
        ...{ name: `c${index}`, user, session, now },
        generation: index % 2 === 0 ? 4 : 2,
        transports: TRANSPORTS[(user + index) % TRANSPORTS.length]!,
        address: `${clientHost(index)}:${balancer.port}`,
      });
    }),
  );
  const isEverybodyThere = () => clients.every(({ isConnected }) => isConnected);
  await until("all clients are connected", isEverybodyThere, CONNECTED_WITHIN_MS);
  return clients;
}

function publishersOf(
  { seed, users, members, rate }: RunOptions,
  { cluster, balancer, now }: Stage,
) {
  let n = 0;
  const common = {
    ...{ now, next: () => n++, key: cluster.nodes[0]!.adminKey },
    address: `${PUBLISHERS_HOST}:${balancer.port}`,
  };
  const publishers = Array.from({ length: PUBLISHERS }, (_, index) =>
    new Publisher({
      ...{ ...common, name: `p${index}`, rate: rate / PUBLISHERS },
      users: Array.from({ length: users }, (_, user) => user)
        .filter((user) => user % PUBLISHERS === index),
      clientsOf: (user) =>
        Array.from({ length: CLIENTS_PER_USER }, (_, at) => `c${user * CLIENTS_PER_USER + at}`),
      random: seeded(seedOf(seed, `publisher ${index}`)),
    }));
  const random = seeded(seedOf(seed, "publisher to the group"));
  const groupPublisher = members > 0 ? new GroupPublisher({ ...common, random }) : undefined;
  return { publishers, groupPublisher };
}

/** Carries out one action and undoes it. */
async function carryOut(
  action: Action,
  { cluster, balancer, clients, publishers }: {
    readonly cluster: Cluster;
    readonly balancer: Balancer;
    readonly clients: readonly Client[];
    readonly publishers: readonly Publisher[];
  },
): Promise<void> {
  const { kind, whom, forMs } = action;
  const host = clientHost(whom);
  if (kind === "cut" || kind === "vanish") {
    if (kind === "cut") balancer.cut(host);
    else balancer.lose(host);
    await sleep(forMs);
    balancer.letIn(host);
  } else if (kind === "slow") {
    balancer.slow(host, true);
    const { user } = clients[whom]!;
    publishers[user % PUBLISHERS]!.burst(user);
    await sleep(forMs);
    balancer.slow(host, false);
  } else await cluster.carryOut(action);
}
