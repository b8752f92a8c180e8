/**
 * Lists the newest notifications in Redis for operators. Records are in one hash for each partition
 * and minute, without an order; a minute is read as a whole where it is small enough, and otherwise
 * a sample of it. The work for one page is bounded, and so is each command.
 */

import { ID_LENGTH, idTime } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import {
  type LedgerPage,
  type LedgerQuery,
  matchesQuery,
  MAX_SEARCHED,
} from "../../core/ledger_list.ts";
import type { Notification } from "../../core/notification.ts";
import { partitionOf, PARTITIONS } from "../keys.ts";
import type { RedisLink, Reply, Script } from "../link.ts";
import { parseNotification } from "./_codec.ts";
import { parseSegment } from "./segment.ts";
import { recordsOf } from "./_ledger_fields.ts";
import { bufferKeys, ledgerMinute, redisLedgerKeyAt } from "./keys.ts";

/** Returns the number of fields of each hash, and its bytes (an estimate), in turn. */
const SIZES: Script = {
  name: "ledger_sizes",
  lua: String.raw`
local sizes = {}
for i = 1, #KEYS do
  sizes[2 * i - 1] = redis.call('HLEN', KEYS[i])
  sizes[2 * i] = redis.call('MEMORY', 'USAGE', KEYS[i]) or 0
end
return sizes
`,
};
/** A record takes at least so many bytes. */
const MIN_RECORD_BYTES = 100;

/** Minutes whose sizes are asked for in one call of the script. */
const MINUTES_AT_ONCE = 240;
const MINUTE_MS = 60_000;

type Found = LedgerRecord | Notification;
type Decode = (field: string, text: string, key: string) => readonly Found[];

/** A hash to read. */
interface Hash {
  readonly key: string;
  readonly fields: number;
  /** At most about so many notifications. */
  readonly size: number;
}

/** Returns a page. `retentionMs` is how long records are kept. */
export async function listInRedis(
  link: RedisLink,
  query: LedgerQuery,
  { retentionMs }: { readonly retentionMs: number },
): Promise<LedgerPage> {
  return await new Listing(link, query).page(retentionMs);
}

class Listing {
  readonly #link: RedisLink;
  readonly #query: LedgerQuery;
  readonly #partitions: readonly number[];
  readonly #items = new Map<string, Found>();
  #searched = 0;
  #isSampled = false;
  /** Matches are complete down to this id; the next page begins below it. */
  #complete: string | undefined;

  constructor(link: RedisLink, query: LedgerQuery) {
    this.#link = link;
    this.#query = query;
    const { context, user } = query;
    this.#partitions = context !== undefined && user !== undefined
      ? [partitionOf(context, user)]
      : Array.from({ length: PARTITIONS }, (_, partition) => partition);
  }

  async page(retentionMs: number): Promise<LedgerPage> {
    const { before, limit } = this.#query;
    const now = this.#link.now();
    const newest = ledgerMinute(before === undefined ? now : timeBefore(before));
    const oldest = ledgerMinute(now - retentionMs);
    await this.#readInFlight();
    let isStopped = false;
    for await (const { minute, hashes } of this.#minutes(newest, oldest)) {
      await this.#readHashes(hashes, recordsOf);
      this.#complete = firstIdOf(minute);
      if (this.#newestMatches().length > limit) break;
      isStopped = this.#searched >= MAX_SEARCHED;
      if (isStopped) break;
    }
    return this.#result(isStopped);
  }

  #result(isStopped: boolean): LedgerPage {
    const { limit } = this.#query;
    const sampled = this.#isSampled && { sampled: true as const };
    const searched = this.#searched;
    const matches = isStopped ? this.#newestMatches() : this.#sorted();
    if (matches.length > limit) {
      const items = matches.slice(0, limit);
      return { items, next: items.at(-1)!.id, searched, ...sampled };
    }
    if (!isStopped) return { items: matches, searched, ...sampled };
    return { items: matches, next: this.#complete!, searched, stopped: true, ...sampled };
  }

  #sorted(): readonly Found[] {
    return [...this.#items.values()].sort((a, b) => a.id < b.id ? 1 : -1);
  }

  /** The matches from the minutes that have been read; older ones in flight belong to later pages. */
  #newestMatches(): readonly Found[] {
    return this.#sorted().filter(({ id }) => this.#complete === undefined || id >= this.#complete);
  }

  async #readInFlight(): Promise<void> {
    const { state } = this.#query;
    if (state !== undefined && state !== "in_flight") return;
    // A segment may be split between the two reads, and then it is read twice.
    const hashes = await Promise.all(this.#partitions.map(async (partition) => {
      const { segments, items } = bufferKeys(partition);
      return await this.#hashesOf([segments, items]);
    }));
    await this.#readHashes(hashes.flat(), (field, text, key) => {
      return key.endsWith("items") ? [parseNotification(field, text)] : parseSegment(field, text);
    });
  }

  /** Returns keys with their sizes. */
  async #hashesOf(keys: readonly string[]): Promise<readonly Hash[]> {
    const sizes = await this.#link.run(SIZES, keys, []) as readonly Reply[];
    return keys.map((key, at) => {
      const [fields, bytes] = sizes.slice(2 * at, 2 * at + 2).map(Number);
      return { key, fields: fields!, size: Math.max(fields!, bytes! / MIN_RECORD_BYTES) };
    });
  }

  /** Yields the hashes of each minute with records, newest first. */
  async *#minutes(newest: number, oldest: number) {
    for (let to = newest; to >= oldest; to -= MINUTES_AT_ONCE) {
      const from = Math.max(oldest, to - MINUTES_AT_ONCE + 1);
      const minutes = Array.from({ length: to - from + 1 }, (_, at) => to - at);
      const all = await Promise.all(this.#partitions.map((partition) => {
        return this.#hashesOf(minutes.map((minute) => redisLedgerKeyAt(partition, minute)));
      }));
      for (const [at, minute] of minutes.entries()) {
        const hashes = all.map((each) => each[at]!);
        if (hashes.some(({ fields }) => fields > 0)) yield { minute, hashes };
      }
    }
  }

  /** Reads hashes as a whole where all of them are small enough, and otherwise a part of each. */
  async #readHashes(hashes: readonly Hash[], decode: Decode): Promise<void> {
    const filled = hashes.filter(({ fields }) => fields > 0);
    const total = filled.reduce((sum, { size }) => sum + size, 0);
    const isSmall = total <= MAX_SEARCHED;
    if (!isSmall) this.#isSampled = true;
    const share = Math.max(1, Math.floor(MAX_SEARCHED / Math.max(1, filled.length)));
    await Promise.all(filled.map(async ({ key, fields, size }) => {
      const count = Math.max(1, Math.floor(share * fields / size));
      const reply = isSmall
        ? await this.#link.send(key, ["HGETALL", key])
        : (await this.#link.send(key, ["HSCAN", key, "0", "COUNT", count]) as readonly Reply[])[1];
      this.#take(reply as readonly string[], (field, text) => decode(field, text, key));
    }));
  }

  #take(
    fields: readonly string[],
    decode: (field: string, text: string) => readonly Found[],
  ): void {
    const { before } = this.#query;
    for (let at = 0; at + 1 < fields.length; at += 2) {
      for (const found of decode(fields[at]!, fields[at + 1]!)) {
        const { id } = found;
        this.#searched++;
        if (before !== undefined && id >= before) continue;
        if (!matchesQuery(found, this.#query)) {
          if ("state" in found) this.#items.delete(id);
          continue;
        }
        // A notification may have been settled between the two reads: its record takes precedence.
        if ("state" in found || !this.#items.has(id)) this.#items.set(id, found);
      }
    }
  }
}

/** Returns the latest time of ids below a cursor: an id, or the begin of a minute. */
function timeBefore(cursor: string): number {
  return cursor.length < ID_LENGTH ? idTime(cursor) - 1 : idTime(cursor);
}

/** Returns a text that sorts before all ids of a minute and after those of the one before. */
function firstIdOf(minute: number): string {
  const hex = (minute * MINUTE_MS).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
