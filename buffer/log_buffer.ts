/**
 * The embedded buffer: a working set in memory over a log in the store. It delays, merges what is
 * similar, and hands due batches to the processors; it neither knows who wants a notification nor
 * how it gets there.
 */

import { type Clock, type Timer } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import { DELAY_FACTOR, type Notification } from "../core/notification.ts";
import type { Store } from "../core/store.ts";
import type { Sets } from "./_commit_parts.ts";
import { aggregationKey, merge } from "./aggregation.ts";
import type { BatchHandler, Buffer, BufferDepth, BufferSettings, LedgerName } from "./buffer.ts";
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
  readonly turn: () => Promise<void>;
  /** Notifications in one job. @default {64} */
  readonly jobSize?: number;
  readonly onMerged?: () => void;
  readonly onCommit?: (changes: number, seconds: number) => void;
  /** Something broke that is tried again, or a handler threw. */
  readonly onFault?: (thrown: unknown) => void;
}

interface Entry extends Waiting {
  notification: Notification;
  /** Monotonic milliseconds that it is never put off beyond. */
  latest: number;
}

const NONE: readonly LedgerRecord[] = [];

/** A buffer for one process. */
export class LogBuffer implements Buffer {
  readonly traits = { takesRecords: true, shared: false };
  readonly #options: LogBufferOptions;
  readonly #log: SegmentLog;
  readonly #queue = new DelayQueue<Entry>();
  /** Ids that were merged into the one they are listed under. */
  readonly #merged = new Map<string, readonly Notification[]>();
  readonly #processor: Processor<Notification>;
  #accepting = 0;
  #handle: BatchHandler | undefined;
  #ticker: Timer | undefined;
  #stopped = false;
  /** The processors had no room for all that was due; the rest follows as they get on. */
  #heldBack = false;

  constructor(store: Store, options: LogBufferOptions) {
    this.#options = options;
    this.#log = new SegmentLog(store, options);
    this.#processor = new Processor<Notification>({
      concurrency: () => options.settings().numProcessorThreads,
      maxWaiting: () => options.settings().maxProcessorTasks,
      jobSize: options.jobSize ?? 64,
      run: (batch) => this.#work(batch),
      onFault: (thrown) => options.onFault?.(thrown),
      turn: options.turn,
    });
  }

  async start(handle: BatchHandler): Promise<number> {
    const recovered = await this.#log.recover();
    this.#handle = handle;
    // What was waiting begins its delay again, which needs no clock that survived the restart.
    for (const notification of recovered) this.#wait(notification);
    this.#schedule();
    return recovered.length;
  }

  async put(notifications: readonly Notification[], sets: Sets = []): Promise<void> {
    const { maxNotifications, maxBytes } = this.#options.settings();
    if (this.#stopped) {
      const message = "Cannot accept: this node is stopping";
      throw new ServiceError("draining", message, { retryAfterSeconds: 1 });
    }
    const count = this.#log.inFlight + this.#accepting + notifications.length;
    if (count > maxNotifications || this.#log.bytes > maxBytes) {
      throw new ServiceError(
        "buffer_full",
        `Cannot accept ${notifications.length} more: the buffer holds ${this.#log.inFlight}`,
        { retryAfterSeconds: 1 },
      );
    }
    this.#accepting += notifications.length;
    try {
      await this.#log.append(notifications, sets);
    } finally {
      this.#accepting -= notifications.length;
    }
    // Stopped meanwhile: it stays in the log, for the next start.
    if (this.#stopped) return;
    if (this.#options.settings().delayDuration > 0) {
      for (const notification of notifications) this.#wait(notification);
    } else if (this.#queue.size > 0 || notifications.length > this.#processor.room) {
      for (const notification of notifications) this.#wait(notification);
      this.#handOver();
    } else this.#processor.offer(notifications);
    this.#schedule();
  }

  settle(record: LedgerRecord): readonly LedgerRecord[] {
    this.#log.settle(record);
    const merged = this.#merged.get(record.id);
    if (!merged) return NONE;
    this.#merged.delete(record.id);
    const records = merged.map(({ id, acceptedAt }): LedgerRecord => ({
      ...record,
      id,
      acceptedAt,
      state: "suppressed",
      reason: "merged",
      mergedInto: record.id,
      targets: [],
    }));
    for (const each of records) this.#log.settle(each);
    return records;
  }

  release(_id: string): void {
    // The log keeps it; see the next commit.
  }

  amend({ id }: LedgerName, change: (record: LedgerRecord) => LedgerRecord): Promise<boolean> {
    return this.#log.amend(id, change);
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
    this.#ticker?.cancel();
    do this.#handOver(); while (
      await this.#processor.idle(), this.#queue.hasDue(this.#options.clock.monotonic())
    );
  }

  async close(): Promise<void> {
    await this.#log.flush();
    this.#log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.close();
  }

  #wait(notification: Notification): void {
    const { delayDuration, maxDelayDuration } = this.#options.settings();
    const now = this.#options.clock.monotonic();
    const factor = DELAY_FACTOR[notification.priority];
    const dueAt = now + delayDuration * factor;
    const latest = now + Math.max(delayDuration, maxDelayDuration) * factor;
    const key = aggregationKey(notification);
    const similar = this.#queue.get(key);
    if (!similar) return this.#queue.add({ key, notification, dueAt, latest });
    this.#absorb(similar, notification);
    const before = similar.dueAt;
    similar.latest = Math.min(similar.latest, latest);
    similar.dueAt = Math.min(Math.max(before, dueAt), similar.latest);
    if (similar.dueAt < before) this.#queue.hasten(similar);
  }

  #absorb(entry: Entry, newer: Notification): void {
    const older = entry.notification;
    const merged = [...this.#merged.get(older.id) ?? [], older];
    this.#merged.delete(older.id);
    this.#merged.set(newer.id, merged);
    entry.notification = merge(older, newer);
    this.#options.onMerged?.();
  }

  async #work(batch: readonly Notification[]): Promise<void> {
    try {
      await this.#handle!(batch, { again: false });
    } finally {
      if (this.#heldBack) this.#handOver();
    }
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
