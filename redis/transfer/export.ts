/**
 * Exports what nodes share on Redis while they work. What a partition holds is read by one script,
 * so a notification is in the export as in flight or as settled; the script also reads keys that did
 * not exist when the keys were searched. The records come last, and are searched last: a message
 * whose attempt failed is written there before it leaves its partition, so it is in the export once
 * or twice, and never missing. Nodes, node channels, rate limits and provider tokens are left out:
 * they are worth nothing elsewhere.
 */

import type { RedisAddress } from "../link/address.ts";
import type { RedisLink, Reply, Script } from "../link.ts";
import { bufferKeys, redisLedgerKey } from "../buffer/keys.ts";
import { parseSegment } from "../buffer/segment.ts";
import { keyIn, PARTITIONS, partitionTag } from "../keys.ts";
import { type ExportedKey, exportEnd, exportHead } from "./export_lines.ts";

interface ExportOptions {
  readonly link: Pick<RedisLink, "run" | "send" | "now">;
  readonly topology: RedisAddress["topology"];
  readonly onProgress?: (keys: number) => void;
  readonly signal?: AbortSignal;
}

const SCAN_COUNT = 1000;
/** Users' keys read by one script; a large one would let everybody wait. */
const USERS_AT_ONCE = 100;
/** Of a partition: records of settled notifications. */
const LEDGER = /^carillon:\{p\d+\}:ledger:\d+$/;
const RECORDS_TAG = "records";

/**
 * Everything that some keys hold, at one moment: for each `{type, ms to live or -1, content,
 * extra}`. A key that is gone is `false`.
 */
const READ_KEYS: Script = {
  name: "transfer_read",
  lua: `
local readers = {
  string = function(key) return {redis.call('GET', key)} end,
  hash = function(key) return redis.call('HGETALL', key) end,
  zset = function(key) return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end,
  set = function(key) return redis.call('SMEMBERS', key) end,
  list = function(key) return redis.call('LRANGE', key, 0, -1) end,
  stream = function(key)
    local entries, last = {}, ''
    local info = redis.call('XINFO', 'STREAM', key)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then last = info[i + 1] end
    end
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
      table.insert(entries, entry[1])
      table.insert(entries, cjson.encode(entry[2]))
    end
    return entries, last
  end,
}
local all = {}
for at, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  local read = readers[kind]
  if read then
    local content, extra = read(key)
    all[at] = {kind, redis.call('PTTL', key), content, extra or ''}
  else
    all[at] = {'none', -2, {}, ''}
  end
end
return all`,
};

/** The lines of an export, without line breaks. */
export async function* exportLines(options: ExportOptions): AsyncGenerator<string> {
  const { link, onProgress, signal } = options;
  yield exportHead(link.now());
  let count = 0;
  for await (const chunk of chunks(options)) {
    signal?.throwIfAborted();
    for (const key of await readKeys(link, chunk)) {
      yield JSON.stringify(key);
      count++;
    }
    onProgress?.(count);
  }
  yield exportEnd(count);
}

/** Yields keys that must be read at one moment, each group when it is its turn. */
async function* chunks(options: ExportOptions): AsyncGenerator<readonly string[]> {
  // Before the search: what is in flight now may be settled, into a new key, while it goes on.
  const moving: string[][] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    moving.push(await movingKeys(options, partition));
  }
  const tags = moving.map((_, partition) => partitionTag(partition));
  const found = await findKeys(options, tags);
  for (const [partition, tag] of tags.entries()) {
    const keys = found.get(tag)!;
    const ledger = keys.filter((key) => LEDGER.test(key));
    const together = new Set([...moving[partition]!, ...ledger]);
    yield [...together];
    // A user's presence and log beside each other.
    const others = keys.filter((key) => !together.has(key))
      .sort((a, b) => tail(a) < tail(b) ? -1 : 1);
    for (let at = 0; at < others.length; at += USERS_AT_ONCE) {
      yield others.slice(at, at + USERS_AT_ONCE);
    }
  }
  const records = (await findKeys(options, [RECORDS_TAG])).get(RECORDS_TAG)!;
  if (records.length > 0) yield records;
}

/** The keys that notifications of a partition move between, whether they exist or not. */
async function movingKeys({ link }: ExportOptions, partition: number): Promise<string[]> {
  const keys = bufferKeys(partition);
  const segments = await link.send(keys.segments, ["HGETALL", keys.segments]) as readonly string[];
  const ids = await link.send(keys.items, ["HKEYS", keys.items]) as readonly string[];
  const claimed = segments.flatMap((field, at) =>
    at % 2 === 0 ? parseSegment(field, segments[at + 1]!).map(({ id }) => id) : []
  );
  const ledger = new Set([...claimed, ...ids].map((id) => redisLedgerKey(partition, id)));
  return [...Object.values(keys), ...ledger];
}

/** Hash tag → its keys. */
async function findKeys(
  options: ExportOptions,
  tags: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const byTag = new Map<string, string[]>(tags.map((tag) => [tag, []]));
  function take(key: string): void {
    const tag = /^carillon:\{([^}]*)\}/.exec(key)?.[1];
    if (tag !== undefined) byTag.get(tag)?.push(key);
  }
  if (options.topology === "cluster") {
    for (const tag of tags) {
      for await (const key of scan(options, { near: keyIn(tag, ""), match: keyIn(tag, "*") })) {
        take(key);
      }
    }
  } else {
    for await (const key of scan(options, { near: "", match: "carillon:{*" })) take(key);
  }
  return new Map([...byTag].map(([tag, keys]) => [tag, [...new Set(keys)].sort()]));
}

/** The keys of the server that `near` is at. */
async function* scan(
  { link, signal }: ExportOptions,
  { near, match }: { readonly near: string; readonly match: string },
): AsyncGenerator<string> {
  let cursor = "0";
  do {
    signal?.throwIfAborted();
    const command = ["SCAN", cursor, "MATCH", match, "COUNT", SCAN_COUNT];
    const [next, keys] = await link.send(near, command) as [string, readonly string[]];
    cursor = next;
    yield* keys;
  } while (cursor !== "0");
}

function tail(key: string): string {
  return key.slice(key.indexOf(":", key.indexOf("}") + 2));
}

async function readKeys(
  link: ExportOptions["link"],
  keys: readonly string[],
): Promise<readonly ExportedKey[]> {
  const now = link.now();
  const replies = await link.run(READ_KEYS, keys, []) as readonly (readonly Reply[])[];
  return replies.flatMap(([type, ttl, content, last], at): readonly ExportedKey[] => {
    if (type === "none") return [];
    return [{
      key: keys[at]!,
      type: type as ExportedKey["type"],
      ...Number(ttl) >= 0 && { expiresAt: now + Number(ttl) },
      content: (content as readonly Reply[]).map(String),
      ...last !== "" && { last: String(last) },
    }];
  });
}
