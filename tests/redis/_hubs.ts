/** Hubs of several nodes in one process, on a real Redis, with a register that a test decides. */

import { type Clock, systemClock } from "../../core/clock.ts";
import type { EventHub, LocalSockets } from "../../core/events.ts";
import { silentLog } from "../../core/log.ts";
import { createRedisHub, type HubSettings } from "../../redis/hub.ts";
import { createInbox, type Inbox } from "../../redis/inbox.ts";
import type { RedisLink } from "../../redis/link.ts";
import type { Nodes } from "../../redis/nodes.ts";
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
      onLapse: (listener) => void lapses.push(listener),
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
  readonly inbox: Inbox;
  readonly link: RedisLink;
  readonly nodes: Nodes;
  /** Cuts it off like `kill -9` would. */
  kill(): Promise<void>;
}

/** Opens a hub with a link and an inbox of its own, and starts it. */
export async function openHub(
  url: string,
  { register, local, settings, clock = systemClock, fenced = false, random = Math.random }: {
    readonly register: Register;
    readonly local: LocalSockets;
    readonly settings: HubSettings;
    /** Of audits and of what is tried again. */
    readonly clock?: Clock;
    readonly fenced?: boolean;
    readonly random?: () => number;
  },
): Promise<HubNode> {
  const link = await openTestLink(url);
  const nodes = register.join();
  const log = silentLog;
  const inbox = createInbox({ link, nodes, clock: systemClock, random, log });
  const hub = createRedisHub({
    ...{ link, nodes, inbox, clock, random, log, fenced },
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
