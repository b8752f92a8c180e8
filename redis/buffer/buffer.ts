/**
 * The buffer of several nodes, kept in Redis. Every node accepts notifications; similar ones merge
 * wherever they were accepted; every node claims due ones under its own lease. The buffer does not
 * know who receives a notification. What must be atomic is a script; this class does the rest.
 */

import {
  type BatchHandler,
  type Buffer,
  type BufferDepth,
  bufferFull,
  type BufferOptions,
  type LedgerName,
  mergedRecords,
  Processor,
  stopping,
} from "../../buffer/mod.ts";
import { ServiceError } from "../../core/errors.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { LedgerPage, LedgerQuery } from "../../core/ledger_list.ts";
import type { Notification } from "../../core/notification.ts";
import type { RedisLink, Reply } from "../link.ts";
import type { Nodes } from "../nodes/registered_nodes.ts";
import { BufferCounters } from "./_buffer_counters.ts";
import { cancelInRedis } from "./_cancellation.ts";
import { ClaimLoop } from "./_claim_loop.ts";
import { type ClaimedItem, claimNew, claimReply, Claims } from "./_claims.ts";
import { encodedBytes, encodeForRedis } from "./_encoding.ts";
import { bufferKeys } from "./keys.ts";
import { listInRedis } from "./_ledger_list.ts";
import { PartitionWriters } from "./_batch_writer.ts";
import { Reclaimer } from "./_reclaimer.ts";
import { CLAIM } from "./_scripts.ts";
import { SettlementWriter } from "./_settlement_writer.ts";
import { RedisLedger } from "./ledger.ts";

/** Notifications of one context that are claimed before the next context's. */
const QUOTA = 16;
/** Jobs that may wait for each processor; further notifications stay where all nodes can claim them. */
const JOBS_AHEAD = 16;
/** About how long a released notification waits. */
const RELEASE_PAUSE_MS = 1_000;

/** The caller keeps and closes link and nodes. */
interface RedisBufferOptions extends BufferOptions {
  readonly link: RedisLink;
  readonly nodes: Nodes;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Notifications in one job. @default {64} */
  readonly jobSize?: number;
  /** Reports how many claims of dead nodes were released. */
  readonly onReclaimed?: (count: number) => void;
}

/** A buffer that several nodes share. */
export class RedisBuffer implements Buffer {
  readonly traits = { takesRecords: false, shared: true };
  readonly #options: RedisBufferOptions;
  readonly #claims = new Claims();
  readonly #processor: Processor<ClaimedItem>;
  readonly #counters: BufferCounters;
  readonly #ledger: RedisLedger;
  readonly #settlements: SettlementWriter;
  readonly #writers: PartitionWriters;
  readonly #claimLoop: ClaimLoop;
  readonly #reclaimer: Reclaimer;
  #handler: BatchHandler | undefined;
  #accepting = 0;
  #stopped = false;

  constructor(options: RedisBufferOptions) {
    const { link, nodes, clock, random, settings, jobSize = 64, onCommit, onFault } = options;
    this.#options = options;
    this.#counters = new BufferCounters(link, clock);
    this.#ledger = new RedisLedger(link);
    this.#processor = new Processor<ClaimedItem>({
      concurrency: () => settings().numProcessorThreads,
      maxWaiting: () => {
        const { maxProcessorTasks, numProcessorThreads } = settings();
        return Math.min(maxProcessorTasks, JOBS_AHEAD * numProcessorThreads * jobSize);
      },
      jobSize,
      tenantOf: ({ notification }) => notification.context,
      run: (job) => this.#process(job),
      onFault: (thrown) => onFault?.(thrown),
      yieldToEventLoop: options.yieldToEventLoop,
    });
    this.#settlements = new SettlementWriter({
      ...{ link, clock, random, node: nodes.id, onCommit, onFault },
      retentionMs: options.retentionMs,
      onWritten: (items) => this.#claims.forget(items),
      onSettled: (count) => this.#counters.settled(count),
    });
    this.#claimLoop = new ClaimLoop({
      ...{ clock, random },
      everyMs: () => settings().timerFrequency,
      canClaim: () => link.isUp,
      room: () => this.#processor.room,
      claim: (partition, limit) => this.#claim(partition, limit),
    });
    this.#reclaimer = new Reclaimer({
      ...{ link, nodes, clock, random, counters: this.#counters, onFault },
      onReclaimed: options.onReclaimed,
      known: (partition) => [
        ...this.#claims.idsIn(partition),
        ...this.#writers.claimingIn(partition),
      ],
      onLost: (ids) => this.#reportLost(this.#claims.removeLost(ids)),
      onReleased: (partition) => this.#claimLoop.request(partition),
    });
    this.#writers = new PartitionWriters({
      ...{ link, clock, node: nodes.id, onMerged: options.onMerged, onCommit },
      onClaimed: (all, segment) => this.#onClaimed(all.map((each) => claimNew(each, segment))),
      onUnsure: (partition) => this.#reclaimer.markUnsure(partition),
    });
    nodes.onLeaseLost(() => {
      this.#reportLost(this.#claims.dropUnstarted());
      this.#reclaimer.markAllUnsure();
    });
  }

  async start(handler: BatchHandler): Promise<number> {
    const reclaimed = await this.#reclaimer.reclaim();
    this.#handler = handler;
    this.#reclaimer.start();
    this.#claimLoop.start();
    return reclaimed;
  }

  async put(
    notifications: readonly Notification[],
    sets: Parameters<Buffer["put"]>[1] = [],
    { isRepeat = false }: { readonly isRepeat?: boolean } = {},
  ): Promise<void> {
    if (sets.length > 0) throw new Error("Cannot accept: this buffer stores no other records");
    const count = notifications.length;
    if (!this.#hasRoom(count) && !this.#counters.isFresh) await this.#counters.count();
    if (this.#stopped) throw stopping();
    if (!this.#hasRoom(count)) throw bufferFull(count, this.#counters.notifications);
    const settings = this.#options.settings();
    const isImmediate = settings.delayDuration === 0;
    const mayClaim = isImmediate && !isRepeat && this.#handler !== undefined;
    const claimed = mayClaim && this.#claimLoop.reserve(count);
    this.#accepting += count;
    try {
      const now = this.#options.link.now();
      const encoded = encodeForRedis(notifications, { settings, now, claimed });
      await this.#writers.write(encoded, { claimed, isRepeat });
      this.#counters.added(count, encodedBytes(encoded));
      if (!isImmediate || claimed) return;
      for (const { partition } of encoded) this.#claimLoop.request(partition);
    } finally {
      this.#accepting -= count;
      if (claimed) this.#claimLoop.unreserve(count);
    }
  }

  settle(record: LedgerRecord): readonly LedgerRecord[] {
    const item = this.#claims.get(record.id);
    if (!item) return [];
    item.state = "ended";
    const merged = mergedRecords(item.older, record);
    this.#settlements.settle(item, [record, ...merged]);
    return merged;
  }

  release(id: string): void {
    const item = this.#claims.get(id);
    if (item) this.#release(item);
  }

  cancel(
    names: readonly LedgerName[],
    onCancelled: (record: LedgerRecord) => void,
  ): Promise<void> {
    const { link, nodes: { id: node } } = this.#options;
    return cancelInRedis(names, {
      ...{ link, node, claims: this.#claims, reclaimer: this.#reclaimer, onCancelled },
      settlements: this.#settlements,
    });
  }

  async amend(name: LedgerName, change: (record: LedgerRecord) => LedgerRecord) {
    return await this.#settlements.amend(name.id, change) ||
      await this.#ledger.amend(name, change);
  }

  async record(name: LedgerName): Promise<LedgerRecord | undefined> {
    return this.#settlements.record(name.id) ?? await this.#ledger.record(name);
  }

  async find(id: string) {
    return this.#settlements.record(id) ?? await this.#ledger.find(id);
  }

  list(query: LedgerQuery): Promise<LedgerPage> {
    return listInRedis(this.#options.link, query, { retentionMs: this.#options.retentionMs() });
  }

  /** Returns the name of the segment that this node claimed a notification with, if it did. */
  segmentNameOf(id: string): string | undefined {
    return this.#claims.get(id)?.segment?.name;
  }

  /** `due` and `running` are of this node. */
  depth(): BufferDepth {
    return {
      waiting: this.#counters.waiting,
      due: this.#processor.waiting,
      running: this.#processor.running,
      inFlight: this.#counters.notifications,
    };
  }

  /** Leaves what is due to the other nodes; the last node processes it. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await Promise.all([this.#claimLoop.stop(), this.#writers.idle()]);
    await this.#processor.idle();
    if (this.#handler === undefined || this.#options.nodes.alive().length > 1) return;
    await this.#claimLoop.drain(() => this.#processor.idle());
  }

  /** Releases the remaining claims too, so that other nodes need not wait for the lease to end. */
  async close(): Promise<void> {
    try {
      await this.#settlements.flush();
      await this.#reclaimer.releaseAll();
    } finally {
      this.#settlements.close();
      this.#reclaimer.stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.close();
  }

  #hasRoom(count: number): boolean {
    const { maxNotifications, maxBytes } = this.#options.settings();
    const { notifications, bytes } = this.#counters;
    return notifications + this.#accepting + count <= maxNotifications && bytes <= maxBytes;
  }

  /** Claims due notifications of a partition; returns their number. Never rejects. */
  async #claim(partition: number, limit: number): Promise<number> {
    const { link, nodes, onFault } = this.#options;
    const { items, claims, open, older, due, turns, claimers } = bufferKeys(partition);
    try {
      await this.#reclaimer.verify(partition);
      const keys = [items, claims, open, older, due, turns, claimers];
      const reply = await link.run(CLAIM, keys, [nodes.id, link.now(), limit, QUOTA]);
      const claimed = claimReply(partition, reply as readonly Reply[]);
      this.#onClaimed(claimed);
      return claimed.length;
    } catch (thrown) {
      // The script may have run although its answer was lost.
      this.#reclaimer.markUnsure(partition);
      // The link reports an outage of Redis once, instead of once for each partition.
      if (!(thrown instanceof ServiceError)) onFault?.(thrown);
      return 0;
    }
  }

  #onClaimed(claimed: readonly ClaimedItem[]): void {
    if (claimed.length === 0) return;
    this.#claims.add(claimed);
    this.#processor.offer(claimed);
  }

  async #process(job: readonly ClaimedItem[]): Promise<void> {
    this.#claimLoop.claimNext(); // the job has made room
    const begun = this.#claims.begin(job);
    for (const isRepeat of [false, true]) {
      const batch = begun.filter((item) => item.isRepeat === isRepeat);
      if (batch.length > 0) await this.#handle(batch, isRepeat);
    }
  }

  async #handle(batch: readonly ClaimedItem[], isRepeat: boolean): Promise<void> {
    try {
      await this.#handler!(batch.map(({ notification }) => notification), { isRepeat });
    } catch (thrown) {
      this.#options.onFault?.(thrown);
      for (const item of this.#claims.unfinished(batch)) this.#release(item);
    }
  }

  #release(item: ClaimedItem): void {
    item.state = "ended";
    this.#settlements.release(item, (0.5 + this.#options.random()) * RELEASE_PAUSE_MS);
  }

  #reportLost(count: number): void {
    if (count > 0) this.#options.onLeaseLost?.(count);
  }
}
