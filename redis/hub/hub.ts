/**
 * The event hub of many nodes: presence and event logs in Redis, and inboxes from node to node.
 * Each part is a file of its own; here they meet. An event is in the logs of its users before any
 * socket is told; then the sockets of this process are told directly, and each other node that
 * holds sockets of its user by one message per batch.
 */

import { sleep } from "../../core/clock.ts";
import type { Clock } from "../../core/clock.ts";
import type {
  EventHub,
  JoinResult,
  LocalSocket,
  LocalSockets,
  MissedEvents,
  Presence,
  SocketPresence,
  UserEvent,
  UserName,
} from "../../core/events.ts";
import type { Log } from "../../core/log.ts";
import { PresenceReconciler } from "./_presence_reconciler.ts";
import { DisconnectQueue } from "./_disconnect_queue.ts";
import { formatEvents, parseEvents } from "./_event_codec.ts";
import { createPresenceReader } from "./_user_state.ts";
import { type Appended, appendEvents, byNode, readMissedEvents } from "./event_log.ts";
import type { NodeChannel } from "../nodes/node_channel.ts";
import type { RedisLink } from "../link.ts";
import type { Nodes } from "../nodes/registered_nodes.ts";
import { joinUser, type PresenceOptions, readPresence } from "./presence.ts";

/** The numbers that an operator sets. */
export interface HubSettings {
  /** How long the logs go back (ms). */
  readonly windowMs: number;
  readonly maxEventsPerUser: number;
}

/** What the hub is made of. Link, nodes and inbox are borrowed. */
export interface RedisHubOptions {
  readonly link: RedisLink;
  readonly nodes: Nodes;
  /** Is started with the hub; whatever else listens to it must do so before. */
  readonly channel: NodeChannel;
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
  readonly settings: () => HubSettings;
  /**
   * Events are notifications of the buffer, and refused where another node has claimed them since.
   * @default {true}
   */
  readonly fenced?: boolean;
}

/** A hub on Redis. */
export function createRedisHub(options: RedisHubOptions): EventHub {
  return new RedisHub(options);
}

const STOP_TRIES = 5;
const STOP_PAUSE_MS = 200;

class RedisHub implements EventHub {
  readonly #options: RedisHubOptions;
  readonly #departures: DisconnectQueue;
  /** What reading takes. */
  readonly #reading: Pick<PresenceOptions, "link" | "view" | "readPresences">;
  /** By socket. */
  readonly #joining = new Map<string, Promise<JoinResult>>();
  #local: LocalSockets = NOBODY;
  #audit: PresenceReconciler | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: RedisHubOptions) {
    const { link, nodes, settings } = options;
    this.#options = options;
    this.#reading = {
      link,
      view: () => ({ now: link.now(), windowMs: settings().windowMs, nodes }),
      readPresences: createPresenceReader(),
    };
    this.#departures = new DisconnectQueue({ ...options, windowMs: () => settings().windowMs });
  }

  start(local: LocalSockets): Promise<void> {
    const { channel, nodes, link } = this.#options;
    this.#local = local;
    const audit = this.#audit = new PresenceReconciler({
      ...{ ...this.#options, local },
      onClosed: (seat) => this.#departures.add(seat, seat.acknowledged),
    });
    channel.on("events", (body) => {
      for (const event of parseEvents(body)) local.deliver(event);
    });
    channel.onGap(() => audit.soon());
    nodes.onLeaseLost(() => audit.soon());
    link.onUp(() => audit.soon());
    channel.start();
    return Promise.resolve();
  }

  async presence(users: readonly UserName[]): Promise<readonly (readonly Presence[])[]> {
    await this.#settled();
    const found = await readPresence(users, this.#reading);
    return found.map((present, at) => this.#withOwn(present, users[at]!));
  }

  async publish(
    events: readonly UserEvent[],
    { isRepeat, isClaimed = true }: { readonly isRepeat: boolean; readonly isClaimed?: boolean },
  ): Promise<ReadonlySet<string>> {
    const { link, nodes, settings, fenced = true } = this.#options;
    await this.#settled();
    return await appendEvents(events, {
      ...{ link, isRepeat, ...settings(), readPresences: this.#reading.readPresences },
      claimedBy: fenced && isClaimed ? nodes.id : undefined,
      onAppended: (appended) => this.#tell(appended),
    });
  }

  async join(seat: SocketPresence): Promise<JoinResult> {
    const joining = this.#join(seat);
    this.#joining.set(seat.socketId, joining);
    try {
      return await joining;
    } finally {
      this.#joining.delete(seat.socketId);
    }
  }

  leave(seat: SocketPresence, acknowledged?: number): void {
    const joining = this.#joining.get(seat.socketId);
    if (joining === undefined) return this.#departures.add(seat, acknowledged);
    // Otherwise the goodbye might come first, and the seat would be taken for ever.
    const add = () => this.#departures.add(seat, acknowledged);
    void joining.then(add, add);
  }

  async readMissed(user: UserName, after: number): Promise<MissedEvents> {
    await this.#settled();
    return await readMissedEvents(user, after, this.#reading);
  }

  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#departures.close();
  }

  async #join(seat: SocketPresence): Promise<JoinResult> {
    await this.#settled();
    return await joinUser(seat, {
      ...this.#reading,
      acknowledgedFor: (user, socketId) =>
        this.#departures.acknowledgedFor(socketId) ??
          this.#local.socketsOf(user).find((each) => each.socketId === socketId)?.acknowledged,
    });
  }

  /**
   * Adds the sockets here that Redis does not know: it has lost its memory, and they are not
   * announced again yet.
   */
  #withOwn(present: readonly Presence[], user: UserName): readonly Presence[] {
    let all = present;
    for (const { client, id, socketId } of this.#local.socketsOf(user)) {
      if (present.some((one) => one.socketId === socketId)) continue;
      all = [...all, { client, id, socketId, open: true }];
    }
    return all;
  }

  /** Sockets that have just closed are known to have. */
  async #settled(): Promise<void> {
    if (!this.#departures.isIdle) await this.#departures.flush();
  }

  async #tell(appended: readonly Appended[]): Promise<void> {
    const { nodes, channel } = this.#options;
    for (const { event } of appended) {
      if (this.#local.socketsOf(event).length > 0) this.#local.deliver(event);
    }
    const remote = byNode(appended, this.#reading.view());
    const sent: Promise<void>[] = [];
    for (const [node, events] of remote) {
      if (node !== nodes.id) sent.push(channel.send(node, "events", formatEvents(events)));
    }
    await Promise.all(sent);
  }

  async #stop(): Promise<void> {
    await this.#audit?.stop();
    await Promise.allSettled(this.#joining.values());
    // All at once: they are still among the local seats when they close.
    for (const seat of this.#local.sockets()) this.#departures.add(seat, seat.acknowledged);
    // Where Redis stays away, they count as left when this node does.
    for (let tries = 1; !await this.#departures.retry() && tries < STOP_TRIES; tries++) {
      await sleep(this.#options.clock, STOP_PAUSE_MS);
    }
  }
}

const NONE: readonly LocalSocket[] = [];
const NOBODY: LocalSockets = {
  deliver() {},
  sockets: () => NONE,
  socketsOf: () => NONE,
  recover() {},
};
