/**
 * The register of nodes in Redis: every node renews its last sign of life there and reads those of
 * the others in the same call, all by the servers' clock. While Redis is away nothing is learnt and
 * nobody is declared gone; after such a silence others get the time of a lease to come back before
 * they are.
 */

import type { Clock, Timer } from "../../core/clock.ts";
import { messageOf, ServiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { NODES_KEY } from "../keys.ts";
import type { RedisLink, Reply, Script } from "../link.ts";

/** A view of all nodes, a moment old at most. */
export interface Nodes {
  /** This node. A process has another id after each start. */
  readonly id: string;
  /** Milliseconds without a sign of life after which a node counts as gone. */
  readonly leaseMs: number;
  /** When a node was last seen (epoch ms, by the servers' clock); `undefined`: never heard of it. */
  seenAt(node: string): number | undefined;
  /** Whether it counts as there. This node itself always does, until it is closed. */
  isAlive(node: string): boolean;
  /** All that count as there, this one included. */
  alive(): readonly string[];
  /** Reads the register anew, for where a view that is a moment old will not do. */
  refresh(): Promise<void>;
  /**
   * Calls back when this node itself was out of sight for longer than the lease (its process was
   * paused, or Redis was away): others may have taken over what it had.
   */
  onLeaseLost(listener: () => void): void;
}

/** What joining takes. */
export interface JoinOptions {
  readonly link: Pick<RedisLink, "run" | "onUp" | "now">;
  readonly clock: Pick<Clock, "monotonic" | "after">;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
  /** Of this node; another one at each start. */
  readonly id: string;
  /** Milliseconds; the same on all nodes. @default {6000} */
  readonly leaseMs?: number;
}

/** The view of the nodes, and this node's own place in it, which it leaves when disposed. */
export type RegisteredNodes = Nodes & AsyncDisposable;

/** What the register says. */
interface Register {
  /** Epoch milliseconds of the server. */
  readonly now: number;
  /** What was there of this node. */
  readonly before: number | undefined;
  /** Below zero: it has left then. */
  readonly signs: ReadonlyMap<string, number>;
}

/** How long it is known when a node was last seen: longer than anybody may come back for. */
const FORGET_MS = 3_600_000;
const RENEWALS_PER_LEASE = 4;

/**
 * A time below zero says when the node has left. A server that was held up executes what came
 * meanwhile later: a sign of life is from when it was given, which may be long before, and its node
 * may have ended since.
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
 * Enters this node into the register and keeps it there.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function joinNodes(options: JoinOptions): Promise<RegisteredNodes> {
  const nodes = new Membership(options);
  await nodes.refresh();
  nodes.keepOn();
  return nodes;
}

class Membership implements RegisteredNodes {
  readonly id: string;
  readonly leaseMs: number;
  readonly #options: JoinOptions;
  readonly #onLapse: (() => void)[] = [];
  #signs: ReadonlyMap<string, number> = new Map();
  #alive: ReadonlySet<string> = new Set();
  /** The last answer: by the server's clock, and by this node's. */
  #answered: { readonly now: number; readonly at: number } | undefined;
  /** Those whose lease had not run out at the last answer. */
  #leased: ReadonlySet<string> = new Set();
  /** Those that were there before a silence, and until when (monotonic) they count as there. */
  readonly #spared = new Map<string, number>();
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
    const sign = this.#signs.get(node);
    return sign === undefined ? undefined : Math.abs(sign);
  }

  isAlive(node: string): boolean {
    return node === this.id ? !this.#closed : this.#alive.has(node);
  }

  alive(): readonly string[] {
    const others = [...this.#alive].filter((node) => node !== this.id);
    return this.#closed ? others : [this.id, ...others];
  }

  onLeaseLost(listener: () => void): void {
    this.#onLapse.push(listener);
  }

  /** Every caller gets a view from after its call; those who wait at the same time share one. */
  refresh(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    return this.#queued ??= this.#running.catch(() => {}).then(() => {
      this.#queued = undefined;
      return this.#begin();
    });
  }

  keepOn(): void {
    this.#options.link.onUp(() => void this.#renewNow());
    this.#schedule();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    await this.#running?.catch(() => {});
    const { link } = this.#options;
    // Where that cannot be said, the lease runs out.
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
      // That Redis is away is told by the link.
      if (!(thrown instanceof ServiceError)) {
        this.#options.log.error("the nodes could not be read", { reason: messageOf(thrown) });
      }
    } finally {
      this.#schedule();
    }
  }

  #begin(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const run = this.#renew().finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    return this.#running = run;
  }

  async #renew(): Promise<void> {
    const { link, clock } = this.#options;
    const register = parse(await link.run(RENEW, [NODES_KEY], [this.id, FORGET_MS, link.now()]));
    const last = this.#answered;
    this.#answered = { now: register.now, at: clock.monotonic() };
    const lapsed = last !== undefined &&
      hasLapsed(register, { last: last.now, leaseMs: this.leaseMs });
    const silence = last === undefined ? 0 : this.#answered.at - last.at;
    if (lapsed || silence >= this.leaseMs / 2) this.#spare(this.#answered.at + this.leaseMs);
    this.#signs = register.signs;
    this.#leased = leasedIn(register, this.leaseMs);
    this.#take(new Set([...this.#leased, ...this.#stillSpared(this.#answered.at)]));
    if (lapsed) {
      for (const listener of this.#onLapse) listener();
    }
  }

  /** Only those that had a lease: silences that follow each other must not spare the dead. */
  #spare(until: number): void {
    for (const node of this.#leased) this.#spared.set(node, until);
  }

  #stillSpared(now: number): readonly string[] {
    for (const [node, until] of this.#spared) {
      if (until <= now) this.#spared.delete(node);
    }
    // One that Redis has lost may not have come back to it yet; one that has left is gone.
    return [...this.#spared.keys()].filter((node) => (this.#signs.get(node) ?? 1) > 0);
  }

  #take(alive: ReadonlySet<string>): void {
    const come = [...alive].filter((node) => node !== this.id && !this.#alive.has(node));
    const gone = [...this.#alive].filter((node) => node !== this.id && !alive.has(node));
    this.#alive = alive;
    const { log } = this.#options;
    if (come.length > 0) log.info("other nodes are there", { nodes: come });
    if (gone.length > 0) log.info("other nodes are gone", { nodes: gone });
  }
}

/**
 * Whether others may have taken this node for gone since `last`, its last renewal that was answered
 * (epoch ms of the server). One that went through without an answer may have come after a lapse.
 */
function hasLapsed(
  { now, before }: Register,
  { last, leaseMs }: { readonly last: number; readonly leaseMs: number },
): boolean {
  return before === undefined || now - last >= leaseMs;
}

function leasedIn({ now, signs }: Register, leaseMs: number): ReadonlySet<string> {
  const leased = [...signs].filter(([, sign]) => sign > 0 && now - sign < leaseMs);
  return new Set(leased.map(([node]) => node));
}

function parse(reply: Reply): Register {
  const [now, before, flat] = reply as readonly [number, string | null, readonly string[]];
  const signs = new Map<string, number>();
  for (let at = 0; at < flat.length; at += 2) signs.set(flat[at]!, Number(flat[at + 1]));
  return { now, before: before === null ? undefined : Number(before), signs };
}
