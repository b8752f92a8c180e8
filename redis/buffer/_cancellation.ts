/**
 * Cancels notifications that were not handed over. A node claims those that wait, by their ids, and
 * settles them as it settles what it has processed: a crash in between releases the claims, and
 * they are delivered after all.
 */

import { cancelledRecord, type LedgerName, mergedRecords } from "../../buffer/mod.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { groupByPartition } from "../keys.ts";
import type { RedisLink, Reply, Script } from "../link.ts";
import { type ClaimedItem, claimReply, type Claims } from "./_claims.ts";
import { bufferKeys } from "./keys.ts";
import type { Reclaimer } from "./_reclaimer.ts";
import type { SettlementWriter } from "./_settlement_writer.ts";

/**
 * Claims notifications that wait for their delay. Arguments: `node`, then ids. Returns for each
 * claim what the script `buffer_claim` returns. Others stay: claimed, handed over before, settled,
 * or merged into a newer one.
 */
const CLAIM_WAITING: Script = {
  name: "buffer_claim_waiting",
  lua: String.raw`
local items, claims, open, older, due, claimers = unpack(KEYS)
local node, reply = ARGV[1], {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local body = redis.call('HGET', items, id)
  local key = body and string.sub(body, 1, string.find(body, '\n', 1, true) - 1)
  local waiting = key and redis.call('HGET', open, key)
  if waiting and string.sub(waiting, 1, 36) == id then
    local context = string.sub(key, 1, string.find(key, '\0', 1, true))
    if redis.call('ZREM', due, context .. string.sub(waiting, 37, 49) .. id) == 1 then
      local names = redis.call('HGET', older, id) or ''
      redis.call('HDEL', open, key)
      redis.call('HSET', claims, id, node)
      reply[#reply + 1] = id
      reply[#reply + 1] = names
      reply[#reply + 1] = body
      for name in string.gmatch(names, '[^,]+') do
        reply[#reply + 1] = redis.call('HGET', items, name)
      end
    end
  end
end
if #reply > 0 then redis.call('SADD', claimers, node) end
return reply
`,
};

/** Ids in one call. */
const MAX_IDS = 256;

interface CancellationOptions {
  readonly link: RedisLink;
  readonly node: string;
  readonly claims: Claims;
  readonly reclaimer: Pick<Reclaimer, "markUnsure">;
  readonly settlements: Pick<SettlementWriter, "settleNow">;
}

/**
 * Cancels notifications; see `Buffer.cancel`.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function cancelInRedis(
  names: readonly LedgerName[],
  { link, node, claims, reclaimer, settlements, onCancelled }: CancellationOptions & {
    readonly onCancelled: (record: LedgerRecord) => void;
  },
): Promise<void> {
  async function claimWaiting(partition: number, ids: readonly string[]) {
    const { items, claims: claimed, open, older, due, claimers } = bufferKeys(partition);
    const keys = [items, claimed, open, older, due, claimers];
    try {
      return claimReply(
        partition,
        await link.run(CLAIM_WAITING, keys, [node, ...ids]) as readonly Reply[],
      );
    } catch (thrown) {
      // The script may have run although its answer was lost.
      reclaimer.markUnsure(partition);
      throw thrown;
    }
  }

  const own = names.flatMap(({ id }) => claims.unstarted(id) ?? []);
  const others = names.filter(({ id }) => claims.get(id) === undefined);
  const found = await Promise.all(
    groupByPartition(others, MAX_IDS).map(({ partition, items }) => {
      const ids = items.map(({ id }) => id);
      return claims.addFrom(claimWaiting(partition, ids), { partition, ids });
    }),
  );
  const ended = [...own.filter(({ state }) => state === "waiting"), ...found.flat()].map(end);
  for (const { records } of ended) for (const record of records) onCancelled(record);
  if (ended.length > 0) await settlements.settleNow(ended);
}

function end(item: ClaimedItem) {
  item.state = "ended";
  const record = cancelledRecord(item.notification, item);
  return { item, records: [record, ...mergedRecords(item.older, record)] };
}
