/**
 * Lua scripts that end claims: they settle them, or release them for their own or a dead node. All
 * are fenced: a claim that another node holds stays. `_scripts.ts` explains the form and the terms.
 */

import type { Script } from "../link.ts";
import { SHARED_FIELD_LENGTH } from "./_ledger_fields.ts";

/** Makes a claimed notification due again, marked with `!` because a node may have processed it. */
const REQUEUE = String.raw`
local function requeue(id, at)
  redis.call('HDEL', claims, id)
  local body = redis.call('HGET', items, id)
  if not body then return end
  local context = string.sub(body, 1, string.find(body, '\0', 1, true))
  redis.call('ZADD', due, 0, context .. at .. id .. '!')
  redis.call('ZADD', turns, 'LT', at, context)
end
`;

/**
 * Adds lines to a ledger key. `single` has records by id, `shared` lists of lines by field; see
 * `_ledger_fields.ts`.
 */
const WRITE_RECORDS = String.raw`
local function writeRecords(key, single, shared)
  local fields, names = {}, {}
  for id, record in pairs(single) do
    fields[#fields + 1] = id
    fields[#fields + 1] = record
  end
  for name in pairs(shared) do names[#names + 1] = name end
  local before = #names > 0 and redis.call('HMGET', key, unpack(names))
  for i, name in ipairs(names) do
    if before[i] then table.insert(shared[name], 1, before[i]) end
    fields[#fields + 1] = name
    fields[#fields + 1] = table.concat(shared[name], '\n')
  end
  redis.call('HSET', key, unpack(fields))
  redis.call('PEXPIRE', key, retention)
end
`;

/**
 * Moves settled notifications of a node to the ledger. Arguments: `node, retention (ms)`, then for
 * each `id, number of its ledger key, line of its record`; the number is negative where the record
 * will be amended. Notifications merged into one follow it, with an empty id. Claims of other nodes
 * stay. Returns how many records were written.
 */
export const SETTLE: Script = {
  name: "buffer_settle",
  lua: String.raw`
local items, claims, older = KEYS[1], KEYS[2], KEYS[3]
local node, retention = ARGV[1], ARGV[2]
${WRITE_RECORDS}
local own = {}
for i = 3, #ARGV, 3 do
  if ARGV[i] ~= '' then own[#own + 1] = ARGV[i] end
end
local owners = redis.call('HMGET', claims, unpack(own))
local settled, ended, merged, at, mine = {}, {}, {}, 0, false
local single, shared = {}, {}
for i = 3, #ARGV, 3 do
  local number, line = tonumber(ARGV[i + 1]), ARGV[i + 2]
  local id = string.sub(line, 3, 38)
  if ARGV[i] ~= '' then
    at = at + 1
    mine = owners[at] == node
    if mine then ended[#ended + 1] = id end
  elseif mine then
    merged[#merged + 1] = own[at]
  end
  if mine then
    settled[#settled + 1] = id
    local key = KEYS[3 + math.abs(number)]
    if not shared[key] then single[key], shared[key] = {}, {} end
    if number < 0 then
      single[key][id] = '[' .. string.sub(line, 41)
    else
      local field = string.sub(id, 1, ${SHARED_FIELD_LENGTH})
      local lines = shared[key][field] or {}
      shared[key][field] = lines
      lines[#lines + 1] = line
    end
  end
end
if #settled == 0 then return 0 end
-- Deletes first, because they need no memory: once it has written, Redis lets a script write on.
redis.call('HDEL', items, unpack(settled))
redis.call('HDEL', claims, unpack(ended))
if #merged > 0 then redis.call('HDEL', older, unpack(merged)) end
for key in pairs(shared) do writeRecords(key, single[key], shared[key]) end
return #settled
`,
};

/**
 * Releases claims of a node. Arguments: `node`, then for each `id, due`. Claims of other nodes
 * stay.
 */
export const RELEASE: Script = {
  name: "buffer_release",
  lua: String.raw`
local items, claims, due, turns = unpack(KEYS)
${REQUEUE}
for i = 2, #ARGV, 2 do
  if redis.call('HGET', claims, ARGV[i]) == ARGV[1] then requeue(ARGV[i], ARGV[i + 1]) end
end
return 0
`,
};

/**
 * Releases all claims of a node except those that it works on. Arguments: `node, due`, then the ids
 * to keep. Returns how many were released, and those of the ids that the node does not hold.
 */
export const RELEASE_ALL: Script = {
  name: "buffer_release_all",
  lua: String.raw`
local items, claims, due, turns, claimers = unpack(KEYS)
${REQUEUE}
local keep, kept, released = {}, 0, 0
for i = 3, #ARGV do keep[ARGV[i]] = true end
local all = redis.call('HGETALL', claims)
for i = 1, #all, 2 do
  if all[i + 1] == ARGV[1] then
    if keep[all[i]] then
      keep[all[i]] = false
      kept = kept + 1
    else
      requeue(all[i], ARGV[2])
      released = released + 1
    end
  end
end
if kept == 0 then redis.call('SREM', claimers, ARGV[1]) end
local reply = { released }
for i = 3, #ARGV do
  if keep[ARGV[i]] then reply[#reply + 1] = ARGV[i] end
end
return reply
`,
};

/** Counts a partition. Returns notifications, claims, bytes (an estimate), then the claimers. */
export const COUNT: Script = {
  name: "buffer_count",
  lua: String.raw`
local items, claims, claimers = unpack(KEYS)
return {
  redis.call('HLEN', items),
  redis.call('HLEN', claims),
  redis.call('MEMORY', 'USAGE', items) or 0,
  unpack(redis.call('SMEMBERS', claimers)),
}
`,
};
