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
import { decodeRecord, encodeRecord } from "../../core/ledger_codec.ts";
import { parseNotification } from "./_codec.ts";
import { partitionOf, PARTITIONS } from "../keys.ts";
import type { RedisLink, Reply, Script } from "../link.ts";

/**
 * Changes a record. Arguments: `id, record as it was read, new record`. Returns 1 if it was
 * changed, 0 if there is none, and -1 if another node has changed it since.
 */
const AMEND: Script = {
  name: "ledger_amend",
  lua: String.raw`
local now = redis.call('HGET', KEYS[1], ARGV[1])
if not now then return 0 end
if now ~= ARGV[2] then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`,
};

/** Ids that are read at once. */
const MAX_LOOKUPS = 256;

type Found = LedgerRecord | Notification;

/** Finds and amends records. Every method rejects with `ServiceError` `store_unavailable`. */
export class RedisLedger {
  readonly #link: RedisLink;
  readonly #lookups = new Batcher<string, Found | undefined>({
    batchSize: ({ length }) => Math.min(length, MAX_LOOKUPS),
    run: async (ids) => {
      const found = await this.#findAll(ids);
      return ids.map((id) => found.get(id));
    },
  });

  constructor(link: RedisLink) {
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
    const key = redisLedgerKey(partitionOf(context, user), id);
    const text = await this.#link.send(key, ["HGET", key, id]);
    return typeof text === "string" ? decodeRecord(id, text) : undefined;
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
      const before = await this.#link.send(key, ["HGET", key, id]);
      if (typeof before !== "string") return false;
      const after = encodeRecord(change(decodeRecord(id, before)));
      const changed = await this.#link.run(AMEND, [key], [id, before, after]);
      if (changed !== -1) return changed === 1;
    }
  }

  async #findAll(ids: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>();
    const asked: Promise<void>[] = [];
    const ask = async (
      key: string,
      ids: readonly string[],
      { decode }: { readonly decode: (id: string, text: string) => Found },
    ) => {
      const texts = await this.#link.send(key, ["HMGET", key, ...ids]) as readonly Reply[];
      texts.forEach((text, index) => {
        if (typeof text === "string") found.set(ids[index]!, decode(ids[index]!, text));
      });
    };
    for (let partition = 0; partition < PARTITIONS; partition++) {
      // Records are read last and take precedence: a notification may be settled between the two
      // reads.
      asked.push(ask(bufferKeys(partition).items, ids, { decode: parseNotification }));
      const buckets = Map.groupBy(ids, (id) => redisLedgerKey(partition, id));
      for (const [key, ids] of buckets) asked.push(ask(key, ids, { decode: decodeRecord }));
    }
    await Promise.all(asked);
    return found;
  }
}
