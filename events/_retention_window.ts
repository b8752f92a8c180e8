/**
 * Decides which events are forgotten when: the oldest of all users first. Lists the logs in the
 * order in which events were appended, in blocks of a fraction of the window, so that one timer
 * serves all logs and an event takes no more than a reference.
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { LoggedEvent } from "../core/events.ts";
import type { UserLog } from "./_user_log.ts";

/** Limits of the events in memory. */
export interface WindowLimits {
  readonly windowMs: number;
  readonly maxEventsPerUser: number;
  readonly maxBytes: number;
}

interface WindowOptions {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  readonly limits: () => WindowLimits;
  /** Called with a log after some of its events expired, or when its recheck is due. */
  readonly onAged: (log: UserLog) => void;
}

interface Block {
  /** When it was started, in monotonic milliseconds. */
  readonly at: number;
  /** The log of each event, in the order in which they were appended. */
  readonly events: UserLog[];
  /** How many of them are done. */
  done: number;
  /** Logs to recheck when the block expires. */
  readonly rechecks: Set<UserLog>;
}

/** Blocks in a window: events are kept for up to one block longer than the window. */
const BLOCKS = 32;
/** Bytes that an event takes besides its texts, about. */
const EVENT_BYTES = 256;

/** Appends events to logs and forgets the oldest. */
export class RetentionWindow {
  readonly #options: WindowOptions;
  readonly #blocks: Block[] = [];
  #timer: Timer | undefined;
  #bytes = 0;
  #events = 0;
  /** The limits since the last call of {@link begin}. */
  #limits: WindowLimits;
  #newest: Block | undefined;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.#limits = options.limits();
  }

  get bytes(): number {
    return this.#bytes;
  }

  get events(): number {
    return this.#events;
  }

  /** Must be called before each batch of events that are appended at the same time. */
  begin(): void {
    this.#limits = this.#options.limits();
    this.#newest = undefined;
  }

  /** Appends an event to a log, and forgets the oldest beyond the limits. */
  append(log: UserLog, event: LoggedEvent): void {
    const { maxEventsPerUser, maxBytes } = this.#limits;
    log.append(event);
    (this.#newest ??= this.#block()).events.push(log);
    this.#events++;
    this.#bytes += bytesOf(event);
    while (log.size > maxEventsPerUser) {
      this.#forget(log);
      log.forgottenEarly++;
    }
    while (this.#bytes > maxBytes) this.#forgetOldest();
  }

  /** Has `onAged` called with a log once the window has passed. */
  recheckLater(log: UserLog): void {
    this.#block().rechecks.add(log);
  }

  clear(log: UserLog): void {
    while (log.size > 0) {
      this.#forget(log);
      log.forgottenEarly++;
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#blocks.length = 0;
  }

  #block(): Block {
    const now = this.#options.clock.monotonic();
    const newest = this.#blocks.at(-1);
    if (newest && now - newest.at < this.#blockMs) return newest;
    const block: Block = { at: now, events: [], done: 0, rechecks: new Set() };
    this.#blocks.push(block);
    this.#timer ??= this.#options.clock.after(this.#blockMs, () => this.#age());
    return block;
  }

  get #blockMs(): number {
    return this.#options.limits().windowMs / BLOCKS;
  }

  #age(): void {
    this.#timer = undefined;
    const { windowMs } = this.#options.limits();
    const before = this.#options.clock.monotonic() - windowMs - this.#blockMs;
    while (this.#blocks[0] && this.#blocks[0].at <= before) {
      this.#forgetBlock(this.#blocks.shift()!);
    }
    if (this.#blocks.length === 0) return;
    this.#timer = this.#options.clock.after(this.#blockMs, () => this.#age());
  }

  #forgetBlock(block: Block): void {
    const aged = block.rechecks;
    while (block.done < block.events.length) aged.add(this.#forgetNext(block));
    for (const log of aged) this.#options.onAged(log);
  }

  /** There is one, because the bytes are those of some event. */
  #forgetOldest(): void {
    const block = this.#blocks.find(({ done, events }) => done < events.length)!;
    block.rechecks.add(this.#forgetNext(block));
  }

  #forgetNext(block: Block): UserLog {
    const log = block.events[block.done++]!;
    if (block.done === block.events.length) {
      // Where the byte limit forgets events, a block is done long before it expires.
      block.events.length = 0;
      block.done = 0;
    }
    if (log.forgottenEarly > 0) log.forgottenEarly--;
    else this.#forget(log);
    return log;
  }

  #forget(log: UserLog): void {
    this.#events--;
    this.#bytes -= bytesOf(log.forget()!);
  }
}

function bytesOf({ args, id, context, user }: LoggedEvent): number {
  return EVENT_BYTES + args.length + id.length + context.length + user.length;
}
