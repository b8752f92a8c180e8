/** The scripts that read and find keys for an export. All keys of a call are of one hash slot. */

import type { Script } from "../link.ts";

/**
 * Everything that some keys hold, at one moment: for each `{type, ms to live or -1, content,
 * extra}`. A key that is gone is `false`.
 */
export const READ_KEYS: Script = {
  name: "transfer_read",
  lua: `
local all = {}
for at, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  local ttl = redis.call('PTTL', key)
  if kind == 'string' then
    all[at] = {kind, ttl, {redis.call('GET', key)}, ''}
  elseif kind == 'hash' then
    all[at] = {kind, ttl, redis.call('HGETALL', key), ''}
  elseif kind == 'zset' then
    all[at] = {kind, ttl, redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'), ''}
  elseif kind == 'set' then
    all[at] = {kind, ttl, redis.call('SMEMBERS', key), ''}
  elseif kind == 'list' then
    all[at] = {kind, ttl, redis.call('LRANGE', key, 0, -1), ''}
  elseif kind == 'stream' then
    local info = redis.call('XINFO', 'STREAM', key)
    local last = ''
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then last = info[i + 1] end
    end
    local entries = {}
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
      table.insert(entries, entry[1])
      table.insert(entries, cjson.encode(entry[2]))
    end
    all[at] = {kind, ttl, entries, last}
  else
    all[at] = {'none', -2, {}, ''}
  end
end
return all`,
};
