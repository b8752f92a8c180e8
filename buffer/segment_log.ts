/**
 * The buffer's durable side. Memory is the working set; this is its log. A settled notification
 * moves from the log to the ledger in one atomic commit, so at every moment, and after every
 * crash, it is in exactly one of them. `_segment_writer.ts` writes; this file finds, amends and
 * reads back.
 */

import { sleep } from "../core/clock.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import { createTag } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { LedgerPage, LedgerQuery } from "../core/ledger_list.ts";
import type { Notification } from "../core/notification.ts";
import type { Store, StoreKey } from "../core/store.ts";
import type { Sets } from "./_commit_parts.ts";
import { ledgerPage } from "./_ledger_pages.ts";
import { SegmentWriter } from "./_segment_writer.ts";
import { type OpenSegment, Segments } from "./_segments.ts";
import { decodeItem, unpackNotifications } from "./_stored_items.ts";
import type { BufferOptions } from "./buffer.ts";
import { LedgerValues } from "./ledger_values.ts";
import { parseLogKey, type StoredSegment } from "./segment.ts";
import { Peers } from "./shared_kv/mod.ts";
import { findInLogs, rangesInOrder } from "./stored_logs.ts";

/** Room for the store's own framing of a value. */
const FRAMING_BYTES = 512;
const LEASE_MS = 15_000;
/** How often, and at which interval, `amend` checks whether another process still has a record. */
const MAX_OWNER_CHECKS = 30;
const OWNER_CHECK_MS = 1_000;

/** Settings of {@link SegmentLog}. */
interface SegmentLogOptions
  extends Pick<BufferOptions, "clock" | "retentionMs" | "onCommit" | "onFault"> {
  /**
   * Milliseconds without a renewal after which the other processes on a shared store take over.
   * All of them must have the same. @default {15000}
   */
  readonly leaseMs?: number;
  /** From 0 (inclusive) to 1 (exclusive); spreads what processes do at the same time. */
  readonly random?: () => number;
  /** Lets I/O run before a commit, so that more changes share it. */
  readonly yieldToEventLoop?: YieldToEventLoop;
}

/** Follows what happens on a shared store; without it, a log takes over nothing. */
interface LogListener {
  /** Returns whether more notifications may be taken over. */
  hasRoom(): boolean;
  /** Called with notifications of processes that are gone, in the order of their ids. */
  onFailover(notifications: readonly Notification[]): void;
  /** Called after the lease was lost and others took over `count` notifications in flight here. */
  onLeaseLost(count: number): void;
}

/** A log of the notifications in flight, and a ledger of the settled ones. */
export class SegmentLog {
  readonly #store: Store;
  readonly #options: SegmentLogOptions;
  readonly #ledger: LedgerValues;
  readonly #writer: SegmentWriter;
  /** Only where the store is shared. */
  readonly #peers: Peers | undefined;
  /** Tells this process from those before it where the store is not shared. */
  readonly #ownName = createTag();
  #listener: LogListener | undefined;
  #segments = new Segments();
  /** What earlier processes left has not been read back completely. */
  #isReading = false;
  #isClosed = false;

  constructor(store: Store, options: SegmentLogOptions) {
    const { clock, retentionMs, onCommit, onFault } = options;
    const maxValueBytes = store.traits.maxValueBytes - FRAMING_BYTES;
    this.#store = store;
    this.#options = options;
    this.#peers = store.traits.shared ? this.#createPeers() : undefined;
    this.#ledger = new LedgerValues(store, { maxValueBytes, retentionMs });
    this.#writer = new SegmentWriter(store, {
      ...{ clock, onCommit, onFault, maxValueBytes, ledger: this.#ledger },
      segments: () => this.#segments,
      owner: () => this.#peers ? this.#peers.owner ?? "" : this.#ownName,
      guard: this.#peers,
      // A shared store is far away: enough changes arrive while a commit is under way.
      yieldToEventLoop: this.#peers ? undefined : options.yieldToEventLoop,
      onUncertain: (keys) => this.#peers?.recheck(keys),
    });
  }

  get inFlight(): number {
    return this.#segments.inFlight;
  }

  /** Stored size in bytes of the segments that are not wholly settled. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /** Whether no other process can have taken over what is in flight. */
  get isOwner(): boolean {
    return this.#peers?.isOwner ?? true;
  }

  /** Returns a notification as it was accepted, where it is in flight and this process's own. */
  waiting(id: string): Notification | undefined {
    const found = this.#segments.find(id);
    const slot = found?.segment.slots[found.index];
    return typeof slot === "object" ? slot : undefined;
  }

  /** Whether a notification was read from the store, so an earlier process may have sent it. */
  isFound(id: string): boolean {
    return this.#segments.hasFound && Number.isNaN(this.#segments.find(id)?.segment.number);
  }

  /**
   * Makes notifications durable, together with `sets`, all or none. Ids must be in order, above
   * all those given before, and of one source. Resolves to false where the notifications are
   * durable, but belong to another process already.
   *
   * @throws {ServiceError} `payload_too_large` where they do not fit in one commit of the store,
   * `store_unavailable` where it cannot be written
   */
  append(notifications: readonly Notification[], sets: Sets = []): Promise<boolean> {
    return this.#writer.append(notifications, sets);
  }

  /** Moves a notification from the log to the ledger within a moment. Ignores unknown ids. */
  settle(record: LedgerRecord): void {
    const slot = this.#segments.find(record.id);
    if (slot && this.#segments.settle(slot, record)) this.#writer.touch(slot.segment);
  }

  /**
   * Changes a settled record; calls `change` again where another process changed it at the same
   * time. Waits for up to half a minute while another process may still write the record.
   * Resolves to false where there is no such record (any more).
   */
  async amend(id: string, change: (record: LedgerRecord) => LedgerRecord): Promise<boolean> {
    let checks = 0;
    for (;;) {
      const found = this.#segments.find(id);
      if (found?.segment.closing) {
        await found.segment.closing;
        continue;
      }
      if (found) {
        const slot = found.segment.slots[found.index]!;
        if (typeof slot !== "string") return false;
        this.#segments.settle(found, change(decodeItem(slot)));
        this.#writer.touch(found.segment);
        return true;
      }
      const amended = this.#peers || this.#isReading
        ? await this.#ledger.amend(id, change, (firstId) => this.#isElsewhere(id, firstId))
        : await this.#ledger.amend(id, change);
      if (typeof amended === "boolean") return amended;
      if (amended === "conflict") continue;
      if (++checks > MAX_OWNER_CHECKS) return false;
      await sleep(this.#options.clock, OWNER_CHECK_MS);
    }
  }

  /** Returns the record of a notification, or the notification itself while it is in flight. */
  async find(id: string): Promise<LedgerRecord | Notification | undefined> {
    const found = this.#segments.find(id);
    const slot = found?.segment.slots[found.index];
    if (slot !== undefined) return typeof slot === "string" ? decodeItem(slot) : slot;
    const record = await this.#ledger.find(id);
    if (record || !(this.#peers || this.#isReading)) return record;
    for (const { notification } of await findInLogs(this.#store, id)) {
      if (notification) return notification;
    }
    return await this.#ledger.find(id); // it may have moved there between the two reads
  }

  /**
   * Lists the newest notifications: those in flight here, and the records of all processes.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async list(query: LedgerQuery): Promise<LedgerPage> {
    const inMemory = this.#segments.newest(query.before);
    return await ledgerPage([...inMemory, ...await this.#ledger.newest(query.before)], query);
  }

  /**
   * Reads back, in order, what was accepted and not settled, and belongs to no other process. On a
   * shared store it goes on doing so until {@link stopFailover}, and calls the listener.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async recover(listener?: LogListener): Promise<readonly Notification[]> {
    const found: Notification[] = [];
    if (this.#peers) {
      this.#listener = listener && {
        hasRoom: () => listener.hasRoom(),
        onFailover: (taken) => taken.forEach((each) => found.push(each)),
        onLeaseLost: () => void (found.length = 0),
      };
      await this.#peers.start();
      this.#listener = listener;
    } else await this.readBack((read) => read.forEach((each) => found.push(each)));
    return found.sort(byId);
  }

  /**
   * Reads back what earlier processes accepted and did not settle, in order and part by part, and
   * returns how many those are. New ones may be appended meanwhile. Only for a store that is not
   * shared.
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

  /** Takes over nothing from now on. */
  stopFailover(): void {
    this.#peers?.stopFailover();
  }

  /**
   * Resolves when everything given so far is in the store.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** Stores the records settled so far. @throws {ServiceError} `store_unavailable` */
  writeSettled(): Promise<void> {
    return this.#writer.writeSettled();
  }

  /** Stops timers, and releases the rest to the other processes. Nothing may be given after it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#writer.close();
    await this.#peers?.close();
  }

  #createPeers(): Peers {
    const { clock, random, onFault, leaseMs = LEASE_MS } = this.#options;
    return new Peers(this.#store, {
      ...{ clock, leaseMs, random, onFault },
      hasRoom: () => this.#listener?.hasRoom() ?? false,
      onFailover: async (taken) => {
        const segments = this.#segments;
        const openings = await Promise.all(taken.map((each) => this.#read(each)));
        if (segments !== this.#segments) return; // the lease was lost meanwhile
        openings.forEach((opening, index) => segments.open(taken[index]!.key, opening));
        const found = openings.flatMap(({ notifications }) => notifications);
        this.#listener?.onFailover(found.sort(byId));
      },
      onLeaseLost: () => {
        const { inFlight } = this.#segments;
        this.#segments = new Segments();
        this.#writer.dropSettled();
        this.#listener?.onLeaseLost(inFlight);
      },
    });
  }

  /** Returns what a stored segment is opened with. */
  async #read(
    { key, value }: { readonly key: StoreKey; readonly value: StoredSegment },
  ): Promise<OpenSegment> {
    const { ledger, items } = value;
    const settled = await this.#ledger.read(ledger, parseLogKey(key).tag);
    const notifications = unpackNotifications(items);
    return { notifications, bytes: items.length, settled, ledger, isFound: true };
  }

  /** Whether another process may still write a record, or the ledger value that it is in. */
  async #isElsewhere(id: string, firstId: string): Promise<boolean> {
    const found = await findInLogs(this.#store, id);
    return found.some(({ notification, ledger }) => notification || ledger.includes(firstId));
  }
}

/** Ids sort as texts. */
function byId(a: Notification, b: Notification): number {
  return a.id < b.id ? -1 : 1;
}
