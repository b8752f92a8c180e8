/**
 * What is to be forgotten when. Logs are noted in the order in which something was added to them,
 * in blocks of a fraction of the window, so that one timer does for all of them and an event costs
 * no more than a reference. The oldest events go first, whosever they are.
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { LoggedEvent } from "../core/events.ts";
import type { UserLog } from "./_user_log.ts";

/** Limits of what is remembered. */
export interface WindowLimits {
  readonly windowMs: number;
  readonly maxEventsPerUser: number;
  readonly maxBytes: number;
}

/** What a window is made of. */
export interface WindowOptions {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  readonly limits: () => WindowLimits;
  /** Told of a log that something was forgotten of, or that was to be looked at. */
  readonly onAged: (log: UserLog) => void;
}

interface Block {
  /** Monotonic milliseconds of its first note. */
  readonly at: number;
  /** One for each event, in the order of their coming. */
  readonly events: UserLog[];
  /** How many of these are dealt with. */
  done: number;
  /** Logs to look at when the block has aged. */
  readonly looks: Set<UserLog>;
}

/** Blocks in a window: things are remembered for up to so much of it longer. */
const BLOCKS = 32;
/** What an event takes beside its texts, about. */
const EVENT_BYTES = 256;

/** See the file's comment. */
export class RetentionWindow {
  readonly #options: WindowOptions;
  readonly #blocks: Block[] = [];
  #timer: Timer | undefined;
  #bytes = 0;
  #events = 0;
  /** What holds for what is appended now; see {@link begin}. */
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

  /** To be called before some events are appended at the same time. */
  begin(): void {
    this.#limits = this.#options.limits();
    this.#newest = undefined;
  }

  /** Appends an event to a log, and forgets what is then too much. */
  append(log: UserLog, event: LoggedEvent): void {
    const { maxEventsPerUser, maxBytes } = this.#limits;
    log.append(event);
    (this.#newest ??= this.#block()).events.push(log);
    this.#events++;
    this.#bytes += bytesOf(event);
    while (log.size > maxEventsPerUser) {
      this.#forget(log);
      log.wentAhead++;
    }
    while (this.#bytes > maxBytes) this.#forgetOldest();
  }

  /** Has a log looked at once the window has passed. */
  look(log: UserLog): void {
    this.#block().looks.add(log);
  }

  /** Forgets all events of a log. */
  clear(log: UserLog): void {
    while (log.size > 0) {
      this.#forget(log);
      log.wentAhead++;
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
    const block: Block = { at: now, events: [], done: 0, looks: new Set() };
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
    const aged = block.looks;
    while (block.done < block.events.length) aged.add(this.#forgetNext(block));
    for (const log of aged) this.#options.onAged(log);
  }

  /** There is one: the bytes are some event's. */
  #forgetOldest(): void {
    const block = this.#blocks.find(({ done, events }) => done < events.length)!;
    block.looks.add(this.#forgetNext(block));
  }

  #forgetNext(block: Block): UserLog {
    const log = block.events[block.done++]!;
    if (block.done === block.events.length) {
      // Where the oldest go because of their bytes, a block is done long before it has aged.
      block.events.length = 0;
      block.done = 0;
    }
    if (log.wentAhead > 0) log.wentAhead--;
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
