/**
 * The buffer of several nodes, kept in Redis. Any node accepts; similar notifications meet whoever
 * accepted them; whoever has room claims what is due, under its own lease. It neither knows who
 * wants a notification nor how it gets there.
 *
 * Whatever must not be seen half done is a script (`_scripts.ts`); here is what a node does.
 */

import {
  type BatchHandler,
  type Buffer,
  type BufferDepth,
  type BufferSettings,
  type LedgerName,
  mergedRecords,
  Processor,
} from "../../buffer/mod.ts";
import type { Clock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import type { YieldToEventLoop } from "../../core/event_loop.ts";
import { SettlementWriter } from "./_settlement_writer.ts";
import { encodedBytes, type EncodedNotification, encodeForRedis } from "./_encoding.ts";
import { BufferCounters } from "./_buffer_counters.ts";
import { type ClaimedItem, claimNew, claimReply, Claims } from "./_claims.ts";
import { BatchWriter } from "./_batch_writer.ts";
import { bufferKeys } from "./_keys.ts";
import { ClaimLoop } from "./_claim_loop.ts";
import { CLAIM } from "./_scripts.ts";
import { Reclaimer } from "./_reclaimer.ts";
import { PARTITIONS } from "../keys.ts";
import type { RedisLink, Reply } from "../link.ts";
import type { Nodes } from "../nodes.ts";
import { RedisLedger } from "./ledger.ts";

/** What a buffer on Redis needs. Link and nodes stay their owner's. */
export interface RedisBufferOptions {
  readonly link: RedisLink;
  readonly nodes: Nodes;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Read anew each time, so that a reload counts at once. */
  readonly settings: () => BufferSettings;
  /** Milliseconds that the ledger keeps a record. */
  readonly retentionMs: () => number;
  /** Lets I/O have its turn between two jobs. */
  readonly yieldToEventLoop: YieldToEventLoop;
  /** Notifications in one job. @default {64} */
  readonly jobSize?: number;
  readonly onMerged?: () => void;
  /** So many were taken over from nodes that are gone. */
  readonly onReclaimed?: (count: number) => void;
  /** So many that this node had claimed it gave up: others may have taken them over. */
  readonly onLeaseLost?: (count: number) => void;
  readonly onCommit?: (changes: number, seconds: number) => void;
  /** Something broke that is tried again, or a handler threw. */
  readonly onFault?: (thrown: unknown) => void;
}

/** Notifications of one context that are claimed before it is the next one's turn. */
const QUOTA = 16;
/** Jobs' worth that may wait for each processor; the rest stays where all nodes can take it. */
const JOBS_AHEAD = 16;
/** After how long something that was given back comes again; about. */
const AGAIN_MS = 1_000;

const NONE: readonly LedgerRecord[] = [];

/** See the file's comment. */
export class RedisBuffer implements Buffer {
  readonly traits = { takesRecords: false, shared: true };
  readonly #options: RedisBufferOptions;
  readonly #holdings = new Claims();
  readonly #processor: Processor<ClaimedItem>;
  readonly #census: BufferCounters;
  readonly #ledger: RedisLedger;
  readonly #acts: SettlementWriter;
  readonly #intakes: readonly BatchWriter[];
  readonly #pulls: ClaimLoop;
  readonly #upkeep: Reclaimer;
  #handle: BatchHandler | undefined;
  #accepting = 0;
  #stopped = false;

  constructor(options: RedisBufferOptions) {
    const { link, nodes, clock, random, settings, jobSize = 64 } = options;
    this.#options = options;
    this.#census = new BufferCounters(link, clock);
    this.#ledger = new RedisLedger(link);
    this.#processor = new Processor<ClaimedItem>({
      concurrency: () => settings().numProcessorThreads,
      maxWaiting: () => {
        const { maxProcessorTasks, numProcessorThreads } = settings();
        return Math.min(maxProcessorTasks, JOBS_AHEAD * numProcessorThreads * jobSize);
      },
      jobSize,
      tenantOf: ({ notification }) => notification.context,
      run: (job) => this.#work(job),
      onFault: (thrown) => options.onFault?.(thrown),
      yieldToEventLoop: options.yieldToEventLoop,
    });
    this.#acts = new SettlementWriter({
      ...{ link, clock, random, node: nodes.id, retentionMs: options.retentionMs },
      ...{ onCommit: options.onCommit, onFault: options.onFault },
      onWritten: (held) => this.#holdings.forget(held),
      onSettled: (count) => this.#census.settled(count),
    });
    this.#pulls = new ClaimLoop({
      ...{ clock, random },
      everyMs: () => settings().timerFrequency,
      canClaim: () => link.isUp,
      room: () => this.#processor.room,
      claim: (partition, limit) => this.#pull(partition, limit),
    });
    this.#upkeep = new Reclaimer({
      ...{ link, nodes, clock, random, counters: this.#census },
      ...{ onReclaimed: options.onReclaimed, onFault: options.onFault },
      known: (partition) => [
        ...this.#holdings.idsIn(partition),
        ...this.#intakes[partition]!.claiming,
      ],
      onLost: (ids) => this.#gaveUp(this.#holdings.lose(ids)),
      onReleased: (partition) => this.#pulls.request(partition),
    });
    this.#intakes = Array.from({ length: PARTITIONS }, (_, partition) =>
      new BatchWriter({
        ...{ link, clock, node: nodes.id, partition, keys: bufferKeys(partition) },
        ...{ onMerged: options.onMerged, onCommit: options.onCommit },
        onClaimed: (notifications) => this.#take(notifications.map(claimNew)),
        onUnsure: () => this.#upkeep.doubt(partition),
      }));
    nodes.onLeaseLost(() => {
      this.#gaveUp(this.#holdings.dropUnstarted());
      this.#upkeep.doubtAll();
    });
  }

  /** Returns how many were taken over from nodes that are gone. */
  async start(handle: BatchHandler): Promise<number> {
    const taken = await this.#upkeep.reclaim();
    this.#handle = handle;
    this.#upkeep.start();
    this.#pulls.start();
    return taken;
  }

  async put(
    notifications: readonly Notification[],
    sets: Parameters<Buffer["put"]>[1] = [],
    { isRepeat = false }: { readonly isRepeat?: boolean } = {},
  ): Promise<void> {
    const { length: count } = notifications;
    if (sets.length > 0) throw new Error("Cannot accept: other records are not taken along");
    if (!this.#hasRoom(count) && !this.#census.isFresh) await this.#census.count();
    if (this.#stopped) {
      const message = "Cannot accept: this node is stopping";
      throw new ServiceError("draining", message, { retryAfterSeconds: 1 });
    }
    if (!this.#hasRoom(count)) {
      throw new ServiceError(
        "buffer_full",
        `Cannot accept ${count} more: the buffer holds ${this.#census.notifications}`,
        { retryAfterSeconds: 1 },
      );
    }
    const settings = this.#options.settings();
    const isNow = settings.delayDuration === 0;
    const claimed = isNow && this.#handle !== undefined && this.#pulls.reserve(count);
    this.#accepting += count;
    try {
      const ready = encodeForRedis(notifications, {
        settings,
        now: this.#options.link.now(),
        claimed,
      });
      await this.#accept(ready, { claimed, isRepeat });
      this.#census.added(count, encodedBytes(ready));
      if (isNow && !claimed) { for (const { partition } of ready) this.#pulls.request(partition); }
    } finally {
      this.#accepting -= count;
      if (claimed) this.#pulls.release(count);
    }
  }

  settle(record: LedgerRecord): readonly LedgerRecord[] {
    const held = this.#holdings.get(record.id);
    if (!held) return NONE;
    held.state = "ended";
    const merged = mergedRecords(held.older, record);
    this.#acts.settle(held, [record, ...merged]);
    return merged;
  }

  release(id: string): void {
    const held = this.#holdings.get(id);
    if (held) this.#giveBack(held);
  }

  async amend(
    name: LedgerName,
    change: (record: LedgerRecord) => LedgerRecord,
  ): Promise<boolean> {
    return await this.#acts.amend(name.id, change) ||
      await this.#ledger.amend(name, change);
  }

  async record(name: LedgerName): Promise<LedgerRecord | undefined> {
    return this.#acts.record(name.id) ?? await this.#ledger.record(name);
  }

  async find(id: string): Promise<LedgerRecord | Notification | undefined> {
    return this.#acts.record(id) ?? await this.#ledger.find(id);
  }

  /** What is in Redis is counted once a second; `due` and `running` are this node's own. */
  depth(): BufferDepth {
    return {
      waiting: this.#census.waiting,
      due: this.#processor.waiting,
      running: this.#processor.running,
      inFlight: this.#census.notifications,
    };
  }

  /** What is due is for the other nodes to hand over; the last one does it itself. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await Promise.all([this.#pulls.stop(), ...this.#intakes.map((intake) => intake.idle())]);
    await this.#processor.idle();
    if (this.#handle === undefined || this.#options.nodes.alive().length > 1) return;
    await this.#pulls.drain(() => this.#processor.idle());
  }

  /** Gives back what is still claimed as well, so that others need not wait for the lease to end. */
  async close(): Promise<void> {
    try {
      await this.#acts.flush();
      await this.#upkeep.handOver();
    } finally {
      this.#acts.close();
      this.#upkeep.stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.close();
  }

  #hasRoom(count: number): boolean {
    const { maxNotifications, maxBytes } = this.#options.settings();
    const { notifications, bytes } = this.#census;
    return notifications + this.#accepting + count <= maxNotifications && bytes <= maxBytes;
  }

  /** Rejects where one of them did not get in; others may have. */
  #accept(
    ready: readonly EncodedNotification[],
    how: { readonly claimed: boolean; readonly isRepeat: boolean },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = ready.length;
      let fault: unknown;
      const ended = (thrown?: unknown) => {
        fault ??= thrown;
        if (--left > 0) return;
        if (fault === undefined) resolve();
        else reject(fault);
      };
      for (const one of ready) this.#intakes[one.partition]!.add({ ...one, ...how, ended });
      if (left === 0) resolve();
    });
  }

  /** Never rejects. */
  async #pull(partition: number, limit: number): Promise<number> {
    const { link, nodes, onFault } = this.#options;
    const { items, claims, open, older, due, turns, claimers } = bufferKeys(partition);
    try {
      await this.#upkeep.makeSure(partition);
      const keys = [items, claims, open, older, due, turns, claimers];
      const reply = await link.run(CLAIM, keys, [nodes.id, link.now(), limit, QUOTA]);
      const claimed = claimReply(partition, reply as readonly Reply[]);
      this.#take(claimed);
      return claimed.length;
    } catch (thrown) {
      // It may have claimed something all the same.
      this.#upkeep.doubt(partition);
      // What the link says of Redis being away it says once, and not for each partition.
      if (!(thrown instanceof ServiceError)) onFault?.(thrown);
      return 0;
    }
  }

  #take(claimed: readonly ClaimedItem[]): void {
    if (claimed.length === 0) return;
    this.#holdings.add(claimed);
    this.#processor.offer(claimed);
  }

  async #work(job: readonly ClaimedItem[]): Promise<void> {
    this.#pulls.next(); // the job has made room
    const begun = this.#holdings.begin(job);
    for (const isRepeat of [false, true]) {
      const batch = begun.filter((held) => held.isRepeat === isRepeat);
      if (batch.length > 0) await this.#handOver(batch, isRepeat);
    }
  }

  async #handOver(batch: readonly ClaimedItem[], isRepeat: boolean): Promise<void> {
    try {
      await this.#handle!(batch.map(({ notification }) => notification), { isRepeat });
    } catch (thrown) {
      this.#options.onFault?.(thrown);
      for (const held of this.#holdings.unfinished(batch)) this.#giveBack(held);
    }
  }

  #giveBack(held: ClaimedItem): void {
    held.state = "ended";
    this.#acts.release(held, (0.5 + this.#options.random()) * AGAIN_MS);
  }

  #gaveUp(count: number): void {
    if (count > 0) this.#options.onLeaseLost?.(count);
  }
}
