/**
 * Writes how the claims of this node end: the records of settled notifications, and the release of
 * others. They collect for a moment and are written in few calls. While Redis is unavailable they
 * wait in memory, limited by the number of claims.
 */

import { type BufferOptions, encodeItem, isOpen } from "../../buffer/mod.ts";
import type { Timer } from "../../core/clock.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { RELEASE, SETTLE } from "./_end_scripts.ts";
import type { ClaimedItem } from "./_claims.ts";
import { bufferKeys, redisLedgerKey } from "./keys.ts";
import type { RedisLink } from "../link.ts";

/**
 * Shortest time before a record is written. A frame that was just sent to a socket may still be in
 * the process, and after a crash no record may say that it arrived.
 */
const LINGER_MS = 25;
/** About how long to wait after a failed write. */
const RETRY_MS = 1_000;
/**
 * Records in one call at most; one notification with all that were merged into it may have more.
 */
const MAX_RECORDS = 512;

interface SettlementWriterOptions
  extends Pick<BufferOptions, "clock" | "retentionMs" | "onCommit" | "onFault"> {
  readonly link: RedisLink;
  readonly random: () => number;
  readonly node: string;
  /** The end of these claims is written, or another node held them. */
  readonly onWritten: (items: readonly ClaimedItem[]) => void;
  /** Reports how many notifications were settled. */
  readonly onSettled: (count: number) => void;
}

interface Settlement {
  readonly item: ClaimedItem;
  /**
   * The record of the notification and those of merged ones. Empty: it is released after a pause.
   */
  readonly records: LedgerRecord[];
  readonly pauseMs: number;
  /** The write under way; never rejects. */
  writing?: Promise<void>;
}

/** Collects settlements and releases, and writes them. */
export class SettlementWriter {
  readonly #options: SettlementWriterOptions;
  /** Settlements since the last tick, and those before it, which are written next. */
  #added: Settlement[] = [];
  #due: Settlement[] = [];
  readonly #byId = new Map<string, Settlement>();
  readonly #writes = new Set<Promise<void>>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: SettlementWriterOptions) {
    this.#options = options;
    options.link.onUp(() => {
      // All nodes hear of the reconnect at the same moment, so each waits a random time.
      if (this.#timer) this.#wakeIn(options.random() * RETRY_MS / 2);
    });
  }

  settle(item: ClaimedItem, records: readonly LedgerRecord[]): void {
    this.#add({ item, records: [...records], pauseMs: 0 });
  }

  /**
   * The same for several, and resolves when they are written.
   *
   * @throws {ServiceError} `store_unavailable`; they are written later then
   */
  async settleNow(
    ended: readonly { readonly item: ClaimedItem; readonly records: readonly LedgerRecord[] }[],
  ): Promise<void> {
    const settlements = ended.map(({ item, records }): Settlement => ({
      ...{ item, records: [...records], pauseMs: 0 },
    }));
    for (const each of settlements) for (const { id } of each.records) this.#byId.set(id, each);
    const fault = await this.#write(settlements);
    if (fault === undefined) return;
    this.#wakeIn(RETRY_MS);
    throw fault;
  }

  release(item: ClaimedItem, pauseMs: number): void {
    this.#add({ item, records: [], pauseMs });
  }

  record(id: string): LedgerRecord | undefined {
    return this.#byId.get(id)?.records.find((record) => record.id === id);
  }

  /** Changes a record that is not written yet; false where there is none. */
  async amend(id: string, change: (record: LedgerRecord) => LedgerRecord): Promise<boolean> {
    for (;;) {
      const settlement = this.#byId.get(id);
      if (!settlement) return false;
      if (!settlement.writing) {
        const index = settlement.records.findIndex((record) => record.id === id);
        settlement.records[index] = change(settlement.records[index]!);
        return true;
      }
      await settlement.writing;
    }
  }

  /**
   * Resolves when everything added so far is written.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async flush(): Promise<void> {
    for (;;) {
      await Promise.all(this.#writes);
      const settlements = [...this.#due.splice(0), ...this.#added.splice(0)];
      if (settlements.length === 0) return;
      const fault = await this.#write(settlements);
      if (fault !== undefined) throw fault;
    }
  }

  /** Stops the timer; nothing may be added afterwards. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #add(settlement: Settlement): void {
    this.#added.push(settlement);
    for (const { id } of settlement.records) this.#byId.set(id, settlement);
    if (!this.#timer) this.#wakeIn(LINGER_MS);
  }

  #wakeIn(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#closed ? undefined : this.#options.clock.after(ms, () => void this.#tick());
  }

  /** Writes settlements that have waited for a tick or more. */
  async #tick(): Promise<void> {
    this.#timer = undefined;
    const settlements = this.#due;
    this.#due = this.#added;
    this.#added = [];
    if (this.#due.length > 0) this.#wakeIn(LINGER_MS);
    const fault = await this.#write(settlements);
    if (fault === undefined) return;
    this.#options.onFault?.(fault);
    this.#wakeIn((0.5 + this.#options.random()) * RETRY_MS);
  }

  /** Resolves to what was thrown, if anything; failed settlements then wait for the next tick. */
  async #write(settlements: readonly Settlement[]): Promise<unknown> {
    let fault: unknown;
    await Promise.all(
      chunksOf(settlements).map(async (chunk) => {
        const writing = this.#send(chunk).catch((thrown) => {
          fault ??= thrown;
          for (const settlement of chunk) delete settlement.writing;
          this.#due.push(...chunk);
        });
        this.#writes.add(writing);
        for (const settlement of chunk) settlement.writing = writing;
        await writing;
        this.#writes.delete(writing);
      }),
    );
    return fault;
  }

  async #send(chunk: readonly Settlement[]): Promise<void> {
    const { clock, onCommit, onWritten } = this.#options;
    const started = clock.monotonic();
    const settles = chunk[0]!.records.length > 0;
    await (settles ? this.#sendRecords(chunk) : this.#sendReleases(chunk));
    for (const settlement of chunk) {
      for (const { id } of settlement.records) {
        if (this.#byId.get(id) === settlement) this.#byId.delete(id);
      }
    }
    onWritten(chunk.map(({ item }) => item));
    if (settles) onCommit?.(chunk.length, (clock.monotonic() - started) / 1000);
  }

  async #sendRecords(chunk: readonly Settlement[]): Promise<void> {
    const { link, node, retentionMs, onSettled } = this.#options;
    const { partition } = chunk[0]!.item;
    const buckets: string[] = [];
    const args: (string | number)[] = [node, Math.max(1, Math.round(retentionMs()))];
    for (const { item, records } of chunk) {
      for (const record of records) {
        const bucket = redisLedgerKey(partition, record.id);
        let number = buckets.indexOf(bucket) + 1;
        if (number === 0) number = buckets.push(bucket);
        const line = encodeItem(record);
        args.push(record.id === item.id ? item.id : "", isOpen(line) ? -number : number, line);
      }
    }
    const { items, claims, older } = bufferKeys(partition);
    const settled = await link.run(SETTLE, [items, claims, older, ...buckets], args);
    onSettled(settled as number);
  }

  async #sendReleases(chunk: readonly Settlement[]): Promise<void> {
    const { link, node } = this.#options;
    const { items, claims, due, turns } = bufferKeys(chunk[0]!.item.partition);
    const now = link.now();
    const args = chunk.flatMap(({ item, pauseMs }) => [item.id, Math.round(now + pauseMs)]);
    await link.run(RELEASE, [items, claims, due, turns], [node, ...args]);
  }
}

/** Splits settlements into calls: each for one partition, and either settling or releasing. */
function chunksOf(settlements: readonly Settlement[]): readonly (readonly Settlement[])[] {
  const open = new Map<number, { readonly settlements: Settlement[]; records: number }>();
  const chunks: Settlement[][] = [];
  for (const settlement of settlements) {
    const kind = settlement.item.partition * 2 + (settlement.records.length > 0 ? 1 : 0);
    const count = Math.max(1, settlement.records.length);
    let chunk = open.get(kind);
    if (!chunk || chunk.records + count > MAX_RECORDS) {
      open.set(kind, chunk = { settlements: [], records: 0 });
      chunks.push(chunk.settlements);
    }
    chunk.settlements.push(settlement);
    chunk.records += count;
  }
  return chunks;
}
