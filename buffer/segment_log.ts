/**
 * The buffer's durable side. Memory is the working set; this is its log, written in group
 * commits: while one commit is under way, everything that arrives gathers for the next. A
 * settled notification moves from the log to the ledger in one atomic step, so that at every
 * moment, and after every crash, it is in exactly one of them.
 */

import { type Clock, sleep } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import { createTag } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Store, StoreKey } from "../core/store.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import { type Append, groupAppends } from "./_appends.ts";
import { bytesOfSets, CHANGE_BYTES, type CommitPart, type Sets } from "./_commit_parts.ts";
import { LogParts, type NewSegment } from "./_log_parts.ts";
import { CommitLoop } from "./_commit_loop.ts";
import { findInLogs, rangesInOrder } from "./_owners.ts";
import { type OpenSegment, runsOf, Segments } from "./_segments.ts";
import { LedgerValues } from "./ledger_values.ts";
import { Peers } from "./shared_kv/peers.ts";
import type { TakenSegment } from "./shared_kv/failover.ts";
import {
  decodeItem,
  encodeItem,
  encodeNotification,
  sizeOf,
  unpackNotifications,
} from "./_stored_items.ts";
import { parseLogKey, type Segment, type StoredSegment } from "./segment.ts";
import { WakeUp } from "./_wake_up.ts";

/**
 * How long a record waits before it is written. What was handed to a socket a moment ago may not
 * have left the process yet, and a record that outlives a crash must not say that it arrived.
 */
const LINGER_MS = 25;
/** Room for the store's own framing of a value. */
const FRAMING_BYTES = 512;
const LEASE_MS = 15_000;
/** Records that are written together, if they are of more than one segment. */
const MAX_RUN = 512;
/** How often, and after how long, it is looked whether another process still writes a record. */
const ELSEWHERE_TRIES = 30;
const ELSEWHERE_PAUSE_MS = 1_000;

/** Settings of {@link SegmentLog}. */
export interface SegmentLogOptions {
  readonly clock: Clock;
  /** Milliseconds that ledger records are kept. */
  readonly retentionMs: () => number;
  /** A segment that is only partly settled is rewritten after this many milliseconds. */
  readonly checkpointMs?: number;
  /**
   * Milliseconds without a sign of life after which the other processes on a shared store take
   * over. They must agree on it. @default {15000}
   */
  readonly leaseMs?: number;
  /** From 0 (inclusive) to 1 (exclusive); spreads what processes do at the same time. */
  readonly random?: () => number;
  /** Lets I/O have its turn. None: nothing more gathers for a commit that could begin at once. */
  readonly yieldToEventLoop?: YieldToEventLoop;
  readonly onCommit?: (changes: number, seconds: number) => void;
  /** A commit of settled records failed; it is tried again. */
  readonly onFault?: (thrown: unknown) => void;
}

/** What a log tells of while it shares its store; without it, it neither takes over nor lapses. */
export interface LogListener {
  /** Whether more may be taken over. */
  hasRoom(): boolean;
  /** In order; they were accepted by processes that are gone. */
  onFailover(notifications: readonly Notification[]): void;
  /** This process was out of sight for so long that others have taken over all it had in flight. */
  onLeaseLost(count: number): void;
}

/** A log of what is in flight and a ledger of what is not any more. */
export class SegmentLog {
  readonly #store: Store;
  readonly #options: SegmentLogOptions;
  readonly #checkpointMs: number;
  readonly #maxValueBytes: number;
  readonly #ledger: LedgerValues;
  readonly #parts: LogParts;
  readonly #loop: CommitLoop;
  readonly #wakeUp: WakeUp;
  /** Only where the store is shared. */
  readonly #neighbours: Peers | undefined;
  /** Where the store is not shared, a name serves to tell processes one after the other apart. */
  readonly #alone = createTag();
  #listener: LogListener | undefined;
  #appends: Append[] = [];
  #segments = new Segments();
  readonly #dirty = new Set<Segment>();
  /** Not everything that an earlier process left has been read back. */
  #isReading = false;
  #isClosed = false;

  constructor(store: Store, options: SegmentLogOptions) {
    this.#store = store;
    this.#options = options;
    this.#checkpointMs = options.checkpointMs ?? 1000;
    this.#maxValueBytes = store.traits.maxValueBytes - FRAMING_BYTES;
    this.#neighbours = store.traits.shared ? this.#meet() : undefined;
    this.#loop = new CommitLoop(store, {
      ...options,
      guard: this.#neighbours,
      // A store that others use too is far away: enough gathers while a commit is under way.
      yieldToEventLoop: this.#neighbours ? undefined : options.yieldToEventLoop,
      gather: () => [...this.#appendParts(), ...this.#settledParts()],
      onIdle: (hasFailed) => this.#rest(hasFailed),
    });
    this.#wakeUp = new WakeUp(options.clock, () => this.#loop.wake());
    this.#ledger = new LedgerValues(store, {
      maxValueBytes: this.#maxValueBytes,
      retentionMs: options.retentionMs,
    });
    this.#parts = new LogParts({ maxValueBytes: this.#maxValueBytes, ledger: this.#ledger });
  }

  /** Notifications in the log that are not settled. */
  get inFlight(): number {
    return this.#segments.inFlight;
  }

  /** Stored size of the segments that are not wholly settled. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /** Whether nobody else can have taken over what is in flight. */
  get isSure(): boolean {
    return this.#neighbours?.isSure ?? true;
  }

  /** A notification as it was accepted, where it is in flight and this process's own. */
  waiting(id: string): Notification | undefined {
    const found = this.#segments.find(id);
    const slot = found?.segment.slots[found.index];
    return typeof slot === "object" ? slot : undefined;
  }

  /** Whether a notification in flight was found in the store: a process before may have sent it. */
  isFound(id: string): boolean {
    return this.#segments.hasFound && Number.isNaN(this.#segments.find(id)?.segment.number);
  }

  /**
   * Makes notifications durable, together with `sets`, all or none. Ids must be given in order,
   * above all those given before, and with one tag: from one source. Resolves to false where they
   * are durable, but another process's already.
   *
   * @throws {ServiceError} `payload_too_large` where they do not fit in one commit of the store,
   * `store_unavailable` where it cannot be written.
   */
  append(notifications: readonly Notification[], sets: Sets = []): Promise<boolean> {
    const items = notifications.map(encodeNotification);
    const { maxCommitBytes } = this.#store.traits;
    const limit = maxCommitBytes - CHANGE_BYTES - bytesOfSets(sets);
    const bytes = maxCommitBytes - limit + sizeOf(items, limit);
    if (
      bytes > maxCommitBytes ||
      items.some((item) => sizeOf([item], this.#maxValueBytes) > this.#maxValueBytes)
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

  /** Moves a notification from the log to the ledger, soon. Unknown ids are left alone. */
  settle(record: LedgerRecord): void {
    const place = this.#segments.find(record.id);
    if (place && this.#segments.settle(place, encodeItem(record))) this.#touch(place.segment);
  }

  /**
   * Changes a settled record; `change` may be called again where somebody else changed it
   * meanwhile. Waits for half a minute at most while another process may still write it. Resolves
   * to false where there is no such record (any more).
   */
  async amend(id: string, change: (record: LedgerRecord) => LedgerRecord): Promise<boolean> {
    let tries = 0;
    for (;;) {
      const place = this.#segments.find(id);
      if (place?.segment.closing) {
        await place.segment.closing;
        continue;
      }
      if (place) {
        const slot = place.segment.slots[place.index]!;
        if (typeof slot !== "string") return false;
        this.#segments.settle(place, encodeItem(change(decodeItem(slot))));
        this.#touch(place.segment);
        return true;
      }
      const amended = this.#neighbours || this.#isReading
        ? await this.#ledger.amend(id, change, (firstId) => this.#isElsewhere(id, firstId))
        : await this.#ledger.amend(id, change);
      if (typeof amended === "boolean") return amended;
      if (amended === "again") continue;
      if (++tries > ELSEWHERE_TRIES) return false;
      await sleep(this.#options.clock, ELSEWHERE_PAUSE_MS);
    }
  }

  /** What is known of a notification: its record, or itself where it is still in flight. */
  async find(id: string): Promise<LedgerRecord | Notification | undefined> {
    const place = this.#segments.find(id);
    const slot = place?.segment.slots[place.index];
    if (slot !== undefined) return typeof slot === "string" ? decodeItem(slot) : slot;
    const known = await this.#ledger.find(id);
    if (known || !(this.#neighbours || this.#isReading)) return known;
    for (const { notification } of await findInLogs(this.#store, id)) {
      if (notification) return notification;
    }
    return await this.#ledger.find(id); // where it has gone over in between
  }

  /**
   * Reads back, in order, what was accepted and not settled, and is nobody else's. Where the store
   * is shared, goes on to do so until {@link stopFailover}, and tells the listener.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async recover(listener?: LogListener): Promise<readonly Notification[]> {
    const found: Notification[] = [];
    if (this.#neighbours) {
      this.#listener = listener && {
        hasRoom: () => listener.hasRoom(),
        onFailover: (taken) => taken.forEach((each) => found.push(each)),
        onLeaseLost: () => void (found.length = 0),
      };
      await this.#neighbours.start();
      this.#listener = listener;
    } else await this.readBack((read) => read.forEach((each) => found.push(each)));
    return found.sort(byId);
  }

  /**
   * Reads back what processes before this one accepted and did not settle, in order and part by
   * part; how many those are. New ones may be appended meanwhile. For a store that is not shared.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async readBack(onRead: (notifications: readonly Notification[]) => void): Promise<number> {
    this.#isReading = true;
    let count = 0;
    for (const range of await rangesInOrder(this.#store)) {
      for await (const entry of this.#store.list<StoredSegment>(range)) {
        if (this.#isClosed) return count;
        const opening = await this.#read(entry);
        this.#segments.open(entry.key, opening);
        count += opening.notifications.length;
        onRead(opening.notifications);
        await this.#options.yieldToEventLoop?.();
      }
    }
    this.#isReading = false;
    return count;
  }

  /** Takes over no more. */
  stopFailover(): void {
    this.#neighbours?.stopFailover();
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

  /** Stops timers, and gives what is left to the other processes; nothing may be given afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wakeUp.cancel();
    await this.#neighbours?.handOver();
  }

  #meet(): Peers {
    const { clock, random, onFault, leaseMs = LEASE_MS } = this.#options;
    return new Peers(this.#store, {
      ...{ clock, leaseMs, random, onFault },
      hasRoom: () => this.#listener?.hasRoom() ?? false,
      onFailover: async (taken) => {
        const segments = this.#segments;
        const openings = await Promise.all(taken.map((each) => this.#read(each)));
        if (segments !== this.#segments) return; // lost again meanwhile
        openings.forEach((opening, index) => segments.open(taken[index]!.key, opening));
        const found = openings.flatMap(({ notifications }) => notifications);
        this.#listener?.onFailover(found.sort(byId));
      },
      onLeaseLost: () => {
        const { inFlight } = this.#segments;
        this.#segments = new Segments();
        this.#dirty.clear();
        this.#listener?.onLeaseLost(inFlight);
      },
    });
  }

  /** What a stored segment is opened with. */
  async #read({ key, value }: TakenSegment): Promise<OpenSegment> {
    const { ledger, items } = value;
    const settled = await this.#ledger.read(ledger, parseLogKey(key).tag);
    const notifications = unpackNotifications(items);
    return { notifications, bytes: items.length, settled, ledger, isFound: true };
  }

  /** Whether a record, or the ledger value that it is in, is another process's to write. */
  async #isElsewhere(id: string, firstId: string): Promise<boolean> {
    const found = await findInLogs(this.#store, id);
    return found.some(({ notification, ledger }) => notification || ledger.includes(firstId));
  }

  /** Sees to it that what has come or stayed meanwhile is written too. */
  #rest(hasFailed: boolean): void {
    if (this.#appends.length > 0) return this.#loop.wake();
    if (this.#dirty.size === 0) return;
    const isSoon = !hasFailed && [...this.#dirty].some(({ waiting }) => waiting === 0);
    this.#wakeUp.within(isSoon ? LINGER_MS : this.#checkpointMs);
  }

  /** Everything appended since the last commit. */
  #appendParts(): CommitPart[] {
    const appends = this.#appends.splice(0);
    const owner = this.#owner();
    const open = (opened: readonly NewSegment[]) => {
      if (owner !== this.#owner()) return false;
      for (const segment of opened) this.#segments.open(segment.key, segment);
      return true;
    };
    const failed = (keys: readonly StoreKey[]) => this.#neighbours?.doubt(keys);
    return groupAppends(appends, this.#store.traits.maxCommitBytes)
      .map((group) => this.#parts.append(group, { owner, open, failed }));
  }

  /** Segments that were settled long enough ago, wholly or in part. */
  #settledParts(): CommitPart[] {
    const now = this.#options.clock.monotonic();
    const ripe = [...this.#dirty].filter((segment) =>
      now - segment.dirtySince >= (segment.waiting === 0 ? LINGER_MS : this.#checkpointMs)
    );
    const segments = this.#segments;
    return runsOf(ripe, MAX_RUN).map((run) => {
      for (const segment of run) this.#dirty.delete(segment);
      return this.#parts.settled(run, {
        closed: () => run.forEach((segment) => segments.close(segment)),
        // After a lapse they are not this process's own any more.
        failed: () => {
          if (segments === this.#segments) run.forEach((segment) => this.#dirty.add(segment));
        },
      });
    });
  }

  /** Under which name segments are kept at the moment. */
  #owner(): string {
    return this.#neighbours ? this.#neighbours.owner ?? "" : this.#alone;
  }

  #touch(segment: Segment): void {
    const isWhole = segment.waiting === 0;
    if (!isWhole && this.#dirty.has(segment)) return;
    segment.dirtySince = this.#options.clock.monotonic();
    this.#dirty.add(segment);
    this.#wakeUp.within(isWhole ? LINGER_MS : this.#checkpointMs);
  }
}

/** Ids sort as texts. */
function byId(a: Notification, b: Notification): number {
  return a.id < b.id ? -1 : 1;
}
