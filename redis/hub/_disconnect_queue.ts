/**
 * Tells Redis which sockets have closed. Those of one turn of the event loop go together, and
 * before whatever is asked next, so that it sees them; what could not be told is told later, which
 * does no harm: a goodbye counts only for the very socket that it is for.
 */

import type { Clock, Timer } from "../../core/clock.ts";
import { messageOf, ServiceError } from "../../core/errors.ts";
import type { SocketPresence } from "../../core/events.ts";
import type { Log } from "../../core/log.ts";
import { LEAVE } from "./_scripts.ts";
import { userKeys, userNameOf } from "./_user_state.ts";
import { groupByPartition } from "../keys.ts";
import type { RedisLink } from "../link.ts";

/** What departures need. */
interface DisconnectQueueOptions {
  readonly link: RedisLink;
  readonly windowMs: () => number;
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
}

interface Departure extends SocketPresence {
  readonly acknowledged: number | undefined;
}

const PER_CALL = 200;
const RETRY_MS = 500;
/** Those beyond count as left when this node does. */
const MAX_WAITING = 100_000;

/** Sockets that have closed and are not known to have. */
export class DisconnectQueue {
  readonly #options: DisconnectQueueOptions;
  /** By socket. */
  #waiting = new Map<string, Departure>();
  #sending: Promise<void> | undefined;
  #isDue = false;
  #retry: Timer | undefined;

  constructor(options: DisconnectQueueOptions) {
    this.#options = options;
    options.link.onUp(() => void this.retry());
  }

  add(seat: SocketPresence, acknowledged: number | undefined): void {
    const { context, user, client, id, socketId, heartbeatMs } = seat;
    if (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(socketId)) return;
    this.#waiting.set(socketId, { context, user, client, id, socketId, heartbeatMs, acknowledged });
    if (this.#isDue || this.#retry) return;
    this.#isDue = true;
    queueMicrotask(() => void this.flush());
  }

  /** What was proven for a socket whose goodbye has not arrived yet. */
  acknowledgedFor(socketId: string): number | undefined {
    return this.#waiting.get(socketId)?.acknowledged;
  }

  /** Whether there is anything to wait for before the next question. */
  get isIdle(): boolean {
    return this.#retry !== undefined ||
      (this.#waiting.size === 0 && this.#sending === undefined);
  }

  /** Resolves when all that were added before have been told, or could not be. Never rejects. */
  async flush(): Promise<void> {
    while (this.#sending) await this.#sending;
    this.#isDue = false;
    if (this.#waiting.size === 0 || this.#retry !== undefined) return;
    // It says when it is up again.
    if (!this.#options.link.isUp) return;
    this.#sending = this.#send().finally(() => this.#sending = undefined);
    await this.#sending;
  }

  /** Tells at once what could not be told before; false where it cannot be told now either. */
  async retry(): Promise<boolean> {
    this.#retry?.cancel();
    this.#retry = undefined;
    await this.flush();
    return this.#waiting.size === 0;
  }

  /** Gives up what could not be told. */
  close(): void {
    this.#retry?.cancel();
    this.#waiting.clear();
  }

  async #send(): Promise<void> {
    const departures = [...this.#waiting.values()];
    this.#waiting = new Map();
    const groups = groupByPartition(departures, PER_CALL);
    const failed = (await Promise.all(groups.map(({ items }) => this.#tell(items)))).flat();
    if (failed.length === 0) return;
    // Whatever was added meanwhile is newer.
    const newer = this.#waiting;
    this.#waiting = new Map(failed.map((each) => [each.socketId, each]));
    for (const [socketId, each] of newer) this.#waiting.set(socketId, each);
    const { clock, random } = this.#options;
    this.#retry = clock.after(RETRY_MS * (0.5 + random()), () => void this.retry());
  }

  /** Those that it could not tell. */
  async #tell(departures: readonly Departure[]): Promise<readonly Departure[]> {
    const { link, windowMs, log } = this.#options;
    const keys = departures.flatMap((each) => {
      const { state, visits } = userKeys(each);
      return [state, visits];
    });
    const each = departures.flatMap((seat) => {
      const connection = seat.id === seat.socketId ? "" : seat.id;
      return [userNameOf(seat), seat.acknowledged ?? "gone", connection];
    });
    try {
      await link.run(LEAVE, keys, [windowMs(), ...each]);
      return [];
    } catch (thrown) {
      if (thrown instanceof ServiceError) return departures;
      log.error("sockets that closed could not be noted", { reason: messageOf(thrown) });
      return [];
    }
  }
}
