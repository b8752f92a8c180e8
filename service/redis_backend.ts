/** The backend of several equal nodes: everything that they share is in Redis. */

import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { Metrics } from "../core/metrics.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import { INBOX_FAMILIES } from "../inbox/mod.ts";
import {
  ChannelChangeFeed,
  checkServers,
  createSharedTokens,
  IMPORTING_KEY,
  joinNodes,
  type Link,
  openLink,
  RedisBuffer,
  RedisHub,
  RedisLimiter,
  type RedisLink,
  RedisNodeChannel,
  RedisStore,
  type ServerFinding,
} from "../redis/mod.ts";
import type { ReadinessCheck } from "../routes/mod.ts";
import { type Backend, bufferOptions, type JoinDeps, type Parts } from "./backend.ts";

/** How long the findings of one check of the servers are reused. */
const FINDINGS_MS = 60_000;

/**
 * Connects to Redis and checks the version and settings of its servers.
 *
 * @throws {ServiceError} `invalid_configuration` where the address is malformed or a server is too
 * old, `store_unavailable` where Redis cannot be reached
 */
export async function openRedisBackend(
  address: string,
  options: SystemDeps,
): Promise<Backend> {
  const { clock, log } = options;
  await using opened = new AsyncDisposableStack();
  const link = opened.use(await openLink(address, options));
  // Idempotency keys and inboxes may outnumber all other records, so they are spread over the slots.
  const standalone = ["idempotency", ...INBOX_FAMILIES];
  const store = opened.use(new RedisStore(link, { standalone }));
  let findings = await checkServers(link);
  let checkedAt = clock.monotonic();
  for (const { severity, message } of findings) {
    if (severity === "fatal") throw new ServiceError("invalid_configuration", message);
    log.warn(message);
  }

  if (await link.send(IMPORTING_KEY, ["EXISTS", IMPORTING_KEY]) === 1) {
    throw new ServiceError(
      "store_unavailable",
      "Cannot start: a restore to this Redis is under way, or was broken off. Wait for it, or run " +
        "it again",
    );
  }

  async function readFindings(): Promise<readonly ServerFinding[]> {
    if (clock.monotonic() - checkedAt < FINDINGS_MS) return findings;
    findings = await checkServers(link);
    checkedAt = clock.monotonic();
    return findings;
  }

  const life = opened.move();
  return {
    store,
    hasOthers: true,
    join: (deps) => join(link, deps),
    async checks() {
      // Where Redis cannot be reached, the check of the store says so.
      return [checkOf(await readFindings().catch(() => findings))];
    },
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  };
}

/** Warnings do not make the node unready: every other node would have the same. */
function checkOf(findings: readonly ServerFinding[]): ReadinessCheck {
  return {
    name: "redis",
    ok: findings.length === 0,
    optional: findings.every(({ severity }) => severity === "warning"),
    ...(findings.length > 0 && { detail: findings.map(({ message }) => message) }),
  };
}

async function join(plain: Link, deps: JoinDeps): Promise<Parts> {
  const { settings, clock, random, log, metrics, ids } = deps;
  const link = timed(plain, deps);
  await using opened = new AsyncDisposableStack();
  const nodes = opened.use(
    await joinNodes({
      ...{ link, clock, random, log },
      id: ids().slice(-12),
      leaseMs: settings().cluster.leaseMs,
    }),
  );
  nodes.onLeaseLost(() => {
    metrics.count("carillon_node_leases_lost_total", {});
    log.warn(
      "this node did not renew its lease in time; other nodes may have taken over its work",
      { node: nodes.id },
    );
  });
  const channel = opened.use(new RedisNodeChannel({ link, nodes, clock, random, log }));
  const changes = opened.use(new ChannelChangeFeed({ channel, nodes, clock, random, log }));
  const hub = opened.use(
    new RedisHub({
      ...{ link, nodes, channel, clock, random, log },
      settings: () => settings().resume,
      segmentNameOf: (id) => buffer.segmentNameOf(id),
    }),
  );
  const buffer = new RedisBuffer({
    ...bufferOptions(deps),
    ...{ link, nodes },
    onReclaimed: (count) => metrics.count("carillon_claims_reclaimed_total", {}, count),
  });
  metrics.beforeScrape(() => {
    metrics.set("carillon_redis_up", {}, link.isUp ? 1 : 0);
    metrics.set("carillon_redis_pending", {}, link.pending);
    metrics.set("carillon_nodes_alive", {}, nodes.alive().length);
  });
  log.info("this node has joined", { node: nodes.id, others: nodes.alive().length - 1 });
  const life = opened.move();
  return {
    ...{ buffer, hub, changes },
    limiter: new RedisLimiter({ link, clock, log }),
    tokens: createSharedTokens({ link, clock, random, log }),
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  };
}

/** Wraps a link so that it measures the duration of each script. */
function timed(
  link: RedisLink,
  { metrics, clock }: { readonly metrics: Metrics; readonly clock: Clock },
): RedisLink {
  return {
    async run(script, keys, args) {
      const started = clock.monotonic();
      try {
        return await link.run(script, keys, args);
      } finally {
        const seconds = (clock.monotonic() - started) / 1000;
        metrics.observe("carillon_redis_script_seconds", { script: script.name }, seconds);
      }
    },
    send: (key, command) => link.send(key, command),
    dedicated: (key) => link.dedicated(key),
    onUp: (listener) => link.onUp(listener),
    now: () => link.now(),
    get isUp() {
      return link.isUp;
    },
    get pending() {
      return link.pending;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
