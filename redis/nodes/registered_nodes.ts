/**
 * The register of nodes in Redis. Each node writes its heartbeat there and reads those of the
 * others in the same call, by the servers' clock. While Redis is unavailable no node learns
 * anything and none is declared dead; afterwards the others get one lease to return.
 */

import type { Clock, Timer } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { NODES_KEY } from "../keys.ts";
import { logUnlessOutage, type RedisLink, type Reply, type Script } from "../link.ts";

/** A view of all nodes, at most a moment old. */
export interface Nodes {
  /** The id of this node. A process gets a new id at each start. */
  readonly id: string;
  /** Milliseconds without a heartbeat after which a node counts as dead. */
  readonly leaseMs: number;
  /**
   * Time of a node's last heartbeat (epoch ms by the servers' clock); `undefined`: unknown node.
   */
  seenAt(node: string): number | undefined;
  /** Whether a node counts as alive. This node itself does until it is closed. */
  isAlive(node: string): boolean;
  /** All nodes that count as alive, including this one. */
  alive(): readonly string[];
  /** Reads the register, where a view that is a moment old is not enough. */
  refresh(): Promise<void>;
  /**
   * Calls back when this node's own lease was lost (its process was paused, or Redis was
   * unavailable): other nodes may have taken its claims.
   */
  onLeaseLost(listener: () => void): void;
}

interface JoinOptions {
  readonly link: Pick<RedisLink, "run" | "onUp" | "now">;
  readonly clock: Pick<Clock, "monotonic" | "after">;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
  /** The id of this node; a new one at each start. */
  readonly id: string;
  /** Milliseconds; must be the same on all nodes. @default {6000} */
  readonly leaseMs?: number;
}

/** The view of the nodes and this node's own registration, which ends when disposed. */
export type RegisteredNodes = Nodes & AsyncDisposable;

interface Register {
  /** Epoch milliseconds of the server. */
  readonly now: number;
  /** This node's own entry before the renewal. */
  readonly before: number | undefined;
  /** Last heartbeat of each node; negative: the node has left at that time. */
  readonly heartbeats: ReadonlyMap<string, number>;
}

/** How long a dead node stays in the register: longer than any client may take to return. */
const FORGET_MS = 3_600_000;
const RENEWALS_PER_LEASE = 4;

/**
 * A negative time says when the node has left. A server that was held up runs delayed commands
 * later, so a heartbeat counts from when it was sent, not from when it is executed: its node may
 * have ended since.
 */
const RENEW: Script = {
  name: "nodes_renew",
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], math.min(now, tonumber(ARGV[3])), ARGV[1])
local old = now - ARGV[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], -old, old)
return {now, before, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')}`,
};

const LEAVE: Script = {
  name: "nodes_leave",
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZADD', KEYS[1], -math.min(now, tonumber(ARGV[2])), ARGV[1])`,
};

/**
 * Registers this node and keeps renewing its heartbeat.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function joinNodes(options: JoinOptions): Promise<RegisteredNodes> {
  const nodes = new NodeRegister(options);
  await nodes.refresh();
  nodes.start();
  return nodes;
}

class NodeRegister implements RegisteredNodes {
  readonly id: string;
  readonly leaseMs: number;
  readonly #options: JoinOptions;
  readonly #leaseLostListeners: (() => void)[] = [];
  #heartbeats: ReadonlyMap<string, number> = new Map();
  #alive: ReadonlySet<string> = new Set();
  /** The time of the last answer, by the server's clock and by this node's monotonic one. */
  #lastAnswer: { readonly now: number; readonly at: number } | undefined;
  /** Nodes whose lease had not run out at the last answer. */
  #leased: ReadonlySet<string> = new Set();
  /** Nodes that count as alive after an outage, and until when (monotonic ms). */
  readonly #inGrace = new Map<string, number>();
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: JoinOptions) {
    this.#options = options;
    this.id = options.id;
    this.leaseMs = options.leaseMs ?? 6_000;
  }

  seenAt(node: string): number | undefined {
    const heartbeat = this.#heartbeats.get(node);
    return heartbeat === undefined ? undefined : Math.abs(heartbeat);
  }

  isAlive(node: string): boolean {
    return node === this.id ? !this.#closed : this.#alive.has(node);
  }

  alive(): readonly string[] {
    const others = [...this.#alive].filter((node) => node !== this.id);
    return this.#closed ? others : [this.id, ...others];
  }

  onLeaseLost(listener: () => void): void {
    this.#leaseLostListeners.push(listener);
  }

  /** Every caller gets a view from after its call; callers that wait at the same time share one. */
  refresh(): Promise<void> {
    if (this.#running === undefined) return this.#startRenewal();
    return this.#queued ??= this.#running.catch(() => {}).then(() => {
      this.#queued = undefined;
      return this.#startRenewal();
    });
  }

  start(): void {
    this.#options.link.onUp(() => void this.#renewNow());
    this.#schedule();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    await this.#running?.catch(() => {});
    const { link } = this.#options;
    // If this fails, the lease runs out.
    await link.run(LEAVE, [NODES_KEY], [this.id, link.now()]).catch(() => {});
  }

  #schedule(): void {
    if (this.#closed) return;
    const { clock, random } = this.#options;
    const wait = this.leaseMs / RENEWALS_PER_LEASE * (0.9 + 0.2 * random());
    this.#timer?.cancel();
    this.#timer = clock.after(wait, () => void this.#renewNow());
  }

  async #renewNow(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.refresh();
    } catch (thrown) {
      const message = "cannot read the register of nodes, trying again";
      logUnlessOutage(thrown, { log: this.#options.log, message });
    } finally {
      this.#schedule();
    }
  }

  #startRenewal(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const run = this.#renew().finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    return this.#running = run;
  }

  async #renew(): Promise<void> {
    const { link, clock } = this.#options;
    const register = parse(await link.run(RENEW, [NODES_KEY], [this.id, FORGET_MS, link.now()]));
    const last = this.#lastAnswer;
    this.#lastAnswer = { now: register.now, at: clock.monotonic() };
    const leaseLost = last !== undefined &&
      isLeaseLost(register, { last: last.now, leaseMs: this.leaseMs });
    const silence = last === undefined ? 0 : this.#lastAnswer.at - last.at;
    if (leaseLost || silence >= this.leaseMs / 2) {
      this.#grantGrace(this.#lastAnswer.at + this.leaseMs);
    }
    this.#heartbeats = register.heartbeats;
    this.#leased = leasedIn(register, this.leaseMs);
    this.#setAlive(new Set([...this.#leased, ...this.#nodesInGrace(this.#lastAnswer.at)]));
    if (leaseLost) {
      for (const listener of this.#leaseLostListeners) listener();
    }
  }

  /** Only nodes that had a lease: repeated outages must not keep dead nodes alive. */
  #grantGrace(until: number): void {
    for (const node of this.#leased) this.#inGrace.set(node, until);
  }

  #nodesInGrace(now: number): readonly string[] {
    for (const [node, until] of this.#inGrace) {
      if (until <= now) this.#inGrace.delete(node);
    }
    // A node that Redis has lost may not have returned yet; one that has left is gone.
    return [...this.#inGrace.keys()].filter((node) => (this.#heartbeats.get(node) ?? 1) > 0);
  }

  #setAlive(alive: ReadonlySet<string>): void {
    const come = [...alive].filter((node) => node !== this.id && !this.#alive.has(node));
    const gone = [...this.#alive].filter((node) => node !== this.id && !alive.has(node));
    this.#alive = alive;
    const { log } = this.#options;
    if (come.length > 0) log.info("other nodes joined", { nodes: come });
    if (gone.length > 0) log.info("other nodes are gone", { nodes: gone });
  }
}

/**
 * Whether other nodes may have considered this one dead since `last`, its last answered renewal
 * (epoch ms of the server). A renewal whose answer was lost may have come after a lost lease.
 */
function isLeaseLost(
  { now, before }: Register,
  { last, leaseMs }: { readonly last: number; readonly leaseMs: number },
): boolean {
  return before === undefined || now - last >= leaseMs;
}

function leasedIn({ now, heartbeats }: Register, leaseMs: number): ReadonlySet<string> {
  const leased = [...heartbeats].filter(([, heartbeat]) =>
    heartbeat > 0 && now - heartbeat < leaseMs
  );
  return new Set(leased.map(([node]) => node));
}

function parse(reply: Reply): Register {
  const [now, before, flat] = reply as readonly [number, string | null, readonly string[]];
  const heartbeats = new Map<string, number>();
  for (let at = 0; at < flat.length; at += 2) heartbeats.set(flat[at]!, Number(flat[at + 1]));
  return { now, before: before === null ? undefined : Number(before), heartbeats };
}
