/**
 * The embedded buffer: a working set in memory over a log in the store. It delays, merges what is
 * similar, and hands due batches to the processors, no context before its turn; it neither knows
 * who wants a notification nor how it gets there. Several may share one store: each hands over what
 * it has accepted, and takes over from those that are gone.
 */

import { type Clock, type Timer } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import { DELAY_FACTOR, type Notification } from "../core/notification.ts";
import type { Store } from "../core/store.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import type { Sets } from "./_commit_parts.ts";
import { aggregationKey, merge, mergedRecords } from "./aggregation.ts";
import type {
  BatchHandler,
  Buffer,
  BufferDepth,
  BufferSettings,
  BufferTraits,
  Handover,
  LedgerName,
} from "./buffer.ts";
import { DelayQueue, type Waiting } from "./delay_queue.ts";
import { Processor } from "./processor.ts";
import { SegmentLog } from "./segment_log.ts";

/** What an embedded buffer needs. */
export interface LogBufferOptions {
  readonly clock: Clock;
  /** Read anew each time, so that a reload counts at once. */
  readonly settings: () => BufferSettings;
  /** Milliseconds that the ledger keeps a record. */
  readonly retentionMs: () => number;
  /** Lets I/O have its turn between two jobs. */
  readonly yieldToEventLoop: YieldToEventLoop;
  /** Notifications in one job. @default {64} */
  readonly jobSize?: number;
  /** From 0 (inclusive) to 1 (exclusive); spreads pauses. None: they are all alike. */
  readonly random?: () => number;
  /** See {@link SegmentLogOptions.leaseMs}. */
  readonly leaseMs?: number;
  readonly onMerged?: () => void;
  /** On a shared store, after the start: so many were taken over from a process that is gone. */
  readonly onFailover?: (count: number) => void;
  /** On a shared store: so many that were in flight here have been taken over by others. */
  readonly onLeaseLost?: (count: number) => void;
  readonly onCommit?: (changes: number, seconds: number) => void;
  /** Something broke that is tried again, or a handler threw. */
  readonly onFault?: (thrown: unknown) => void;
}

interface Entry extends Waiting {
  notification: Notification;
  /** Monotonic milliseconds that it is never put off beyond. */
  latest: number;
}

const NONE: readonly never[] = [];
/** After how long something that was handed over comes again; about. */
const AGAIN_MS = 1_000;

/** A buffer for one process. */
export class LogBuffer implements Buffer {
  readonly traits: BufferTraits;
  readonly #options: LogBufferOptions;
  readonly #log: SegmentLog;
  readonly #queue = new DelayQueue<Entry>(({ notification }) => notification.context);
  /** Ids that were merged into the one they are listed under. */
  readonly #merged = new Map<string, readonly Notification[]>();
  /** Ids of those in flight that may have been handed over before, beside those that were found. */
  readonly #again = new Set<string>();
  readonly #processor: Processor<Notification>;
  #accepting = 0;
  #handle: BatchHandler | undefined;
  #ticker: Timer | undefined;
  #stopped = false;
  /** The processors had no room for all that was due; the rest follows as they get on. */
  #heldBack = false;

  constructor(store: Store, options: LogBufferOptions) {
    this.#options = options;
    this.traits = { takesRecords: true, shared: store.traits.shared };
    this.#log = new SegmentLog(store, options);
    this.#processor = new Processor<Notification>({
      concurrency: () => options.settings().numProcessorThreads,
      maxWaiting: () => options.settings().maxProcessorTasks,
      jobSize: options.jobSize ?? 256,
      tenantOf: ({ context }) => context,
      run: (batch) => this.#work(batch),
      onFault: (thrown) => options.onFault?.(thrown),
      yieldToEventLoop: options.yieldToEventLoop,
    });
  }

  async start(handle: BatchHandler): Promise<number> {
    this.#handle = handle;
    if (!this.traits.shared) return await this.#log.readBack((read) => this.#resume(read));
    const recovered = await this.#log.recover({
      hasRoom: () => this.#hasRoom(1),
      onFailover: (taken) => {
        this.#options.onFailover?.(taken.length);
        this.#resume(taken);
      },
      onLeaseLost: (count) => this.#lapse(count),
    });
    this.#resume(recovered);
    return recovered.length;
  }

  async put(given: readonly Notification[], sets: Sets = []): Promise<void> {
    const waits = this.#options.settings().delayDuration > 0;
    const notifications = waits ? given.map(withOwnData) : given;
    if (this.#stopped) {
      const message = "Cannot accept: this node is stopping";
      throw new ServiceError("draining", message, { retryAfterSeconds: 1 });
    }
    if (!this.#hasRoom(notifications.length)) {
      throw new ServiceError(
        "buffer_full",
        `Cannot accept ${notifications.length} more: the buffer holds ${this.#log.inFlight}`,
        { retryAfterSeconds: 1 },
      );
    }
    this.#accepting += notifications.length;
    let isOwn = true;
    try {
      isOwn = await this.#log.append(notifications, sets);
    } finally {
      this.#accepting -= notifications.length;
    }
    // Stopped meanwhile: it stays in the log, for the next start.
    if (this.#stopped || !isOwn) return;
    if (waits) {
      for (const notification of notifications) this.#wait(notification);
    } else if (this.#queue.size > 0 || notifications.length > this.#processor.room) {
      for (const notification of notifications) this.#wait(notification);
      this.#handOver();
    } else this.#processor.offer(notifications);
    this.#schedule();
  }

  settle(record: LedgerRecord): readonly LedgerRecord[] {
    this.#log.settle(record);
    if (this.#again.size > 0) this.#again.delete(record.id);
    const merged = this.#merged.size > 0 ? this.#merged.get(record.id) : undefined;
    if (!merged) return NONE;
    this.#merged.delete(record.id);
    const records = mergedRecords(merged, record);
    for (const each of records) this.#log.settle(each);
    return records;
  }

  release(id: string): void {
    const accepted = this.#log.waiting(id);
    if (!accepted) return;
    this.#giveAgain([...this.#merged.get(id) ?? NONE, accepted].reduce(merge));
  }

  amend({ id }: LedgerName, change: (record: LedgerRecord) => LedgerRecord): Promise<boolean> {
    return this.#log.amend(id, change);
  }

  async record({ id }: LedgerName): Promise<LedgerRecord | undefined> {
    const found = await this.#log.find(id);
    return found && "state" in found ? found : undefined;
  }

  find(id: string): Promise<LedgerRecord | Notification | undefined> {
    return this.#log.find(id);
  }

  depth(): BufferDepth {
    return {
      waiting: this.#queue.size,
      due: this.#processor.waiting,
      running: this.#processor.running,
      inFlight: this.#log.inFlight,
    };
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#log.stopFailover();
    this.#ticker?.cancel();
    do this.#handOver(); while (
      await this.#processor.idle(), this.#queue.hasDue(this.#options.clock.monotonic())
    );
  }

  async close(): Promise<void> {
    try {
      await this.#log.flush();
    } finally {
      await this.#log.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.close();
  }

  #hasRoom(count: number): boolean {
    const { maxNotifications, maxBytes } = this.#options.settings();
    return this.#log.inFlight + this.#accepting + count <= maxNotifications &&
      this.#log.bytes <= maxBytes;
  }

  /** What was waiting begins its delay again, which needs no clock that survived the restart. */
  #resume(notifications: readonly Notification[]): void {
    if (this.#stopped) return; // stays in the log
    for (const notification of notifications) this.#wait(notification);
    this.#schedule();
  }

  /** Others have what was in flight; what comes of the jobs under way is not asked for any more. */
  #lapse(count: number): void {
    this.#options.onLeaseLost?.(count);
    this.#queue.clear();
    this.#processor.clear();
    this.#merged.clear();
    this.#again.clear();
  }

  #wait(notification: Notification): void {
    const { delayDuration, maxDelayDuration } = this.#options.settings();
    // Whole milliseconds take half the memory.
    const now = Math.ceil(this.#options.clock.monotonic());
    const factor = DELAY_FACTOR[notification.priority];
    const dueAt = now + delayDuration * factor;
    const latest = now + Math.max(delayDuration, maxDelayDuration) * factor;
    const key = aggregationKey(notification);
    const similar = this.#queue.get(key);
    if (!similar) return this.#queue.add({ key, notification, dueAt, latest, isDue: false });
    this.#absorb(similar, notification);
    if (similar.isDue) return;
    const before = similar.dueAt;
    similar.latest = Math.min(similar.latest, latest);
    similar.dueAt = Math.min(Math.max(before, dueAt), similar.latest);
    if (similar.dueAt < before) this.#queue.hasten(similar);
  }

  /** What was taken over from another process may be older than what is waiting here. */
  #absorb(entry: Entry, other: Notification): void {
    const [older, newer] = entry.notification.id < other.id
      ? [entry.notification, other]
      : [other, entry.notification];
    const merged = [
      ...this.#merged.get(older.id) ?? [],
      older,
      ...this.#merged.get(newer.id) ?? [],
    ];
    this.#merged.delete(older.id);
    this.#merged.set(newer.id, merged);
    if (this.#isAgain(older.id)) this.#again.add(newer.id);
    this.#again.delete(older.id);
    entry.notification = merge(older, newer);
    this.#options.onMerged?.();
  }

  async #work(batch: readonly Notification[]): Promise<void> {
    try {
      // Perhaps they are another process's by now; the lease will tell.
      if (!this.#log.isSure) return batch.forEach((each) => this.#pause(each));
      const isRepeat = batch.filter(({ id }) => this.#isAgain(id));
      await this.#give(isRepeat, { isRepeat: true });
      if (isRepeat.length === batch.length) return;
      await this.#give(batch.filter((each) => !isRepeat.includes(each)), { isRepeat: false });
    } finally {
      if (this.#heldBack) this.#handOver();
    }
  }

  async #give(batch: readonly Notification[], handover: Handover): Promise<void> {
    // An attempt that was under way when it came back may have come to something after all.
    const open = handover.isRepeat ? batch.filter(({ id }) => this.#log.waiting(id)) : batch;
    if (open.length === 0) return;
    try {
      await this.#handle!(open, handover);
    } catch (thrown) {
      this.#options.onFault?.(thrown);
      for (const each of open) if (this.#log.waiting(each.id)) this.#giveAgain(each);
    }
  }

  #isAgain(id: string): boolean {
    return (this.#again.size > 0 && this.#again.has(id)) || this.#log.isFound(id);
  }

  #giveAgain(notification: Notification): void {
    this.#again.add(notification.id);
    this.#pause(notification);
  }

  /**
   * Something that is due waits for a moment. Nothing is merged with it, because it may be with
   * its receivers already.
   */
  #pause(notification: Notification): void {
    if (this.#stopped) return; // stays in the log
    const key = `\u0000${notification.id}`; // no aggregation key
    if (this.#queue.get(key)) return;
    const { clock, random } = this.#options;
    const dueAt = clock.monotonic() + AGAIN_MS * (random ? 0.5 + random() : 1);
    this.#queue.add({ key, notification, dueAt, latest: dueAt, isDue: false });
    this.#schedule();
  }

  #handOver(): void {
    const room = this.#processor.room;
    const due = this.#queue.takeDue(this.#options.clock.monotonic(), room);
    this.#heldBack = due.length === room;
    if (due.length > 0) this.#processor.offer(due.map(({ notification }) => notification));
  }

  /** Ticks only while something waits. */
  #schedule(): void {
    if (this.#ticker || this.#stopped || this.#queue.size === 0) return;
    this.#ticker = this.#options.clock.after(this.#options.settings().timerFrequency, () => {
      this.#ticker = undefined;
      this.#handOver();
      this.#schedule();
    });
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A part of a request's body keeps all of it in memory, which matters for as long as it waits. */
function withOwnData(notification: Notification): Notification {
  return { ...notification, data: decoder.decode(encoder.encode(notification.data)) };
}
