/**
 * The event hub of several nodes: presence and event logs in Redis, and messages between nodes. It
 * connects the other files of this folder. It appends an event to the log of its user first, then
 * delivers it to the user's sockets in this process, and sends it to each other node that holds
 * sockets of the user.
 */

import { sleep } from "../../core/clock.ts";
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
import type { SystemDeps } from "../../core/system_deps.ts";
import { PresenceReconciler } from "./_presence_reconciler.ts";
import { DisconnectQueue } from "./_disconnect_queue.ts";
import { parseEvents } from "./_event_codec.ts";
import { RemoteEvents } from "./_remote_events.ts";
import { createPresenceReader } from "./_user_state.ts";
import {
  type Appended,
  appendEvents,
  groupByNode,
  type HubSettings,
  readMissedEvents,
} from "./event_log.ts";
import type { NodeChannel } from "../nodes/node_channel.ts";
import type { RedisLink } from "../link.ts";
import type { Nodes } from "../nodes/registered_nodes.ts";
import { joinUser, type PresenceOptions, readPresence } from "./presence.ts";

/** Options of {@link RedisHub}. The caller keeps and closes link, nodes and channel. */
interface RedisHubOptions extends SystemDeps {
  readonly link: RedisLink;
  readonly nodes: Nodes;
  /** The hub starts it; other listeners must be added before. */
  readonly channel: NodeChannel;
  readonly settings: () => HubSettings;
  /**
   * Whether events are notifications of the buffer, which are refused where another node has
   * claimed them since.
   *
   * @default {true}
   */
  readonly fenced?: boolean;
  /** Returns the segment of the buffer that a notification was claimed with, if it was. */
  readonly segmentNameOf?: (id: string) => string | undefined;
}

const STOP_TRIES = 5;
const STOP_PAUSE_MS = 200;

/** An event hub on Redis. */
export class RedisHub implements EventHub {
  readonly #options: RedisHubOptions;
  readonly #disconnects: DisconnectQueue;
  readonly #remote: RemoteEvents;
  /** The options for reads of presence and logs. */
  readonly #reader: Pick<PresenceOptions, "link" | "view" | "readPresences">;
  /** Joins under way, by Socket.IO id. */
  readonly #joining = new Map<string, Promise<JoinResult>>();
  #local: LocalSockets = NO_SOCKETS;
  #reconciler: PresenceReconciler | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: RedisHubOptions) {
    const { link, nodes, settings } = options;
    this.#options = options;
    this.#remote = new RemoteEvents(options.channel);
    this.#reader = {
      link,
      view: () => ({ now: link.now(), windowMs: settings().windowMs, nodes }),
      readPresences: createPresenceReader(),
    };
    this.#disconnects = new DisconnectQueue({ ...options, windowMs: () => settings().windowMs });
  }

  start(local: LocalSockets): Promise<void> {
    const { channel, nodes, link } = this.#options;
    this.#local = local;
    const reconciler = this.#reconciler = new PresenceReconciler({
      ...{ ...this.#options, local },
      onClosed: (socket) => this.#disconnects.add(socket, socket.acknowledged),
    });
    channel.on("events", (body) => {
      for (const event of parseEvents(body)) local.deliver(event);
    });
    channel.onGap(() => reconciler.sweepSoon());
    nodes.onLeaseLost(() => reconciler.sweepSoon());
    link.onUp(() => reconciler.sweepSoon());
    channel.start();
    return Promise.resolve();
  }

  async presence(users: readonly UserName[]): Promise<readonly (readonly Presence[])[]> {
    await this.#flushDisconnects();
    const found = await readPresence(users, this.#reader);
    return found.map((present, at) => this.#withLocal(present, users[at]!));
  }

  async publish(
    events: readonly UserEvent[],
    { isRepeat, isClaimed = true }: { readonly isRepeat: boolean; readonly isClaimed?: boolean },
  ): Promise<ReadonlySet<string>> {
    const { link, nodes, settings, fenced = true, segmentNameOf = () => undefined } = this.#options;
    await this.#flushDisconnects();
    return await appendEvents(events, {
      ...{ link, isRepeat, ...settings(), readPresences: this.#reader.readPresences },
      claimedBy: fenced && isClaimed ? nodes.id : undefined,
      segmentNameOf,
      onAppended: (appended) => this.#deliver(appended),
    });
  }

  async join(socket: SocketPresence): Promise<JoinResult> {
    const joining = this.#join(socket);
    this.#joining.set(socket.socketId, joining);
    try {
      return await joining;
    } finally {
      this.#joining.delete(socket.socketId);
    }
  }

  leave(socket: SocketPresence, acknowledged?: number): void {
    const joining = this.#joining.get(socket.socketId);
    if (joining === undefined) return this.#disconnects.add(socket, acknowledged);
    // After the join, because a disconnect that is written before it would have no effect.
    const add = () => this.#disconnects.add(socket, acknowledged);
    void joining.then(add, add);
  }

  async readMissed(user: UserName, after: number): Promise<MissedEvents> {
    await this.#flushDisconnects();
    return await readMissedEvents(user, after, this.#reader);
  }

  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#disconnects.close();
  }

  async #join(socket: SocketPresence): Promise<JoinResult> {
    await this.#flushDisconnects();
    return await joinUser(socket, {
      ...this.#reader,
      acknowledgedFor: (user, socketId) =>
        this.#disconnects.acknowledgedFor(socketId) ??
          this.#local.socketsOf(user).find((each) => each.socketId === socketId)?.acknowledged,
    });
  }

  /** Adds sockets of this process that Redis has lost and that are not registered again yet. */
  #withLocal(present: readonly Presence[], user: UserName): readonly Presence[] {
    let all = present;
    for (const { client, id, socketId } of this.#local.socketsOf(user)) {
      if (present.some((one) => one.socketId === socketId)) continue;
      all = [...all, { client, id, socketId, open: true }];
    }
    return all;
  }

  /** Writes disconnects first, so that reads do not see closed sockets as open. */
  async #flushDisconnects(): Promise<void> {
    if (!this.#disconnects.isIdle) await this.#disconnects.flush();
  }

  async #deliver(appended: readonly Appended[]): Promise<void> {
    const { nodes } = this.#options;
    for (const { event } of appended) {
      if (this.#local.socketsOf(event).length > 0) this.#local.deliver(event);
    }
    const remote = groupByNode(appended, this.#reader.view());
    const sent: Promise<void>[] = [];
    for (const [node, events] of remote) {
      if (node !== nodes.id) sent.push(this.#remote.send(node, events));
    }
    await Promise.all(sent);
  }

  async #stop(): Promise<void> {
    await this.#reconciler?.stop();
    await Promise.allSettled(this.#joining.values());
    // In one batch, while they are still among the local sockets.
    for (const socket of this.#local.sockets()) this.#disconnects.add(socket, socket.acknowledged);
    // If Redis stays unavailable, the sockets count as closed when this node does.
    for (let tries = 1; !await this.#disconnects.retry() && tries < STOP_TRIES; tries++) {
      await sleep(this.#options.clock, STOP_PAUSE_MS);
    }
  }
}

const NONE: readonly LocalSocket[] = [];
const NO_SOCKETS: LocalSockets = {
  deliver() {},
  sockets: () => NONE,
  socketsOf: () => NONE,
  recover() {},
};
