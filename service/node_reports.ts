/**
 * What a node says of itself to operators, and the reports of all nodes. A node asks the others when somebody looks: it publishes
 * a request, and each writes its report to the store, where it expires. Nothing runs otherwise.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { ChangeFeed } from "../core/change_feed.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type {
  CredentialReport,
  NodeReport,
  OutcomeTotal,
  QueueReport,
} from "../core/node_report.ts";
import { readOrCreate } from "../core/read_or_create.ts";
import type { Store } from "../core/store.ts";
import type { TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import { VERSION } from "../core/version.ts";
import type { Pipeline } from "../delivery/mod.ts";
import type { Realtime } from "../realtime/mod.ts";
import { isNodeReady, type NodeFacts, type ReadinessCheck } from "../routes/mod.ts";

interface NodeReportsOptions {
  readonly node: string;
  readonly address: string;
  readonly hasOthers: boolean;
  readonly store: Store;
  readonly feed: ChangeFeed;
  readonly buffer: Pick<Buffer, "depth">;
  readonly pipeline: Pick<Pipeline, "queues" | "retriesWaiting">;
  readonly realtime: Pick<Realtime, "stats">;
  readonly transports: ReadonlyMap<TransportName, Transport>;
  readonly ready: () => Promise<readonly ReadinessCheck[]>;
  readonly metrics: Pick<Metrics, "totals">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Returns the reports of all nodes, this one first. */
type NodeReports = () => Promise<readonly NodeReport[]>;

const PREFIX = "nodeReport";
/** How long a report counts. */
const VALID_MS = 15_000;
/** A request is repeated at most so often, and each node answers at most so often. */
const ASK_EVERY_MS = 1_000;
/** How long the first request waits for the answers. */
const FIRST_WAIT_MS = 400;
const DAY_MS = 86_400_000;

/** Creates the function, and answers the requests of other nodes. */
export function createNodeReports(options: NodeReportsOptions): NodeReports {
  const { node, hasOthers, store, feed, clock, log } = options;
  const startedAt = clock.now();
  let askedAt = -Infinity;
  let answeredAt = -Infinity;

  async function answer(): Promise<void> {
    if (clock.monotonic() - answeredAt < ASK_EVERY_MS) return;
    answeredAt = clock.monotonic();
    try {
      const value = { v: 1, ...await ownReport(options, startedAt) };
      await store.commit({ sets: [{ key: [PREFIX, node], value, expireInMs: VALID_MS }] });
    } catch (thrown) {
      log.warn("cannot report to another node", { reason: messageOf(thrown) });
    }
  }

  async function others(): Promise<readonly NodeReport[]> {
    const now = clock.monotonic();
    if (now - askedAt >= ASK_EVERY_MS) {
      const isFirst = now - askedAt > VALID_MS;
      askedAt = now;
      feed.publish({ kind: "report" });
      if (isFirst) await sleep(clock, FIRST_WAIT_MS);
    }
    const found: NodeReport[] = [];
    for await (const { value } of store.list<NodeReport>({ prefix: [PREFIX] })) {
      if (value.node !== node && clock.now() - value.at < VALID_MS) found.push(value);
    }
    return found;
  }

  if (hasOthers) feed.onChange(({ kind }) => kind === "report" && void answer());
  return async () => {
    const [own, rest] = await Promise.all([
      ownReport(options, startedAt),
      hasOthers ? others() : [],
    ]);
    return [own, ...rest];
  };
}

async function ownReport(options: NodeReportsOptions, startedAt: number): Promise<NodeReport> {
  const { node, address, buffer, pipeline, realtime, metrics, ready, clock } = options;
  const [checks, accepted, settled, outcomes] = await Promise.all([
    ready(),
    metrics.totals("carillon_notifications_accepted_total"),
    metrics.totals("carillon_notifications_settled_total"),
    metrics.totals("carillon_outcomes_total"),
  ]);
  return {
    ...{ node, address, version: VERSION, at: clock.now(), startedAt },
    ready: isNodeReady(checks),
    failed: checks.filter(({ ok }) => !ok).map(({ name }) => name),
    sockets: Object.fromEntries(realtime.stats().open),
    buffer: buffer.depth(),
    retriesWaiting: pipeline.retriesWaiting(),
    queues: [...pipeline.queues.all()].map((named) => queueReport(named, clock)),
    accepted: accepted[0]?.value ?? 0,
    settled: Object.fromEntries(settled.map(({ labels, value }) => [labels.state, value])),
    outcomes: withoutTopics(outcomes),
    credentials: credentialsOf(options),
  };
}

type NamedQueue = ReturnType<Pipeline["queues"]["all"]> extends Iterable<infer Q> ? Q : never;

function queueReport({ transport, client, queue }: NamedQueue, clock: Clock): QueueReport {
  const { breaker, inFlight, waiting, oldestMs, last } = queue;
  return {
    ...{ transport, client, inFlight, waiting, breaker: breaker.state },
    ...(oldestMs !== undefined && { oldestMs }),
    ...(breaker.state === "open" && { reason: breaker.reason }),
    ...(last && {
      last: {
        outcome: last.outcome.kind,
        ...("reason" in last.outcome && { reason: last.outcome.reason }),
        at: clock.now() - Math.round(clock.monotonic() - last.at),
      },
    }),
  };
}

function withoutTopics(
  totals: Awaited<ReturnType<Metrics["totals"]>>,
): readonly OutcomeTotal[] {
  const sums = new Map<string, OutcomeTotal>();
  for (const { labels, value } of totals) {
    const { transport = "", client = "", outcome = "" } = labels;
    const key = `${transport}\u0000${client}\u0000${outcome}`;
    const count = (sums.get(key)?.count ?? 0) + value;
    sums.set(key, { transport, client, outcome, count });
  }
  return [...sums.values()];
}

function credentialsOf(
  { transports, clock }: Pick<NodeReportsOptions, "transports" | "clock">,
): readonly CredentialReport[] {
  return [...transports].flatMap(([name, transport]) =>
    transport.status().map((
      { client, ready, detail, environment, credentialExpiresAt: until },
    ) => ({
      ...{ transport: name, client, ready },
      ...(detail !== undefined && { detail }),
      ...(environment !== undefined && { environment }),
      ...(until !== undefined && { daysLeft: Math.floor((until - clock.now()) / DAY_MS) }),
    }))
  );
}

const STORE_ID = ["storeId"];

/** Reads the id of the store, or gives it one: nodes that share a store say the same. */
export function storeId(store: Store): Promise<string> {
  return readOrCreate(store, { key: STORE_ID, create: () => crypto.randomUUID() });
}

/** Answers `GET /v1/admin/node`. */
export function createNodeFacts({ store, clock, pingIntervalMs }: {
  readonly store: Store;
  readonly clock: Clock;
  readonly pingIntervalMs: number;
}): () => Promise<NodeFacts> {
  const started = clock.monotonic();
  return async () => ({
    version: VERSION,
    deno: Deno.version.deno,
    store: await storeId(store),
    now: clock.now(),
    upSeconds: Math.floor((clock.monotonic() - started) / 1000),
    pingIntervalMs,
  });
}
