/**
 * Reads and changes the records of settled notifications in Redis. The records of one partition and
 * one minute (by the time in the ids) are one hash, which expires as a whole. The buffer writes
 * them in the script that ends a claim.
 */

import type { LedgerName } from "../../buffer/mod.ts";
import { Batcher } from "../../core/batcher.ts";
import { isId } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { bufferKeys, redisLedgerKey } from "./keys.ts";
import { findRecord, ledgerFieldsOf, lineOf, type StoredRecord } from "./_ledger_fields.ts";
import { parseNotification } from "./_codec.ts";
import { parseSegment } from "./segment.ts";
import { partitionOf, PARTITIONS } from "../keys.ts";
import type { RedisLink, Reply, Script } from "../link.ts";

/**
 * Changes a record. Arguments: `field, line as it was read, new line`. Returns 1 if it was changed,
 * 0 if the field is gone, and -1 if another node has changed the line since.
 */
const AMEND: Script = {
  name: "ledger_amend",
  lua: String.raw`
local lines = redis.call('HGET', KEYS[1], ARGV[1])
if not lines then return 0 end
lines = '\n' .. lines .. '\n'
local from, to = string.find(lines, '\n' .. ARGV[2] .. '\n', 1, true)
if not from then return -1 end
lines = string.sub(lines, 2, from) .. ARGV[3] .. string.sub(lines, to, -2)
redis.call('HSET', KEYS[1], ARGV[1], lines)
return 1
`,
};

/** Finds segments. Arguments: ids. Returns the fields with one of them, and their contents. */
const FIND_SEGMENTS: Script = {
  name: "ledger_find_segments",
  lua: String.raw`
local found, all = {}, redis.call('HGETALL', KEYS[1])
for i = 2, #all, 2 do
  for j = 1, #ARGV do
    if string.find(all[i], ARGV[j], 1, true) then
      found[#found + 1] = all[i - 1]
      found[#found + 1] = all[i]
      break
    end
  end
end
return found
`,
};

/** Ids that are read at once. */
const MAX_LOOKUPS = 256;

type Found = LedgerRecord | Notification;

/** Finds and amends records. Every method rejects with `ServiceError` `store_unavailable`. */
export class RedisLedger {
  readonly #link: Pick<RedisLink, "run" | "send">;
  readonly #lookups = new Batcher<string, Found | undefined>({
    batchSize: ({ length }) => Math.min(length, MAX_LOOKUPS),
    run: async (ids) => {
      const found = await this.#findAll(ids);
      return ids.map((id) => found.get(id));
    },
  });

  constructor(link: Pick<RedisLink, "run" | "send">) {
    this.#link = link;
  }

  /**
   * Finds a notification anywhere: its record, or itself where it is in flight. An id does not name
   * its user, so every partition is asked; lookups made meanwhile share the next call.
   */
  find(id: string): Promise<Found | undefined> {
    return isId(id) ? this.#lookups.add(id) : Promise.resolve(undefined);
  }

  /** The record of a settled notification; one read, because its user names the partition. */
  async record({ id, context, user }: LedgerName): Promise<LedgerRecord | undefined> {
    return (await this.#read(redisLedgerKey(partitionOf(context, user), id), id))?.record;
  }

  /**
   * Changes a record; false where there is none. `change` is called again where another node has
   * changed the record meanwhile.
   */
  async amend(
    { id, context, user }: LedgerName,
    change: (record: LedgerRecord) => LedgerRecord,
  ): Promise<boolean> {
    const key = redisLedgerKey(partitionOf(context, user), id);
    for (;;) {
      const stored = await this.#read(key, id);
      if (stored === undefined) return false;
      const { field, line, record } = stored;
      const after = lineOf(stored, change(record));
      const changed = await this.#link.run(AMEND, [key], [field, line, after]);
      if (changed !== -1) return changed === 1;
    }
  }

  async #read(key: string, id: string): Promise<StoredRecord | undefined> {
    const texts = await this.#link.send(key, ["HMGET", key, ...ledgerFieldsOf(id)]);
    return findRecord(id, texts as readonly Reply[]);
  }

  async #findAll(ids: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>();
    const asked: Promise<void>[] = [];
    const ask = async (key: string, fields: readonly string[]) =>
      await this.#link.send(key, ["HMGET", key, ...fields]) as readonly Reply[];
    const askSegments = async (key: string) => {
      const fields = await this.#link.run(FIND_SEGMENTS, [key], ids) as readonly string[];
      for (let at = 0; at < fields.length; at += 2) {
        for (const one of parseSegment(fields[at]!, fields[at + 1]!)) {
          if (ids.includes(one.id) && !found.has(one.id)) found.set(one.id, one);
        }
      }
    };
    const askItems = async (key: string) => {
      for (const [at, body] of (await ask(key, ids)).entries()) {
        const id = ids[at]!;
        if (typeof body === "string" && !found.has(id)) found.set(id, parseNotification(id, body));
      }
    };
    const askLedger = async (key: string, ids: readonly string[]) => {
      const texts = await ask(key, ids.flatMap(ledgerFieldsOf));
      for (const [at, id] of ids.entries()) {
        const stored = findRecord(id, texts.slice(2 * at, 2 * at + 2));
        if (stored !== undefined) found.set(id, stored.record);
      }
    };
    // Between two reads a segment may be split, or a notification settled, so this order counts. A
    // server that has just started asks for the text of a script, which is sent behind what follows.
    const all = Array.from({ length: PARTITIONS }, (_, partition) => bufferKeys(partition));
    await Promise.all(all.map(({ segments }) => askSegments(segments)));
    for (const [partition, { items }] of all.entries()) {
      asked.push(askItems(items)); // records are read after it, and take precedence
      const buckets = Map.groupBy(ids, (id) => redisLedgerKey(partition, id));
      for (const [key, ids] of buckets) asked.push(askLedger(key, ids));
    }
    await Promise.all(asked);
    return found;
  }
}
