/**
 * What is to be written of the notifications that this node had claimed: records of those that are
 * settled, and that others are given back. It gathers for a moment and is written in few calls; where
 * Redis is away it stays here, which is bounded by what can be claimed, and is written later.
 */

import type { Clock, Timer } from "../../core/clock.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { encodeRecord } from "../../core/ledger_codec.ts";
import { RELEASE, SETTLE } from "./_end_scripts.ts";
import type { ClaimedItem } from "./_claims.ts";
import { bufferKeys, redisLedgerKey } from "./_keys.ts";
import type { RedisLink } from "../link.ts";

/**
 * How long a record waits at least before it is written. What was handed to a socket a moment ago
 * may not have left the process yet, and a record that outlives a crash must not say that it arrived.
 */
const LINGER_MS = 25;
/** After how long is tried again what failed; about. */
const RETRY_MS = 1_000;
/** In one call at most; a single notification with all those merged into it may be more. */
const MAX_RECORDS = 512;

/** What {@link SettlementWriter} need. */
interface SettlementWriterOptions {
  readonly link: RedisLink;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly node: string;
  /** Milliseconds that the ledger keeps a record. */
  readonly retentionMs: () => number;
  /** These are done with: what became of them is written, or was not this node's any more. */
  readonly onWritten: (held: readonly ClaimedItem[]) => void;
  /** So many notifications were settled. */
  readonly onSettled: (count: number) => void;
  readonly onCommit?: ((changes: number, seconds: number) => void) | undefined;
  readonly onFault?: ((thrown: unknown) => void) | undefined;
}

interface Act {
  readonly held: ClaimedItem;
  /** Its record and those of the merged ones; none: it is given back after a pause. */
  readonly records: LedgerRecord[];
  readonly pauseMs: number;
  /** While it is being written; never rejects. */
  writing?: Promise<void>;
}

/** See the file's comment. */
export class SettlementWriter {
  readonly #options: SettlementWriterOptions;
  /** Since the last round, and before it. */
  #fresh: Act[] = [];
  #ripe: Act[] = [];
  /** Acts by the ids of their records. */
  readonly #byId = new Map<string, Act>();
  readonly #underWay = new Set<Promise<void>>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: SettlementWriterOptions) {
    this.#options = options;
    options.link.onUp(() => {
      // All nodes hear of it at the same moment.
      if (this.#timer) this.#wakeIn(options.random() * RETRY_MS / 2);
    });
  }

  settle(held: ClaimedItem, records: readonly LedgerRecord[]): void {
    this.#add({ held, records: [...records], pauseMs: 0 });
  }

  release(held: ClaimedItem, pauseMs: number): void {
    this.#add({ held, records: [], pauseMs });
  }

  /** The record of this id, where it is not written yet. */
  record(id: string): LedgerRecord | undefined {
    return this.#byId.get(id)?.records.find((record) => record.id === id);
  }

  /** Changes such a record; false where there is none (any more). */
  async amend(id: string, change: (record: LedgerRecord) => LedgerRecord): Promise<boolean> {
    for (;;) {
      const act = this.#byId.get(id);
      if (!act) return false;
      if (!act.writing) {
        const index = act.records.findIndex((record) => record.id === id);
        act.records[index] = change(act.records[index]!);
        return true;
      }
      await act.writing;
    }
  }

  /**
   * Resolves when everything given so far is written.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async flush(): Promise<void> {
    for (;;) {
      await Promise.all(this.#underWay);
      const acts = [...this.#ripe.splice(0), ...this.#fresh.splice(0)];
      if (acts.length === 0) return;
      const fault = await this.#write(acts);
      if (fault !== undefined) throw fault;
    }
  }

  /** Stops timers; nothing may be given afterwards. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #add(act: Act): void {
    this.#fresh.push(act);
    for (const { id } of act.records) this.#byId.set(id, act);
    if (!this.#timer) this.#wakeIn(LINGER_MS);
  }

  #wakeIn(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#closed
      ? undefined
      : this.#options.clock.after(ms, () => void this.#round());
  }

  /** Writes what has waited for a round or more. */
  async #round(): Promise<void> {
    this.#timer = undefined;
    const acts = this.#ripe;
    this.#ripe = this.#fresh;
    this.#fresh = [];
    if (this.#ripe.length > 0) this.#wakeIn(LINGER_MS);
    const fault = await this.#write(acts);
    if (fault === undefined) return;
    this.#options.onFault?.(fault);
    this.#wakeIn((0.5 + this.#options.random()) * RETRY_MS);
  }

  /** Resolves to what was thrown, if something was; what failed is here again then. */
  async #write(acts: readonly Act[]): Promise<unknown> {
    let fault: unknown;
    await Promise.all(
      chunksOf(acts).map(async (chunk) => {
        const writing = this.#send(chunk).catch((thrown) => {
          fault ??= thrown;
          for (const act of chunk) delete act.writing;
          this.#ripe.push(...chunk);
        });
        this.#underWay.add(writing);
        for (const act of chunk) act.writing = writing;
        await writing;
        this.#underWay.delete(writing);
      }),
    );
    return fault;
  }

  async #send(chunk: readonly Act[]): Promise<void> {
    const { clock, onCommit, onWritten } = this.#options;
    const started = clock.monotonic();
    const settles = chunk[0]!.records.length > 0;
    await (settles ? this.#sendRecords(chunk) : this.#sendBack(chunk));
    for (const act of chunk) {
      for (const { id } of act.records) if (this.#byId.get(id) === act) this.#byId.delete(id);
    }
    onWritten(chunk.map(({ held }) => held));
    if (settles) onCommit?.(chunk.length, (clock.monotonic() - started) / 1000);
  }

  async #sendRecords(chunk: readonly Act[]): Promise<void> {
    const { link, node, retentionMs, onSettled } = this.#options;
    const { partition } = chunk[0]!.held;
    const buckets: string[] = [];
    const args: (string | number)[] = [node, Math.max(1, Math.round(retentionMs()))];
    for (const { held, records } of chunk) {
      for (const record of records) {
        const bucket = redisLedgerKey(partition, record.id);
        let number = buckets.indexOf(bucket) + 1;
        if (number === 0) number = buckets.push(bucket);
        args.push(record.id, record.id === held.id ? number : -number, encodeRecord(record));
      }
    }
    const { items, claims, older } = bufferKeys(partition);
    const settled = await link.run(SETTLE, [items, claims, older, ...buckets], args);
    onSettled(settled as number);
  }

  async #sendBack(chunk: readonly Act[]): Promise<void> {
    const { link, node } = this.#options;
    const { items, claims, due, turns } = bufferKeys(chunk[0]!.held.partition);
    const now = link.now();
    const args = chunk.flatMap(({ held, pauseMs }) => [held.id, Math.round(now + pauseMs)]);
    await link.run(RELEASE, [items, claims, due, turns], [node, ...args]);
  }
}

/** Cut so that each is for one partition, and either settles or gives back. */
function chunksOf(acts: readonly Act[]): readonly (readonly Act[])[] {
  const open = new Map<number, { readonly acts: Act[]; records: number }>();
  const chunks: Act[][] = [];
  for (const act of acts) {
    const kind = act.held.partition * 2 + (act.records.length > 0 ? 1 : 0);
    const count = Math.max(1, act.records.length);
    let chunk = open.get(kind);
    if (!chunk || chunk.records + count > MAX_RECORDS) {
      open.set(kind, chunk = { acts: [], records: 0 });
      chunks.push(chunk.acts);
    }
    chunk.acts.push(act);
    chunk.records += count;
  }
  return chunks;
}
