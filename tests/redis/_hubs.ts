/** Hubs of several nodes in one process, on a real Redis, with a register that a test decides. */

import { type Clock, systemClock } from "../../core/clock.ts";
import type { EventHub, LocalSockets } from "../../core/events.ts";
import { silentLog } from "../../core/log.ts";
import { ServiceError } from "../../core/errors.ts";
import { createRedisHub, type HubSettings } from "../../redis/hub/hub.ts";
import { createNodeChannel, type NodeChannel } from "../../redis/nodes/node_channel.ts";
import type { RedisLink } from "../../redis/link.ts";
import type { Nodes } from "../../redis/nodes.ts";
import { FakeRealtime } from "../contract/events_contract.ts";
import { openTestLink } from "../support/redis_link.ts";

/** Who is there, as all nodes see it at once. */
export class Register {
  readonly leaseMs = 1_000;
  readonly #seen = new Map<string, number>();
  readonly #dead = new Set<string>();
  readonly #lapses = new Map<string, (() => void)[]>();
  #count = 0;

  join(): Nodes {
    const id = `node-${++this.#count}`;
    const lapses: (() => void)[] = [];
    this.#lapses.set(id, lapses);
    this.#seen.set(id, Date.now());
    return {
      id,
      leaseMs: this.leaseMs,
      seenAt: (node) => this.#seen.get(node),
      isAlive: (node) => this.#seen.has(node) && !this.#dead.has(node),
      alive: () => [...this.#seen.keys()].filter((node) => !this.#dead.has(node)),
      refresh: () => Promise.resolve(),
      onLeaseLost: (listener) => void lapses.push(listener),
    };
  }

  /** A node counts as gone; it was last seen at `at` (epoch ms). */
  bury(node: string, at = Date.now()): void {
    this.#seen.set(node, at);
    this.#dead.add(node);
  }

  /** A node comes back after it was out of sight. */
  revive(node: string): void {
    this.#dead.delete(node);
    for (const listener of this.#lapses.get(node)!) listener();
  }
}

/** One node, as far as a hub needs it. */
export interface HubNode extends AsyncDisposable {
  readonly id: string;
  readonly hub: EventHub;
  readonly inbox: NodeChannel;
  readonly link: RedisLink;
  readonly nodes: Nodes;
  /** Cuts it off like `kill -9` would. */
  kill(): Promise<void>;
}

/** Opens a hub with a link and an inbox of its own, and starts it. */
export async function openHub(
  url: string,
  {
    register,
    local,
    settings,
    clock = systemClock,
    inboxClock = systemClock,
    fenced = false,
    now,
    wrap = (inbox) => inbox,
  }: {
    readonly register: Register;
    readonly local: LocalSockets;
    readonly settings: HubSettings;
    /** Of audits and of what is tried again. */
    readonly clock?: Clock;
    /** Of the inbox that is read again after a break. */
    readonly inboxClock?: Clock;
    readonly fenced?: boolean;
    /** In place of what time it is for the servers. */
    readonly now?: () => number;
    /** What the hub has for an inbox. */
    readonly wrap?: (inbox: NodeChannel) => NodeChannel;
  },
): Promise<HubNode> {
  const link = await openTestLink(url, now);
  const nodes = register.join();
  const [log, random] = [silentLog, Math.random];
  const inbox = createNodeChannel({ link, nodes, clock: inboxClock, random, log });
  const hub = createRedisHub({
    ...{ link, nodes, channel: wrap(inbox), clock, random, log, fenced },
    settings: () => settings,
  });
  await hub.start(local);
  return {
    ...{ id: nodes.id, hub, inbox, link, nodes },
    async kill() {
      await link[Symbol.asyncDispose]();
      register.bury(nodes.id);
      await inbox.stop();
      await hub[Symbol.asyncDispose]();
    },
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await inbox.stop();
      await link[Symbol.asyncDispose]();
    },
  };
}

/** A node with a fake realtime server. */
export type Place = HubNode & { readonly realtime: FakeRealtime };

/** What tests say of a node. */
export type PlaceOptions = Omit<Parameters<typeof openHub>[1], "register" | "local" | "settings">;

/** Nothing of a test becomes too old or too much. */
const AMPLE: HubSettings = { windowMs: 120_000, maxEventsPerUser: 100 };

/** Runs a test on one node for each of the options. */
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

/** Whether something is refused because Redis cannot be reached. */
export function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof ServiceError && thrown.code === "store_unavailable";
}
