/**
 * Looks after what nobody would notice: that the sockets of this process are known to the others,
 * also after Redis has lost its memory; and that none of them has missed the last event of its
 * user, which no later one gives away. Goes through all sockets now and then, and soon after
 * whatever may have lost something, at a pace that a busy Redis does not feel.
 */

import { type Clock, sleep, type Timer } from "../../core/clock.ts";
import { messageOf, ServiceError } from "../../core/errors.ts";
import { type LocalSocket, type LocalSockets, offsetAt } from "../../core/events.ts";
import type { Log } from "../../core/log.ts";
import { userKey } from "../../core/notification.ts";
import { ANNOUNCE } from "./_scripts.ts";
import { formatPresence, userKeys, userNameOf } from "./_user_state.ts";
import { KEEP_MS } from "./presence.ts";
import { groupByPartition } from "../keys.ts";
import type { RedisLink } from "../link.ts";
import type { Nodes } from "../nodes/registered_nodes.ts";

/** What an audit needs. */
interface PresenceReconcilerOptions {
  readonly link: RedisLink;
  readonly nodes: Pick<Nodes, "id" | "leaseMs" | "alive">;
  readonly local: LocalSockets;
  /** Takes a socket that has closed while it was announced. */
  readonly onClosed: (seat: LocalSocket) => void;
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
}

const EVERY_MS = 60_000;
/** All nodes hear at the same moment that Redis is back. */
const SPREAD_MS = 1_000;
/** Of one node, and of all together; but of each at least so many. */
const SEATS_PER_SECOND = 2_000;
const ALL_SEATS_PER_SECOND = 20_000;
const MIN_SEATS_PER_SECOND = 200;
const SEATS_PER_CALL = 200;
/** What is younger is being told at this moment, as far as anybody knows. */
const TELLING_MS = 2_000;
/** A third of the time that lines are kept for. */
const RENEW_EVERY_MS = KEEP_MS / 3;

/** The rounds of audits, until it is stopped. */
export class PresenceReconciler {
  readonly #options: PresenceReconcilerOptions;
  readonly #stopping = new AbortController();
  /** Up to where sockets have been sent to the log; what it does not have, they will never get. */
  readonly #sentTo = new WeakMap<LocalSocket, number>();
  #failure: unknown;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  /** Something may have been lost since the last round began. */
  #isDoubtful = false;
  #renewedAt: number;

  constructor(options: PresenceReconcilerOptions) {
    this.#options = options;
    this.#renewedAt = options.clock.monotonic();
    this.#schedule(EVERY_MS * (0.5 + options.random()));
  }

  /** Has a round begin in a moment, and another when what is under way now has come or not. */
  soon(): void {
    this.#isDoubtful = true;
    if (!this.#running) this.#schedule(SPREAD_MS * this.#options.random());
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
      this.#running = this.#round().finally(() => this.#running = undefined);
    });
  }

  async #round(): Promise<void> {
    const { random, log, nodes } = this.#options;
    let isDoubtful = this.#isDoubtful;
    this.#isDoubtful = false;
    try {
      await this.#look();
    } catch (thrown) {
      isDoubtful = true;
      // That Redis is away is told by the link, and so is its return.
      if (!(thrown instanceof ServiceError) && !this.#stopping.signal.aborted) {
        log.error("the sockets could not be audited", { reason: messageOf(thrown) });
      }
    }
    const settledMs = Math.max(TELLING_MS, nodes.leaseMs) * (1.5 + random());
    if (this.#isDoubtful) this.#schedule(SPREAD_MS * random());
    else this.#schedule(isDoubtful ? settledMs : EVERY_MS * (0.5 + random()));
  }

  async #look(): Promise<void> {
    const { link, local, clock, nodes } = this.#options;
    const now = clock.monotonic();
    const share = Math.max(MIN_SEATS_PER_SECOND, ALL_SEATS_PER_SECOND / nodes.alive().length);
    const renew = now - this.#renewedAt >= RENEW_EVERY_MS;
    const page: LocalSocket[] = [];
    for (const seat of local.sockets()) {
      // One that is joining is told where the log ends by that.
      if (seat.cursor >= 0) page.push(seat);
      if (page.length < Math.min(SEATS_PER_SECOND, share)) continue;
      await this.#lookAt(page.splice(0), renew);
      if (!link.isUp) break;
      await sleep(clock, 1_000, this.#stopping.signal);
    }
    await this.#lookAt(page, renew);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    if (renew) this.#renewedAt = now;
  }

  async #lookAt(seats: readonly LocalSocket[], renew: boolean): Promise<void> {
    const { local } = this.#options;
    const groups = groupByPartition(seats, SEATS_PER_CALL);
    const looks = await Promise.allSettled(groups.map(({ items }) => this.#compare(items, renew)));
    const behind = new Map<string, LocalSocket>();
    for (const look of looks) {
      // One master of a Cluster may be away; the others are not held up by that.
      if (look.status === "rejected") this.#failure ??= look.reason;
      else for (const seat of look.value) behind.set(userKey(seat.context, seat.user), seat);
    }
    for (const { context, user } of behind.values()) local.recover({ context, user });
  }

  /** Announces sockets of one partition; those that have to look into their logs. */
  async #compare(seats: readonly LocalSocket[], renew: boolean): Promise<readonly LocalSocket[]> {
    const { link, local, onClosed } = this.#options;
    const settled = offsetAt(link.now() - TELLING_MS);
    const cursors = seats.map(({ cursor }) => cursor);
    const ends = await this.#announce(seats, renew);
    return seats.filter((seat, index) => {
      const end = ends[index]!;
      if (!local.socketsOf(seat).some(({ socketId }) => socketId === seat.socketId)) {
        // An announcement that overtakes a goodbye would be taken back by nobody.
        onClosed(seat);
        return false;
      }
      const isBehind = cursors[index]! < end && end < settled;
      if (!isBehind || this.#sentTo.get(seat) === end) return false;
      this.#sentTo.set(seat, end);
      return true;
    });
  }

  /** Where the logs of the users of these sockets end. */
  #announce(seats: readonly LocalSocket[], renew: boolean): Promise<readonly number[]> {
    const { link, nodes } = this.#options;
    const keys: string[] = [];
    const args: (string | number)[] = [KEEP_MS, renew ? 1 : 0];
    for (const seat of seats) {
      const { state, log } = userKeys(seat);
      const { client, id, socketId, heartbeatMs } = seat;
      const line = { client, id, socketId, heartbeatMs, node: nodes.id, joinedAt: link.now() };
      keys.push(state, log);
      args.push(
        userNameOf(seat),
        formatPresence({ ...line, floor: Math.max(0, seat.acknowledged) }),
      );
    }
    return link.run(ANNOUNCE, keys, args) as Promise<readonly number[]>;
  }
}
