/**
 * What became of notifications, as it is found in Redis: the records of one partition and one
 * minute (of the ids' own time) are one hash, which vanishes as a whole. What writes them is the
 * buffer, in the step that ends a claim.
 */

import type { LedgerName } from "../../buffer/mod.ts";
import { isId } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { bufferKeys, redisLedgerKey } from "./_keys.ts";
import { decodeRecord, encodeRecord } from "../../core/ledger_codec.ts";
import { parseNotification } from "./_codec.ts";
import { partitionOf, PARTITIONS } from "../keys.ts";
import type { RedisLink, Reply, Script } from "../link.ts";

/**
 * Changes a record: `id, as it was read, as it is to be`. Returns 1 where it was changed, 0 where
 * there is none, and -1 where somebody else has changed it since.
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

/** Ids looked for at once. */
const MAX_WANTED = 256;

interface Wanted {
  readonly id: string;
  readonly resolve: (found: LedgerRecord | Notification | undefined) => void;
  readonly reject: (thrown: unknown) => void;
}

/** See the file's comment. Everything rejects with `ServiceError` `store_unavailable`. */
export class RedisLedger {
  readonly #link: RedisLink;
  #wanted: Wanted[] = [];
  #isLooking = false;

  constructor(link: RedisLink) {
    this.#link = link;
  }

  /**
   * What is known of a notification anywhere: its record, or itself where it is in flight. An id
   * does not say whose it is, so every partition is asked; what is asked for meanwhile gathers.
   */
  find(id: string): Promise<LedgerRecord | Notification | undefined> {
    if (!isId(id)) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#wanted.push({ id, resolve, reject });
      if (!this.#isLooking) void this.#look();
    });
  }

  /** The record of a settled notification; one read, because its user names the partition. */
  async record({ id, context, user }: LedgerName): Promise<LedgerRecord | undefined> {
    const key = redisLedgerKey(partitionOf(context, user), id);
    const text = await this.#link.send(key, ["HGET", key, id]);
    return typeof text === "string" ? decodeRecord(id, text) : undefined;
  }

  /**
   * Changes a record; `change` may be called again where somebody else changed it meanwhile.
   * Resolves to false where there is no such record (any more).
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

  async #look(): Promise<void> {
    this.#isLooking = true;
    await null; // what is asked in this turn of the event loop is looked for together
    while (this.#wanted.length > 0) {
      const wanted = this.#wanted.splice(0, MAX_WANTED);
      try {
        const found = await this.#findAll(wanted.map(({ id }) => id));
        for (const { id, resolve } of wanted) resolve(found.get(id));
      } catch (thrown) {
        for (const { reject } of wanted) reject(thrown);
      }
    }
    this.#isLooking = false;
  }

  async #findAll(
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, LedgerRecord | Notification>> {
    const found = new Map<string, LedgerRecord | Notification>();
    const asked: Promise<void>[] = [];
    const ask = async (
      key: string,
      ids: readonly string[],
      { decode }: { readonly decode: (id: string, text: string) => LedgerRecord | Notification },
    ) => {
      const texts = await this.#link.send(key, ["HMGET", key, ...ids]) as readonly Reply[];
      texts.forEach((text, index) => {
        if (typeof text === "string") found.set(ids[index]!, decode(ids[index]!, text));
      });
    };
    for (let partition = 0; partition < PARTITIONS; partition++) {
      // The records last: what is settled between the two is there, and counts.
      asked.push(ask(bufferKeys(partition).items, ids, { decode: parseNotification }));
      const buckets = Map.groupBy(ids, (id) => redisLedgerKey(partition, id));
      for (const [key, ids] of buckets) asked.push(ask(key, ids, { decode: decodeRecord }));
    }
    await Promise.all(asked);
    return found;
  }
}
