/**
 * The embedded buffer: a working set in memory over a log in the store. It delays, merges similar
 * notifications, and hands due batches to the handler in fair order. It does not know who wants a
 * notification or how it gets there. Several processes may share one store: each hands over what
 * it accepted, and takes over from those that are gone.
 */

import type { Timer } from "../core/clock.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { LedgerPage, LedgerQuery } from "../core/ledger_list.ts";
import type { Notification } from "../core/notification.ts";
import type { Store } from "../core/store.ts";
import type { Sets } from "./_commit_parts.ts";
import { WaitingNotifications } from "./_waiting_notifications.ts";
import { mergedRecords } from "./aggregation.ts";
import { cancelledRecord } from "./cancellation.ts";
import {
  type BatchHandler,
  type Buffer,
  type BufferDepth,
  bufferFull,
  type BufferOptions,
  type BufferTraits,
  type Handover,
  type LedgerName,
  stopping,
} from "./buffer.ts";
import { Processor } from "./processor.ts";
import { SegmentLog } from "./segment_log.ts";

/** Settings of {@link LogBuffer}. */
interface LogBufferOptions extends BufferOptions {
  /** From 0 (inclusive) to 1 (exclusive); spreads pauses. Absent: all pauses are equal. */
  readonly random?: () => number;
  /** Milliseconds without a renewal until others on a shared store take over. @default {15000} */
  readonly leaseMs?: number;
  /** On a shared store, after the start: `count` were taken over from a process that is gone. */
  readonly onFailover?: (count: number) => void;
}

/** Notifications in one job. */
const JOB_SIZE = 256;
const NONE: readonly never[] = [];

/** A buffer for one process. */
export class LogBuffer implements Buffer {
  readonly traits: BufferTraits;
  readonly #options: LogBufferOptions;
  readonly #log: SegmentLog;
  readonly #waiting: WaitingNotifications;
  readonly #processor: Processor<Notification>;
  /** Notifications whose commit is under way. */
  #accepting = 0;
  #handle: BatchHandler | undefined;
  #ticker: Timer | undefined;
  #isStopped = false;
  /** The processors had no room for all that was due; the rest follows as they get on. */
  #hasMoreDue = false;

  constructor(store: Store, options: LogBufferOptions) {
    const { clock, settings, random, onMerged } = options;
    this.#options = options;
    this.traits = { takesRecords: true, shared: store.traits.shared };
    this.#log = new SegmentLog(store, options);
    this.#waiting = new WaitingNotifications({
      ...{ clock, settings, random, onMerged },
      isFound: (id) => this.#log.isFound(id),
    });
    this.#processor = new Processor<Notification>({
      concurrency: () => settings().numProcessorThreads,
      maxWaiting: () => settings().maxProcessorTasks,
      jobSize: JOB_SIZE,
      tenantOf: ({ context }) => context,
      run: (batch) => this.#process(batch),
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
      onLeaseLost: (count) => this.#dropAll(count),
    });
    this.#resume(recovered);
    return recovered.length;
  }

  async put(given: readonly Notification[], sets: Sets = NONE): Promise<void> {
    const isDelayed = this.#options.settings().delayDuration > 0;
    const notifications = isDelayed ? given.map(withOwnData) : given;
    if (this.#isStopped) throw stopping();
    if (!this.#hasRoom(notifications.length)) {
      throw bufferFull(notifications.length, this.#log.inFlight);
    }
    this.#accepting += notifications.length;
    let isOwn = true;
    try {
      isOwn = await this.#log.append(notifications, sets);
    } finally {
      this.#accepting -= notifications.length;
    }
    // Where it was stopped meanwhile, they stay in the log for the next start.
    if (this.#isStopped || !isOwn) return;
    if (isDelayed) {
      for (const notification of notifications) this.#waiting.add(notification);
    } else if (this.#waiting.size > 0 || notifications.length > this.#processor.room) {
      for (const notification of notifications) this.#waiting.add(notification);
      this.#handOver();
    } else this.#processor.offer(notifications);
    this.#schedule();
  }

  settle(record: LedgerRecord): readonly LedgerRecord[] {
    this.#log.settle(record);
    const merged = this.#waiting.settle(record.id);
    if (merged.length === 0) return NONE;
    const records = mergedRecords(merged, record);
    for (const each of records) this.#log.settle(each);
    return records;
  }

  release(id: string): void {
    const accepted = this.#log.waiting(id);
    if (accepted) this.#repeat(this.#waiting.withMerged(accepted));
  }

  async cancel(
    names: readonly LedgerName[],
    onCancelled: (record: LedgerRecord) => void,
  ): Promise<void> {
    if (!this.#log.isOwner) return; // another process may be sending them
    const accepted = names.flatMap(({ id }) => this.#log.waiting(id) ?? NONE);
    const ids = new Set(accepted.map(({ id }) => id));
    const unsent = [
      ...this.#waiting.withdraw(accepted),
      ...this.#processor.withdraw(({ id }) => ids.has(id)),
    ];
    if (unsent.length === 0) return;
    for (const each of unsent) {
      const record = cancelledRecord(each, { isRepeat: this.#waiting.isRepeat(each.id) });
      for (const ended of [record, ...this.settle(record)]) onCancelled(ended);
    }
    await this.#log.writeSettled();
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

  list(query: LedgerQuery): Promise<LedgerPage> {
    return this.#log.list(query);
  }

  depth(): BufferDepth {
    return {
      waiting: this.#waiting.size,
      due: this.#processor.waiting,
      running: this.#processor.running,
      inFlight: this.#log.inFlight,
    };
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#log.stopFailover();
    this.#ticker?.cancel();
    do {
      this.#handOver();
      await this.#processor.idle();
    } while (this.#waiting.hasDue());
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

  /** Starts the delay of what was read back again: that needs no clock that survives a restart. */
  #resume(notifications: readonly Notification[]): void {
    if (this.#isStopped) return; // they stay in the log
    for (const notification of notifications) this.#waiting.add(notification);
    this.#schedule();
  }

  /** Others have what was in flight here, so the outcome of the jobs under way counts no more. */
  #dropAll(count: number): void {
    this.#options.onLeaseLost?.(count);
    this.#waiting.clear();
    this.#processor.clear();
  }

  async #process(batch: readonly Notification[]): Promise<void> {
    try {
      // Another process may have them by now; the next renewal of the lease will tell.
      if (!this.#log.isOwner) return batch.forEach((each) => this.#postpone(each));
      const repeated = batch.filter(({ id }) => this.#waiting.isRepeat(id));
      if (repeated.length === 0) return await this.#callHandler(batch, { isRepeat: false });
      await this.#callHandler(repeated, { isRepeat: true });
      const others = batch.filter((each) => !repeated.includes(each));
      await this.#callHandler(others, { isRepeat: false });
    } finally {
      if (this.#hasMoreDue) this.#handOver();
    }
  }

  async #callHandler(batch: readonly Notification[], handover: Handover): Promise<void> {
    // An attempt that was under way at the release may have settled its notification since.
    const open = handover.isRepeat ? batch.filter(({ id }) => this.#log.waiting(id)) : batch;
    if (open.length === 0) return;
    try {
      await this.#handle!(open, handover);
    } catch (thrown) {
      this.#options.onFault?.(thrown);
      for (const each of open) if (this.#log.waiting(each.id)) this.#repeat(each);
    }
  }

  #repeat(notification: Notification): void {
    this.#waiting.markRepeated(notification.id);
    this.#postpone(notification);
  }

  #postpone(notification: Notification): void {
    if (this.#isStopped) return; // it stays in the log
    this.#waiting.postpone(notification);
    this.#schedule();
  }

  #handOver(): void {
    const { room } = this.#processor;
    const due = this.#waiting.takeDue(room);
    this.#hasMoreDue = due.length === room;
    if (due.length > 0) this.#processor.offer(due);
  }

  /** Ticks only while something waits. */
  #schedule(): void {
    if (this.#ticker || this.#isStopped || this.#waiting.size === 0) return;
    this.#ticker = this.#options.clock.after(this.#options.settings().timerFrequency, () => {
      this.#ticker = undefined;
      this.#handOver();
      this.#schedule();
    });
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Copies the data, because a substring of a request body keeps the whole body in memory. */
function withOwnData(notification: Notification): Notification {
  return { ...notification, data: decoder.decode(encoder.encode(notification.data)) };
}
