/**
 * Writes the log to the store: what is appended at once, what is settled after a moment, both in
 * shared group commits. Does not read, and does not know which process owns which segment.
 */

import { ServiceError } from "../core/errors.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import type { Notification } from "../core/notification.ts";
import type { Store, StoreKey } from "../core/store.ts";
import {
  bytesOfSets,
  CHANGE_BYTES,
  type CommitPart,
  packParts,
  type Sets,
} from "./_commit_parts.ts";
import type { BufferOptions } from "./buffer.ts";
import { type Append, appendPart, type NewSegment, settledPart } from "./_log_parts.ts";
import { runsOf, type Segments } from "./_segments.ts";
import { encodeNotification, sizeOf } from "./_stored_items.ts";
import { type CommitGuard, CommitLoop } from "./commit_loop.ts";
import type { LedgerValues } from "./ledger_values.ts";
import type { Segment } from "./segment.ts";

/** Settings of {@link SegmentWriter}. */
interface SegmentWriterOptions extends Pick<BufferOptions, "clock" | "onCommit" | "onFault"> {
  readonly ledger: LedgerValues;
  readonly maxValueBytes: number;
  /** Returns the segments in memory; other ones after the lease was lost. */
  readonly segments: () => Segments;
  /** Returns the name under which this process keeps its segments now. */
  readonly owner: () => string;
  readonly guard: CommitGuard | undefined;
  readonly yieldToEventLoop: YieldToEventLoop | undefined;
  /** Called with the keys of segments whose commit failed, and may have succeeded after all. */
  readonly onUncertain: (keys: readonly StoreKey[]) => void;
}

/**
 * How long a record waits before it is written. What was handed to a socket a moment ago may not
 * have left the process yet, and a record that outlives a crash must not say that it arrived.
 */
const LINGER_MS = 25;
/** Milliseconds after which a segment that is settled in part is rewritten. */
const CHECKPOINT_MS = 1_000;
/** Records that are written together, if they are of more than one segment. */
const MAX_RUN = 512;

/** Collects appended notifications and settled segments, and commits them. */
export class SegmentWriter {
  readonly #store: Store;
  readonly #options: SegmentWriterOptions;
  readonly #loop: CommitLoop;
  #appends: Append[] = [];
  /** Segments with records that are not in the store. */
  readonly #dirty = new Set<Segment>();

  constructor(store: Store, options: SegmentWriterOptions) {
    this.#store = store;
    this.#options = options;
    this.#loop = new CommitLoop(store, {
      ...options,
      collect: () => [...this.#appendParts(), ...this.#settledParts()],
      onIdle: (hasFailed) => this.#scheduleRest(hasFailed),
    });
  }

  /**
   * Stores notifications together with `sets`, all or none. Resolves to false where they are
   * stored, but belong to another process already.
   *
   * @throws {ServiceError} `payload_too_large`, `store_unavailable`
   */
  append(notifications: readonly Notification[], sets: Sets): Promise<boolean> {
    const { maxValueBytes } = this.#options;
    const { maxCommitBytes } = this.#store.traits;
    const items = notifications.map(encodeNotification);
    const limit = maxCommitBytes - CHANGE_BYTES - bytesOfSets(sets);
    const bytes = maxCommitBytes - limit + sizeOf(items, limit);
    if (
      bytes > maxCommitBytes ||
      items.some((item) => sizeOf([item], maxValueBytes) > maxValueBytes)
    ) {
      return Promise.reject(
        new ServiceError(
          "payload_too_large",
          `Cannot accept ${bytes} bytes at once: at most ${maxCommitBytes} fit, so split the batch`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      this.#appends.push({ items, notifications, sets, bytes, resolve, reject });
      this.#loop.wake();
    });
  }

  /** Schedules a segment to be written that has a new or changed record. */
  touch(segment: Segment): void {
    const isWhole = segment.waiting === 0;
    if (!isWhole && this.#dirty.has(segment)) return;
    segment.dirtySince = this.#options.clock.monotonic();
    this.#dirty.add(segment);
    this.#loop.wakeAt(segment.dirtySince + (isWhole ? LINGER_MS : CHECKPOINT_MS));
  }

  /** Drops settled records that are not written: their segments belong to another process. */
  dropSettled(): void {
    this.#dirty.clear();
  }

  /**
   * Resolves when everything given so far is in the store.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async flush(): Promise<void> {
    while (this.#appends.length > 0 || this.#dirty.size > 0 || this.#loop.running) {
      for (const segment of this.#dirty) segment.dirtySince = -Infinity;
      this.#loop.wake();
      const fault = await this.#loop.running;
      if (fault !== undefined) throw fault;
    }
  }

  /**
   * Writes the records settled so far without lingering, and not what is given meanwhile.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async writeSettled(): Promise<void> {
    const settled = [...this.#dirty];
    for (let written = false; !written;) {
      for (const segment of settled) segment.dirtySince = -Infinity;
      written = !settled.some((segment) => this.#dirty.has(segment));
      this.#loop.wake();
      const fault = await this.#loop.running;
      if (fault !== undefined) throw fault;
    }
  }

  /** Stops the timer. */
  close(): void {
    this.#loop.cancelTimer();
  }

  /** Schedules what arrived, or could not be written, during the last commit. */
  #scheduleRest(hasFailed: boolean): void {
    if (this.#appends.length > 0) return this.#loop.wake();
    if (this.#dirty.size === 0) return;
    const isSoon = !hasFailed && [...this.#dirty].some(({ waiting }) => waiting === 0);
    this.#loop.wakeAt(this.#options.clock.monotonic() + (isSoon ? LINGER_MS : CHECKPOINT_MS));
  }

  /** Returns everything appended since the last commit. */
  #appendParts(): CommitPart[] {
    const { segments, owner, maxValueBytes, onUncertain } = this.#options;
    const appends = this.#appends;
    this.#appends = [];
    const ownerThen = owner();
    const open = (opened: readonly NewSegment[]) => {
      if (ownerThen !== owner()) return false;
      for (const segment of opened) segments().open(segment.key, segment);
      return true;
    };
    return packParts(appends, this.#store.traits).map((group) =>
      appendPart(group, { owner: ownerThen, maxValueBytes, open, failed: onUncertain })
    );
  }

  /** Returns the segments that were settled long enough ago, wholly or in part. */
  #settledParts(): CommitPart[] {
    const { clock, ledger, maxValueBytes } = this.#options;
    const now = clock.monotonic();
    const ripe = [...this.#dirty].filter((segment) =>
      now - segment.dirtySince >= (segment.waiting === 0 ? LINGER_MS : CHECKPOINT_MS)
    );
    const segments = this.#options.segments();
    return runsOf(ripe, MAX_RUN).map((run) => {
      for (const segment of run) this.#dirty.delete(segment);
      return settledPart(run, {
        ...{ ledgerValues: ledger, maxValueBytes },
        closed: () => run.forEach((segment) => segments.close(segment)),
        failed: () => {
          const isOwn = segments === this.#options.segments(); // unless the lease was lost
          if (isOwn) run.forEach((segment) => this.#dirty.add(segment));
        },
      });
    });
  }
}
