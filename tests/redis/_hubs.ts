/**
 * Hubs of several nodes in one process, on a real Redis, with a register under control of the test.
 */

import { type Clock, systemClock } from "../../core/clock.ts";
import type { EventHub, LocalSockets } from "../../core/events.ts";
import { silentLog } from "../../core/log.ts";
import { ServiceError } from "../../core/errors.ts";
import type { HubSettings } from "../../redis/hub/event_log.ts";
import { RedisHub } from "../../redis/hub/hub.ts";
import { type NodeChannel, RedisNodeChannel } from "../../redis/nodes/node_channel.ts";
import type { RedisLink } from "../../redis/link.ts";
import type { Nodes } from "../../redis/nodes/registered_nodes.ts";
import { FakeRealtime } from "../contract/events_contract.ts";
import { openTestLink } from "../support/redis_link.ts";

/** The nodes of a test, as all of them see it. */
export class Register {
  readonly leaseMs = 1_000;
  readonly #seen = new Map<string, number>();
  readonly #dead = new Set<string>();
  readonly #leaseLostListeners = new Map<string, (() => void)[]>();
  #count = 0;

  join(): Nodes {
    const id = `node-${++this.#count}`;
    const leaseLostListeners: (() => void)[] = [];
    this.#leaseLostListeners.set(id, leaseLostListeners);
    this.#seen.set(id, Date.now());
    return {
      id,
      leaseMs: this.leaseMs,
      seenAt: (node) => this.#seen.get(node),
      isAlive: (node) => this.#seen.has(node) && !this.#dead.has(node),
      alive: () => [...this.#seen.keys()].filter((node) => !this.#dead.has(node)),
      refresh: () => Promise.resolve(),
      onLeaseLost: (listener) => void leaseLostListeners.push(listener),
    };
  }

  /** Declares a node dead; its last heartbeat was at `at` (epoch ms). */
  bury(node: string, at = Date.now()): void {
    this.#seen.set(node, at);
    this.#dead.add(node);
  }

  /** A node returns after it was declared dead. */
  revive(node: string): void {
    this.#dead.delete(node);
    for (const listener of this.#leaseLostListeners.get(node)!) listener();
  }
}

/** The parts of a node that a hub needs. */
export interface HubNode extends AsyncDisposable {
  readonly id: string;
  readonly hub: EventHub;
  readonly channel: NodeChannel;
  readonly link: RedisLink;
  readonly nodes: Nodes;
  /** Ends it like `kill -9`. */
  kill(): Promise<void>;
}

/** Opens a hub with its own link and channel, and starts it. */
export async function openHub(
  url: string,
  {
    register,
    local,
    settings,
    clock = systemClock,
    channelClock = systemClock,
    fenced = false,
    segmentNameOf,
    now,
    wrap = (channel) => channel,
  }: {
    readonly register: Register;
    readonly local: LocalSockets;
    readonly settings: HubSettings;
    /** Clock of sweeps and retries. */
    readonly clock?: Clock;
    /** Clock of the channel's retries. */
    readonly channelClock?: Clock;
    readonly fenced?: boolean;
    readonly segmentNameOf?: (id: string) => string | undefined;
    /** Replaces the servers' clock. */
    readonly now?: () => number;
    /** Wraps the channel of the hub. */
    readonly wrap?: (channel: NodeChannel) => NodeChannel;
  },
): Promise<HubNode> {
  const link = await openTestLink(url, now);
  const nodes = register.join();
  const [log, random] = [silentLog, Math.random];
  const channel = new RedisNodeChannel({ link, nodes, clock: channelClock, random, log });
  const hub = new RedisHub({
    ...{ link, nodes, channel: wrap(channel), clock, random, log, fenced },
    settings: () => settings,
    ...segmentNameOf && { segmentNameOf },
  });
  await hub.start(local);
  return {
    ...{ id: nodes.id, hub, channel, link, nodes },
    async kill() {
      await link[Symbol.asyncDispose]();
      register.bury(nodes.id);
      await channel.stop();
      await hub[Symbol.asyncDispose]();
    },
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await channel.stop();
      await link[Symbol.asyncDispose]();
    },
  };
}

/** A node with local sockets that a test controls. */
export type Place = HubNode & { readonly realtime: FakeRealtime };

/** Options of a node in a test. */
export type PlaceOptions = Omit<Parameters<typeof openHub>[1], "register" | "local" | "settings">;

/** Limits that no test reaches. */
const AMPLE: HubSettings = { windowMs: 120_000, maxEventsPerUser: 100 };

/** Runs a test with one node for each of the options. */
export async function withPlaces(
  { url, nodes }: { readonly url: string; readonly nodes: readonly PlaceOptions[] },
  body: (places: readonly Place[], register: Register) => Promise<void>,
): Promise<void> {
  const register = new Register();
  const places: Place[] = [];
  try {
    for (const each of nodes) {
      const realtime = new FakeRealtime();
      const node = await openHub(url, { register, local: realtime, settings: AMPLE, ...each });
      realtime.hub = node.hub;
      places.push(Object.assign(node, { realtime }));
    }
    await body(places, register);
  } finally {
    for (const place of places) await place[Symbol.asyncDispose]();
  }
}

/** Whether an error says that Redis is unavailable. */
export function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof ServiceError && thrown.code === "store_unavailable";
}
