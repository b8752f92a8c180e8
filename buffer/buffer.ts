/** The port of the buffer: what it promises, whatever keeps its records. */

import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Sets } from "./_commit_parts.ts";

/** The numbers that an operator sets. Milliseconds, and numbers of notifications. */
export interface BufferSettings {
  /** How long a notification waits for similar ones. 0: not at all. */
  readonly delayDuration: number;
  /** How long the arrival of similar ones can put it off altogether. */
  readonly maxDelayDuration: number;
  /** How often the buffer is checked for what is due. */
  readonly timerFrequency: number;
  /** Jobs at once. */
  readonly numProcessorThreads: number;
  /** Due notifications that may wait for a job; the rest stays in the buffer. */
  readonly maxProcessorTasks: number;
  /** Notifications in flight, above which no more are accepted. */
  readonly maxNotifications: number;
  /** Their bytes, above which no more are accepted. */
  readonly maxBytes: number;
}

/** What the buffer holds now. */
export interface BufferDepth {
  /** Waiting for their delay. */
  readonly waiting: number;
  /** Due, and waiting for a job. */
  readonly due: number;
  /** Jobs under way. */
  readonly running: number;
  /** Accepted and not settled, the above included. */
  readonly inFlight: number;
}

/** How a batch is handed over. */
export interface Handover {
  /**
   * It may have been handed over before, here or by a process that has ended since, and what was
   * done then is not known.
   */
  readonly isRepeat: boolean;
}

/**
 * Works off a batch of due notifications; each must be settled or released, now or later. Where
 * it rejects, those of the batch that are not settled are handed over again after a pause.
 */
export type BatchHandler = (
  batch: readonly Notification[],
  handover: Handover,
) => Promise<void> | void;

/** Differences between buffers, as data. */
export interface BufferTraits {
  /** `put` takes other records along, all or none; otherwise it must not be given any. */
  readonly takesRecords: boolean;
  /** Several nodes work on the same notifications. */
  readonly shared: boolean;
}

/** What finds the record of a notification. */
export type LedgerName = Pick<Notification, "id" | "context" | "user">;

/** A durable buffer that delays and aggregates. At least once. */
export interface Buffer extends AsyncDisposable {
  readonly traits: BufferTraits;
  /**
   * Reads back what was accepted and not settled, and begins to hand over what is due.
   * Returns how many were read back.
   */
  start(handle: BatchHandler): Promise<number>;
  /**
   * Accepts notifications, together with other records, all or none; durable when it resolves.
   * Ids are of one source, this process's own, and so above all those that the buffer was given
   * before. A shared buffer that does not
   * take records along may have accepted some of them where it rejects with `store_unavailable`.
   *
   * @param options.again for such a buffer: those that it has accepted already are left as they are
   * @throws {ServiceError} `buffer_full`, `draining`, `payload_too_large`, `store_unavailable`.
   */
  put(
    notifications: readonly Notification[],
    sets?: Sets,
    options?: { readonly isRepeat?: boolean },
  ): Promise<void>;
  /**
   * Says what became of a notification that was handed over. Those merged into it are settled with
   * it; returns their records.
   */
  settle(record: LedgerRecord): readonly LedgerRecord[];
  /** Gives a notification back that was handed over and cannot be settled: it comes again later. */
  release(id: string): void;
  /** Changes the record of a settled notification; false where it is not known (any more). */
  amend(
    name: LedgerName,
    change: (record: LedgerRecord) => LedgerRecord,
  ): Promise<boolean>;
  /** The record of a settled notification; `undefined` where there is none (any more). */
  record(name: LedgerName): Promise<LedgerRecord | undefined>;
  /** What is known of a notification: its record, or itself where it is still in flight. */
  find(id: string): Promise<LedgerRecord | Notification | undefined>;
  depth(): BufferDepth;
  /**
   * Accepts no more, hands over what is due, and resolves when the handler has seen it. What is
   * not due stays for the next start, or for the other nodes.
   */
  stop(): Promise<void>;
  /** Resolves when everything that was settled is in the store. */
  close(): Promise<void>;
}
