/**
 * Repairs what no event reveals: sockets of this process that Redis has lost, and sockets that
 * missed the last event of their user, which no later event shows as a gap. It sweeps over all
 * sockets at intervals, and soon after something may have been lost, slowly enough for a busy
 * Redis.
 */

import { sleep, type Timer } from "../../core/clock.ts";
import { type LocalSocket, type LocalSockets, offsetAt } from "../../core/events.ts";
import { userKey } from "../../core/notification.ts";
import type { SystemDeps } from "../../core/system_deps.ts";
import { REGISTER_SOCKETS } from "./_scripts.ts";
import { formatPresence, socketNameOf, userKeys } from "./_user_state.ts";
import { KEEP_MS } from "./presence.ts";
import { groupByPartition } from "../keys.ts";
import { logUnlessOutage, type RedisLink } from "../link.ts";
import type { Nodes } from "../nodes/registered_nodes.ts";

interface PresenceReconcilerOptions extends SystemDeps {
  readonly link: RedisLink;
  readonly nodes: Pick<Nodes, "id" | "leaseMs" | "alive">;
  readonly local: LocalSockets;
  /** Takes a socket that closed while it was being registered. */
  readonly onClosed: (socket: LocalSocket) => void;
}

const EVERY_MS = 60_000;
/** All nodes hear at the same moment that Redis is available again. */
const JITTER_MS = 1_000;
/** Limits for one node, and for all nodes together with a minimum for each. */
const SOCKETS_PER_SECOND = 2_000;
const ALL_SOCKETS_PER_SECOND = 20_000;
const MIN_SOCKETS_PER_SECOND = 200;
const SOCKETS_PER_CALL = 200;
/** Events younger than this may still be on their way to the socket. */
const DELIVERY_MS = 2_000;
/** A third of the lifetime of a user's state. */
const RENEW_EVERY_MS = KEEP_MS / 3;

/** Sweeps over all sockets until it is stopped. */
export class PresenceReconciler {
  readonly #options: PresenceReconcilerOptions;
  readonly #stopping = new AbortController();
  /**
   * Offset up to which each socket was sent to its log. What the log lacks, the socket never gets,
   * so it is not sent there twice.
   */
  readonly #recoveredTo = new WeakMap<LocalSocket, number>();
  #failure: unknown;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  /** Something may have been lost since the last sweep began. */
  #mayHaveLost = false;
  #renewedAt: number;

  constructor(options: PresenceReconcilerOptions) {
    this.#options = options;
    this.#renewedAt = options.clock.monotonic();
    this.#schedule(EVERY_MS * (0.5 + options.random()));
  }

  /**
   * Starts a sweep in a moment, and another one once the events now under way must have arrived.
   */
  sweepSoon(): void {
    this.#mayHaveLost = true;
    if (!this.#running) this.#schedule(JITTER_MS * this.#options.random());
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#timer?.cancel();
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#running = this.#sweep().finally(() => this.#running = undefined);
    });
  }

  async #sweep(): Promise<void> {
    const { random, log, nodes } = this.#options;
    let mayHaveLost = this.#mayHaveLost;
    this.#mayHaveLost = false;
    try {
      await this.#reconcileAll();
    } catch (thrown) {
      mayHaveLost = true;
      if (!this.#stopping.signal.aborted) {
        logUnlessOutage(thrown, { log, message: "cannot reconcile the presence of sockets" });
      }
    }
    const settledMs = Math.max(DELIVERY_MS, nodes.leaseMs) * (1.5 + random());
    if (this.#mayHaveLost) this.#schedule(JITTER_MS * random());
    else this.#schedule(mayHaveLost ? settledMs : EVERY_MS * (0.5 + random()));
  }

  async #reconcileAll(): Promise<void> {
    const { link, local, clock, nodes } = this.#options;
    const now = clock.monotonic();
    const share = Math.max(MIN_SOCKETS_PER_SECOND, ALL_SOCKETS_PER_SECOND / nodes.alive().length);
    const renew = now - this.#renewedAt >= RENEW_EVERY_MS;
    const page: LocalSocket[] = [];
    for (const socket of local.sockets()) {
      // A socket that is joining learns the end of its log from that.
      if (socket.cursor >= 0) page.push(socket);
      if (page.length < Math.min(SOCKETS_PER_SECOND, share)) continue;
      await this.#reconcile(page.splice(0), renew);
      if (!link.isUp) break;
      await sleep(clock, 1_000, this.#stopping.signal);
    }
    await this.#reconcile(page, renew);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    if (renew) this.#renewedAt = now;
  }

  async #reconcile(sockets: readonly LocalSocket[], renew: boolean): Promise<void> {
    const { local } = this.#options;
    const groups = groupByPartition(sockets, SOCKETS_PER_CALL);
    const results = await Promise.allSettled(
      groups.map(({ items }) => this.#compare(items, renew)),
    );
    const lagging = new Map<string, LocalSocket>();
    for (const result of results) {
      // One master of a Cluster may be unavailable; that must not delay the others.
      if (result.status === "rejected") this.#failure ??= result.reason;
      const found = result.status === "fulfilled" ? result.value : [];
      for (const socket of found) lagging.set(userKey(socket.context, socket.user), socket);
    }
    for (const { context, user } of lagging.values()) local.recover({ context, user });
  }

  /** Registers sockets of one partition; returns those that lag behind their logs. */
  async #compare(sockets: readonly LocalSocket[], renew: boolean): Promise<readonly LocalSocket[]> {
    const { link, local, onClosed } = this.#options;
    const settled = offsetAt(link.now() - DELIVERY_MS);
    const cursors = sockets.map(({ cursor }) => cursor);
    const ends = await this.#register(sockets, renew);
    return sockets.filter((socket, index) => {
      const end = ends[index]!;
      if (!local.socketsOf(socket).some(({ socketId }) => socketId === socket.socketId)) {
        // The registration may have come after the disconnect, and nothing else would remove it.
        onClosed(socket);
        return false;
      }
      const isLagging = cursors[index]! < end && end < settled;
      if (!isLagging || this.#recoveredTo.get(socket) === end) return false;
      this.#recoveredTo.set(socket, end);
      return true;
    });
  }

  /** Registers sockets; returns the end of each user's log. */
  #register(sockets: readonly LocalSocket[], renew: boolean): Promise<readonly number[]> {
    const { link, nodes } = this.#options;
    const keys: string[] = [];
    const args: (string | number)[] = [KEEP_MS, renew ? 1 : 0];
    for (const socket of sockets) {
      const { state, log } = userKeys(socket);
      const { client, id, socketId, heartbeatMs } = socket;
      const record = { client, id, socketId, heartbeatMs, node: nodes.id, joinedAt: link.now() };
      keys.push(state, log);
      args.push(
        socketNameOf(socket),
        formatPresence({ ...record, acknowledged: Math.max(0, socket.acknowledged) }),
      );
    }
    return link.run(REGISTER_SOCKETS, keys, args) as Promise<readonly number[]>;
  }
}
