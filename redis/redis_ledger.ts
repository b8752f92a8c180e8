/**
 * What became of notifications, as it is found in Redis: the records of one partition and one
 * minute (of the ids' own time) are one hash, which vanishes as a whole. What writes them is the
 * buffer, in the step that ends a claim.
 */

import type { LedgerName } from "../buffer/mod.ts";
import { isId } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import { bufferKeys, ledgerKey } from "./_buffer_keys.ts";
import { decodeNotification, decodeRecord, encodeRecord } from "./_buffer_codec.ts";
import { partitionOf, PARTITIONS } from "./keys.ts";
import type { RedisLink, Script } from "./link.ts";

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

/** See the file's comment. Everything throws `ServiceError` `store_unavailable`. */
export class RedisLedger {
  readonly #link: RedisLink;

  constructor(link: RedisLink) {
    this.#link = link;
  }

  /**
   * What is known of a notification anywhere: its record, or itself where it is in flight. An id
   * does not say whose it is, so every partition is asked, all at once.
   */
  async find(id: string): Promise<LedgerRecord | Notification | undefined> {
    if (!isId(id)) return undefined;
    const found = await Promise.all(
      Array.from({ length: PARTITIONS }, (_, partition) => this.#findIn(partition, id)),
    );
    return found.find((one) => one !== undefined);
  }

  /**
   * Changes a record; `change` may be called again where somebody else changed it meanwhile.
   * Resolves to false where there is no such record (any more).
   */
  async amend(
    { id, context, user }: LedgerName,
    change: (record: LedgerRecord) => LedgerRecord,
  ): Promise<boolean> {
    const key = ledgerKey(partitionOf(context, user), id);
    for (;;) {
      const before = await this.#link.send(key, ["HGET", key, id]);
      if (typeof before !== "string") return false;
      const after = encodeRecord(change(decodeRecord(id, before)));
      const changed = await this.#link.run(AMEND, [key], [id, before, after]);
      if (changed !== -1) return changed === 1;
    }
  }

  async #findIn(partition: number, id: string): Promise<LedgerRecord | Notification | undefined> {
    const { items } = bufferKeys(partition);
    const record = ledgerKey(partition, id);
    // In this order: what is settled between the two is in the second.
    const [body, text] = await Promise.all([
      this.#link.send(items, ["HGET", items, id]),
      this.#link.send(record, ["HGET", record, id]),
    ]);
    if (typeof text === "string") return decodeRecord(id, text);
    return typeof body === "string" ? decodeNotification(id, body) : undefined;
  }
}
