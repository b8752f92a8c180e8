/**
 * Lua scripts of the store: one for records that change together, and one for a standalone record.
 * A record is a text, `<version>\n<value>`. Records that change together also have an index of
 * their keys, and one of those that expire, by time.
 */

import type { Script } from "../link.ts";

/**
 * Returns the milliseconds for `PX`: a whole number of at least 1, so that no record expires early.
 */
export function expiry(expireInMs: number | undefined): number | "" {
  return expireInMs === undefined ? "" : Math.max(1, Math.ceil(expireInMs));
}

/**
 * Checks, deletes and sets records, all or nothing.
 *
 * KEYS: counter, index, expiries, then the records to check, to delete and to set.
 * ARGV: length of the prefix of a record's key, number of checks, number of deletes, then the
 * expected versions (empty: must not exist), then for each set its value and its milliseconds
 * (empty: no expiry). Answers 1, or 0 where a check failed.
 *
 * Redis refuses a script for lack of memory only before its first write, so all changes are made or
 * none. Later commits remove expired records from the index.
 */
export const COMMIT: Script = {
  name: "store_commit",
  lua: `
local counter, index, expiries = KEYS[1], KEYS[2], KEYS[3]
local prefix, checks, deletes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 1, checks do
  local version = string.match(redis.call('GETRANGE', KEYS[3 + i], 0, 63), '^[^\\n]*')
  if version ~= ARGV[3 + i] then return 0 end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local sets = #KEYS - 3 - checks - deletes
local version
if sets > 0 then
  -- The time as well: a replica that takes over may not have seen the last counts.
  version = redis.call('INCR', counter) .. '.' .. time[1] .. '.' .. time[2]
end

for i = 1, deletes do
  local key = KEYS[3 + checks + i]
  local text = string.sub(key, prefix + 1)
  redis.call('DEL', key)
  redis.call('ZREM', index, text)
  redis.call('ZREM', expiries, text)
end

for i = 1, sets do
  local key = KEYS[3 + checks + deletes + i]
  local text = string.sub(key, prefix + 1)
  local value, ms = ARGV[3 + checks + i * 2 - 1], ARGV[3 + checks + i * 2]
  if ms == '' then
    redis.call('SET', key, version .. '\\n' .. value)
    redis.call('ZREM', expiries, text)
  else
    redis.call('SET', key, version .. '\\n' .. value, 'PX', ms)
    redis.call('ZADD', expiries, string.format('%.0f', now + ms), text)
  end
  redis.call('ZADD', index, 0, text)
end

-- A second later than they expire, so that none of them is there any more.
local due = string.format('%.0f', now - 1000)
local gone = redis.call('ZRANGEBYSCORE', expiries, '-inf', due, 'LIMIT', 0, 100 + sets)
for _, text in ipairs(gone) do
  redis.call('ZREM', index, text)
  redis.call('ZREM', expiries, text)
end
return 1
`,
};

/** In place of an expected version: any. */
export const ANY_VERSION = "*";

/**
 * Checks, and deletes or sets, one standalone record.
 *
 * KEYS: the record.
 * ARGV: the expected version (empty: must not exist), then nothing, or `delete`, or `set` with the
 * value and its milliseconds (empty: no expiry). Answers 1, or 0 where the check failed.
 *
 * There is no shared counter, because every record would write it. The version counts on from the
 * one before. Where there was none, or a replica that takes over has not seen it, the time makes
 * the version different.
 */
export const COMMIT_STANDALONE: Script = {
  name: "store_commit_standalone",
  lua: `
local key, expected, change, value, ms = KEYS[1], unpack(ARGV)
local before = string.match(redis.call('GETRANGE', key, 0, 63), '^[^\\n]*')
if expected ~= '${ANY_VERSION}' and expected ~= before then return 0 end
if change == 'delete' then redis.call('DEL', key) end
if change == 'set' then
  local time = redis.call('TIME')
  local count = (string.match(before, '^%d+') or 0) + 1
  local text = count .. '.' .. time[1] .. '.' .. time[2] .. '\\n' .. value
  if ms == '' then redis.call('SET', key, text) else redis.call('SET', key, text, 'PX', ms) end
end
return 1
`,
};
