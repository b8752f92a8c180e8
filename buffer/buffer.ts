/** The port of the buffer: what every implementation promises, whatever stores its records. */

import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { LedgerPage, LedgerQuery } from "../core/ledger_list.ts";
import type { Notification } from "../core/notification.ts";
import type { Sets } from "./_commit_parts.ts";

/** The settings of an operator. Durations are milliseconds. */
export interface BufferSettings {
  /** How long a notification waits for similar ones; 0: not at all. */
  readonly delayDuration: number;
  /** How long similar ones that arrive can delay it in total. */
  readonly maxDelayDuration: number;
  /** The interval between two checks for due notifications. */
  readonly timerFrequency: number;
  /** Number of concurrent jobs. */
  readonly numProcessorThreads: number;
  /** Number of due notifications that may wait for a job; the rest stays in the buffer. */
  readonly maxProcessorTasks: number;
  /** Number of notifications in flight at which no more are accepted. */
  readonly maxNotifications: number;
  /** Their bytes at which no more are accepted. */
  readonly maxBytes: number;
}

/** What every buffer is created with. */
export interface BufferOptions {
  readonly clock: Clock;
  /** Called before each use, so that a reload takes effect at once. */
  readonly settings: () => BufferSettings;
  /** Returns the milliseconds that the ledger keeps a record. */
  readonly retentionMs: () => number;
  /** Lets I/O run between two jobs. */
  readonly yieldToEventLoop: YieldToEventLoop;
  readonly onMerged?: (() => void) | undefined;
  /** Where others may take over notifications of this node: `count` of those in flight here were. */
  readonly onLeaseLost?: ((count: number) => void) | undefined;
  readonly onCommit?: ((changes: number, seconds: number) => void) | undefined;
  /** Called when the handler rejects, or something fails that is tried again. */
  readonly onFault?: ((thrown: unknown) => void) | undefined;
}

/** Numbers of notifications in the buffer now. */
export interface BufferDepth {
  /** Waiting for their delay. */
  readonly waiting: number;
  /** Due, waiting for a job. */
  readonly due: number;
  /** Number of jobs under way. */
  readonly running: number;
  /** Accepted and not settled, including all of the above. */
  readonly inFlight: number;
}

/** What the handler should know about a batch. */
export interface Handover {
  /**
   * The batch may have been handed over before, by this process or one that is gone, with an
   * unknown outcome.
   */
  readonly isRepeat: boolean;
}

/**
 * Processes a batch of due notifications; each must be settled or released, now or later. Where the
 * handler rejects, the notifications that are not settled are handed over again after a pause.
 */
export type BatchHandler = (
  batch: readonly Notification[],
  handover: Handover,
) => Promise<void> | void;

/** Differences between buffers, as data. */
export interface BufferTraits {
  /** `put` stores other records together with notifications; otherwise it must not be given any. */
  readonly takesRecords: boolean;
  /** Several nodes process the same notifications. */
  readonly shared: boolean;
}

/** What the record of a notification is found by. */
export type LedgerName = Pick<Notification, "id" | "context" | "user">;

/** A durable buffer that delays and aggregates. Hands over each notification at least once. */
export interface Buffer extends AsyncDisposable {
  readonly traits: BufferTraits;
  /**
   * Reads back what was accepted and not settled, begins to hand over due notifications, and
   * returns how many were read back.
   */
  start(handle: BatchHandler): Promise<number>;
  /**
   * Accepts notifications, together with other records, all or none; they are durable when it
   * resolves. All ids are from one source, this process's own, and above those given before. A
   * buffer without `takesRecords` may have accepted some where it rejects with `store_unavailable`.
   *
   * @param options.isRepeat for such a buffer: keeps those that it has accepted already
   * @throws {ServiceError} `buffer_full`, `draining`, `payload_too_large`, `store_unavailable`.
   */
  put(
    notifications: readonly Notification[],
    sets?: Sets,
    options?: { readonly isRepeat?: boolean },
  ): Promise<void>;
  /**
   * Ends a notification with its record. Settles those merged into it as well, and returns their
   * records.
   */
  settle(record: LedgerRecord): readonly LedgerRecord[];
  /** Returns a notification to the buffer, which hands it over again after a pause. */
  release(id: string): void;
  /**
   * Ends notifications that were not handed over yet, and calls `onCancelled` with the record of
   * each, and of those merged into it. Others stay as they are: handed over, settled, merged into a
   * newer one, or accepted by another process on a shared Deno KV. Durable when it resolves.
   *
   * @throws {ServiceError} `store_unavailable`; what was reported is not durable then
   */
  cancel(
    names: readonly LedgerName[],
    onCancelled: (record: LedgerRecord) => void,
  ): Promise<void>;
  /** Changes the record of a settled notification; resolves to false where there is none. */
  amend(
    name: LedgerName,
    change: (record: LedgerRecord) => LedgerRecord,
  ): Promise<boolean>;
  /** Returns the record of a settled notification; `undefined` where there is none. */
  record(name: LedgerName): Promise<LedgerRecord | undefined>;
  /** Returns the record of a notification, or the notification itself while it is in flight. */
  find(id: string): Promise<LedgerRecord | Notification | undefined>;
  /**
   * Lists the newest notifications, in flight and settled. The work for one page is bounded. On a
   * Deno KV that several processes share, those in flight at other processes are not listed.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  list(query: LedgerQuery): Promise<LedgerPage>;
  depth(): BufferDepth;
  /**
   * Accepts no more, hands over what is due, and resolves when the handler is done. The rest stays
   * for the next start, or for other nodes.
   */
  stop(): Promise<void>;
  /** Resolves when all records of settled notifications are stored. */
  close(): Promise<void>;
}

/** Creates the error of a buffer that was stopped. */
export function stopping(): ServiceError {
  const message = "Cannot accept: this node is stopping";
  return new ServiceError("draining", message, { retryAfterSeconds: 1 });
}

/** Creates the error of a buffer that has no room for `count` notifications more. */
export function bufferFull(count: number, held: number): ServiceError {
  const message = `Cannot accept ${count} more: the buffer holds ${held}`;
  return new ServiceError("buffer_full", message, { retryAfterSeconds: 1 });
}
