/**
 * Writes how the claims of this node end: the records of settled notifications, and the release of
 * others. They collect for a moment and are written in few calls. While Redis is unavailable they
 * wait in memory, limited by the number of claims.
 */

import type { BufferOptions } from "../../buffer/mod.ts";
import type { Timer } from "../../core/clock.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { RELEASE, SETTLE } from "./_end_scripts.ts";
import type { ClaimedItem } from "./_claims.ts";
import {
  chunksOf,
  releaseArguments,
  settleArguments,
  type Settlement,
  unitsOf,
} from "./_settlements.ts";
import { bufferKeys } from "./keys.ts";
import type { RedisLink, Reply } from "../link.ts";

/**
 * Shortest time before a record is written. A frame that was just sent to a socket may still be in
 * the process, and after a crash no record may say that it arrived.
 */
const LINGER_MS = 25;
/**
 * How long the settled part of a segment waits for the rest. A crash meanwhile has it delivered
 * again.
 */
const HOLD_MS = 200;
/** About how long to wait after a failed write. */
const RETRY_MS = 1_000;

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
    if (item.segment) item.segment.isSplit = true;
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
    const { ready: settlements, held } = this.#holdBack(this.#due);
    this.#due = [...held, ...this.#added];
    this.#added = [];
    if (this.#due.length > 0) this.#wakeIn(LINGER_MS);
    const fault = await this.#write(settlements);
    if (fault === undefined) return;
    this.#options.onFault?.(fault);
    this.#wakeIn((0.5 + this.#options.random()) * RETRY_MS);
  }

  /** Divides settlements into those to write and parts of segments whose rest may follow soon. */
  #holdBack(settlements: readonly Settlement[]) {
    const now = this.#options.clock.monotonic();
    const ready: Settlement[] = [];
    const held: Settlement[] = [];
    for (const { segment, parts } of unitsOf(settlements)) {
      const mayWait = segment && parts.length < segment.size &&
        now - (segment.heldSince ??= now) < HOLD_MS;
      (mayWait ? held : ready).push(...parts);
    }
    return { ready, held };
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
    const { items, claims, older, segments, claimers } = bufferKeys(chunk[0]!.item.partition);
    const { keys, args } = settleArguments(chunk);
    const [settled, ...names] = await link.run(
      SETTLE,
      [items, claims, older, segments, claimers, ...keys],
      [node, Math.max(1, Math.round(retentionMs())), ...args],
    ) as readonly Reply[];
    onSettled(Number(settled));
    if (names.length === 0) return;
    // They were split, or lost, or settled by a call whose answer was lost.
    const others = chunk.filter(({ item: { segment } }) => names.includes(segment?.name ?? ""));
    for (const { item: { segment } } of others) segment!.isSplit = true;
    await this.#sendRecords(others);
  }

  async #sendReleases(chunk: readonly Settlement[]): Promise<void> {
    const { link, node } = this.#options;
    const { items, claims, due, turns, segments, claimers } = bufferKeys(chunk[0]!.item.partition);
    const keys = [items, claims, due, turns, segments, claimers];
    await link.run(RELEASE, keys, [node, ...releaseArguments(chunk, link.now())]);
  }
}
