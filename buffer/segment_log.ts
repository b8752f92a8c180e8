/**
 * The buffer's durable side. Memory is the working set; this is its log, written in group
 * commits: while one commit is under way, everything that arrives gathers for the next. A
 * settled notification moves from the log to the ledger in one atomic step, so that at every
 * moment, and after every crash, it is in exactly one of them.
 */

import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Store } from "../core/store.ts";
import { type Append, groupAppends } from "./_appends.ts";
import { bytesOfSets, CHANGE_BYTES, type CommitPart, type Sets } from "./_commit_parts.ts";
import { CommitLoop } from "./_commit_loop.ts";
import { LedgerValues } from "./ledger_values.ts";
import {
  bytesOf,
  cut,
  type Encoded,
  encodeItem,
  fitsAlone,
  ledgerKey,
  LOG_PREFIX,
  logKey,
  packItems,
  type Segment,
  type StoredSegment,
  unpackItems,
} from "./segment.ts";
import { WakeUp } from "./_wake_up.ts";

/**
 * How long a record waits before it is written. What was handed to a socket a moment ago may not
 * have left the process yet, and a record that outlives a crash must not say that it arrived.
 */
const LINGER_MS = 25;
/** Room for the store's own framing of a value. */
const FRAMING_BYTES = 512;

/** Settings of {@link SegmentLog}. */
export interface SegmentLogOptions {
  readonly clock: Clock;
  /** Milliseconds that ledger records are kept. */
  readonly retentionMs: () => number;
  /** A segment that is only partly settled is rewritten after this many milliseconds. */
  readonly checkpointMs?: number;
  readonly onCommit?: (changes: number, seconds: number) => void;
  /** A commit of settled records failed; it is tried again. */
  readonly onFault?: (thrown: unknown) => void;
}

interface LogRecord {
  readonly items: readonly Encoded[];
  /** First ids of the ledger values of the segment. */
  readonly ledger: readonly string[];
}

/** A log of what is in flight and a ledger of what is not any more. */
export class SegmentLog {
  readonly #store: Store;
  readonly #options: SegmentLogOptions;
  readonly #checkpointMs: number;
  readonly #maxValueBytes: number;
  readonly #ledger: LedgerValues;
  #appends: Append[] = [];
  readonly #segmentOf = new Map<string, Segment>();
  readonly #dirty = new Set<Segment>();
  #inFlight = 0;
  #bytes = 0;
  readonly #loop: CommitLoop;
  readonly #wakeUp: WakeUp;

  constructor(store: Store, options: SegmentLogOptions) {
    this.#store = store;
    this.#options = options;
    this.#checkpointMs = options.checkpointMs ?? 1000;
    this.#loop = new CommitLoop(store, {
      ...options,
      gather: () => [...this.#appendParts(), ...this.#settledParts()],
      onRest: (hasFailed) => this.#rest(hasFailed),
    });
    this.#wakeUp = new WakeUp(options.clock, () => this.#loop.wake());
    this.#maxValueBytes = store.traits.maxValueBytes - FRAMING_BYTES;
    this.#ledger = new LedgerValues(store, {
      maxValueBytes: this.#maxValueBytes,
      retentionMs: options.retentionMs,
    });
  }

  /** Notifications in the log that are not settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Stored size of the segments that are not wholly settled. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Makes notifications durable, together with `sets`, all or none. Ids must be given in order,
   * above all those given before.
   *
   * @throws {ServiceError} `payload_too_large` where they do not fit in one commit of the store,
   * `store_unavailable` where it cannot be written.
   */
  append(notifications: readonly Notification[], sets: Sets = []): Promise<void> {
    const items = notifications.map(encodeItem);
    const bytes = CHANGE_BYTES + bytesOf(items) + bytesOfSets(sets);
    const { maxCommitBytes } = this.#store.traits;
    if (bytes > maxCommitBytes || !items.every((item) => fitsAlone(item, this.#maxValueBytes))) {
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

  /** Moves a notification from the log to the ledger, soon. Unknown ids are left alone. */
  settle(record: LedgerRecord): void {
    const segment = this.#segmentOf.get(record.id);
    if (!segment?.waiting.delete(record.id)) return;
    this.#inFlight--;
    if (segment.waiting.size === 0) this.#bytes -= segment.bytes;
    segment.settled.set(record.id, record);
    this.#touch(segment);
  }

  /**
   * Changes a settled record; `change` may be called again where somebody else changed it
   * meanwhile. Resolves to false where there is no such record (any more).
   */
  async amend(id: string, change: (record: LedgerRecord) => LedgerRecord): Promise<boolean> {
    for (;;) {
      const segment = this.#segmentOf.get(id);
      const record = segment?.settled.get(id);
      if (segment && record) {
        segment.settled.set(id, change(record));
        this.#touch(segment);
        return true;
      }
      const amended = await this.#ledger.amend(id, change);
      if (amended !== "again") return amended;
    }
  }

  /** What is known of a notification: its record, or itself where it is still in flight. */
  async find(id: string): Promise<LedgerRecord | Notification | undefined> {
    const segment = this.#segmentOf.get(id);
    const known = segment?.settled.get(id) ?? segment?.waiting.get(id);
    return known ?? await this.#ledger.find(id);
  }

  /** Reads the log back after a start: what was accepted and not settled, in order. */
  async recover(): Promise<readonly Notification[]> {
    const recovered: Notification[] = [];
    for await (const { key, value } of this.#store.list<StoredSegment>({ prefix: LOG_PREFIX })) {
      const notifications = unpackItems<Notification>(value.items);
      const { length: bytes } = value.items;
      const segment = this.#open(String(key.at(-1)), { notifications, bytes });
      segment.ledger = value.ledger;
      this.#remember(segment, await this.#ledger.read(value.ledger));
      for (const notification of notifications) recovered.push(notification);
    }
    return recovered;
  }

  /**
   * Resolves when everything given so far is in the store.
   *
   * @throws {ServiceError} `store_unavailable` where the store refuses it.
   */
  async flush(): Promise<void> {
    while (this.#appends.length > 0 || this.#dirty.size > 0 || this.#loop.running) {
      for (const segment of this.#dirty) segment.dirtySince = -Infinity;
      this.#loop.wake();
      const fault = await this.#loop.running;
      if (fault !== undefined) throw fault;
    }
  }

  /** Stops timers; nothing may be given afterwards. */
  close(): void {
    this.#wakeUp.cancel();
  }

  /** Sees to it that what has come or stayed meanwhile is written too. */
  #rest(hasFailed: boolean): void {
    if (this.#appends.length > 0) return this.#loop.wake();
    if (this.#dirty.size === 0) return;
    const isSoon = !hasFailed && [...this.#dirty].some(({ waiting }) => waiting.size === 0);
    this.#wakeUp.within(isSoon ? LINGER_MS : this.#checkpointMs);
  }

  /** Everything appended since the last commit, cut into segments across its callers. */
  #appendParts(): CommitPart[] {
    const appends = this.#appends.splice(0);
    const groups = groupAppends(appends, this.#store.traits.maxCommitBytes);
    return groups.map((group) => this.#appendPart(group));
  }

  #appendPart(group: readonly Append[]): CommitPart {
    const cuts = cut(group.flatMap((append) => append.items), this.#maxValueBytes);
    const notifications = group.flatMap((append) => append.notifications);
    return {
      sets: [
        ...cuts.map((items) => this.#logSet(items[0]!.id, { items, ledger: [] })),
        ...group.flatMap((append) => append.sets),
      ],
      deletes: [],
      bytes: group.reduce((sum, append) => sum + append.bytes, 0),
      done: () => {
        let from = 0;
        for (const items of cuts) {
          const opened = notifications.slice(from, from += items.length);
          this.#open(items[0]!.id, { notifications: opened, bytes: bytesOf(items) });
        }
        for (const append of group) append.resolve();
      },
      failed: (thrown) => group.forEach((append) => append.reject(thrown)),
    };
  }

  /** Segments that were settled long enough ago, wholly or in part. */
  #settledParts(): CommitPart[] {
    const now = this.#options.clock.monotonic();
    const ripe = [...this.#dirty].filter((segment) =>
      now - segment.dirtySince >= (segment.waiting.size === 0 ? LINGER_MS : this.#checkpointMs)
    );
    return ripe.map((segment) => this.#settledPart(segment));
  }

  #settledPart(segment: Segment): CommitPart {
    this.#dirty.delete(segment);
    const records = [...segment.settled.values()].sort(byId).map(encodeItem);
    const rest = [...segment.waiting.values()].map(encodeItem);
    const ledger = this.#ledger.sets(records);
    const ledgerIds = ledger.map(({ firstId }) => firstId);
    const stale = segment.ledger.filter((id) => !ledgerIds.includes(id)).map(ledgerKey);
    return {
      sets: rest.length > 0
        ? [...ledger, this.#logSet(segment.firstId, { items: rest, ledger: ledgerIds })]
        : ledger,
      deletes: rest.length > 0 ? stale : [...stale, logKey(segment.firstId)],
      bytes: 2 * CHANGE_BYTES + bytesOf(records) + bytesOf(rest),
      done: () => {
        segment.ledger = ledgerIds;
        if (segment.waiting.size === 0 && !this.#dirty.has(segment)) this.#forget(segment);
      },
      failed: () => void this.#dirty.add(segment),
    };
  }

  /** The change that keeps the waiting part of a segment. */
  #logSet(firstId: string, { items, ledger }: LogRecord) {
    const value: StoredSegment = { v: 1, items: packItems(items, this.#maxValueBytes), ledger };
    return { key: logKey(firstId), value };
  }

  #open(
    firstId: string,
    { notifications, bytes }: {
      readonly notifications: readonly Notification[];
      readonly bytes: number;
    },
  ): Segment {
    const waiting = new Map(notifications.map((one) => [one.id, one] as const));
    const segment: Segment = {
      firstId,
      bytes,
      waiting,
      settled: new Map(),
      ledger: [],
      dirtySince: Infinity,
    };
    for (const id of waiting.keys()) this.#segmentOf.set(id, segment);
    this.#inFlight += waiting.size;
    this.#bytes += bytes;
    return segment;
  }

  #remember(segment: Segment, records: readonly LedgerRecord[]): void {
    for (const record of records) {
      segment.settled.set(record.id, record);
      this.#segmentOf.set(record.id, segment);
    }
  }

  #forget(segment: Segment): void {
    for (const id of segment.settled.keys()) this.#segmentOf.delete(id);
  }

  #touch(segment: Segment): void {
    const isWhole = segment.waiting.size === 0;
    if (isWhole || !this.#dirty.has(segment)) {
      segment.dirtySince = this.#options.clock.monotonic();
    }
    this.#dirty.add(segment);
    this.#wakeUp.within(isWhole ? LINGER_MS : this.#checkpointMs);
  }
}

function byId(a: LedgerRecord, b: LedgerRecord): number {
  return a.id < b.id ? -1 : 1;
}
