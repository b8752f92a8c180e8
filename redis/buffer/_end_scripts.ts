/**
 * Lua scripts that end claims: they settle them, or release them for their own or a dead node. All
 * are fenced: a claim that another node holds stays. `_scripts.ts` explains the form and the terms.
 */

import type { Script } from "../link.ts";
import { LONG_FIELD, SHARED_FIELD_LENGTH } from "./_ledger_fields.ts";
import { SPLIT } from "./segment.ts";

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
    local lines, length = { before[i] or nil }, #(before[i] or '')
    for _, text in ipairs(shared[name]) do
      if length < ${LONG_FIELD} then
        lines[#lines + 1] = text
        length = length + #text
      else
        for line in string.gmatch(text, '[^\n]+') do
          fields[#fields + 1] = string.sub(line, 3, 38)
          fields[#fields + 1] = '[' .. string.sub(line, 41)
        end
      end
    end
    fields[#fields + 1] = name
    fields[#fields + 1] = table.concat(lines, '\n')
  end
  redis.call('HSET', key, unpack(fields))
  redis.call('PEXPIRE', key, retention)
end
`;

/**
 * Moves settled notifications of a node to the ledger. Arguments: `node, retention (ms)`, then three
 * for each of
 *
 * - a segment that must be split first: its name, and two empty texts,
 * - a claim that ends: its id, or its name where a segment is settled as a whole,
 * - further records of that claim: an empty text,
 *
 * and for the last two the number of a ledger key, negative where the record has a field of its own,
 * and the line of a record, or the lines that share a field. Claims of other nodes stay. Returns how
 * many records were written, and the names of the segments that are not whole in Redis.
 */
export const SETTLE: Script = {
  name: "buffer_settle",
  lua: String.raw`
local items, claims, older, segments, claimers = unpack(KEYS)
local node, retention = ARGV[1], ARGV[2]
${SPLIT}
${WRITE_RECORDS}
local owners = {}
local function ask(key, names)
  if #names == 0 then return end
  for i, owner in ipairs(redis.call('HMGET', key, unpack(names))) do owners[names[i]] = owner end
end
local ids, names = {}, {}
for i = 3, #ARGV, 3 do
  local claim = ARGV[i]
  if #claim > 36 then
    if ARGV[i + 1] == '' then split(claim, node) else names[#names + 1] = claim end
  elseif claim ~= '' then
    ids[#ids + 1] = claim
  end
end
ask(claims, ids)
ask(segments, names)
local settled, ended, merged, gone, reply = {}, {}, {}, {}, { 0 }
local claim, isWhole, mine = '', false, false
local single, shared = {}, {}
for i = 3, #ARGV, 3 do
  local number, line = tonumber(ARGV[i + 1]), ARGV[i + 2]
  local id = string.sub(line, 3, 38)
  if ARGV[i] ~= '' then
    claim = ARGV[i]
    isWhole = #claim > 36
    mine = number and owners[claim] == node
    if mine and isWhole then
      gone[#gone + 1] = claim
      gone[#gone + 1] = string.sub(claim, 1, 36)
      reply[1] = reply[1] + tonumber(string.sub(claim, 38))
    elseif mine then
      ended[#ended + 1] = id
    elseif number and isWhole then
      reply[#reply + 1] = claim
    end
  elseif mine and not isWhole then
    merged[#merged + 1] = claim
  end
  if mine then
    if not isWhole then settled[#settled + 1] = id end
    local key = KEYS[5 + math.abs(number)]
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
-- Deletes first, because they need no memory: once it has written, Redis lets a script write on.
if #gone > 0 then redis.call('HDEL', segments, unpack(gone)) end
if #settled > 0 then
  redis.call('HDEL', items, unpack(settled))
  redis.call('HDEL', claims, unpack(ended))
end
if #merged > 0 then redis.call('HDEL', older, unpack(merged)) end
for key in pairs(shared) do writeRecords(key, single[key], shared[key]) end
reply[1] = reply[1] + #settled
return reply
`,
};

/**
 * Releases claims of a node. Arguments: `node`, then for each `id, due`, or the name of a segment
 * that must be split first and an empty text. Claims of other nodes stay.
 */
export const RELEASE: Script = {
  name: "buffer_release",
  lua: String.raw`
local items, claims, due, turns, segments, claimers = unpack(KEYS)
${SPLIT}
${REQUEUE}
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then split(ARGV[i], ARGV[1])
  elseif redis.call('HGET', claims, ARGV[i]) == ARGV[1] then requeue(ARGV[i], ARGV[i + 1]) end
end
return 0
`,
};

/**
 * Splits all segments of a node, and releases all of its claims except those that it works on.
 * Arguments: `node, due`, then the ids to keep. Returns how many were released, and those of the
 * ids that the node does not hold.
 */
export const RELEASE_ALL: Script = {
  name: "buffer_release_all",
  lua: String.raw`
local items, claims, due, turns, claimers, segments, segmentClaimers = unpack(KEYS)
${SPLIT}
${REQUEUE}
for _, name in ipairs(redis.call('HKEYS', segments)) do
  if #name > 36 then split(name, ARGV[1]) end
end
redis.call('SREM', segmentClaimers, ARGV[1])
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
local items, claims, claimers, segments, segmentClaimers = unpack(KEYS)
local count = 0
for _, name in ipairs(redis.call('HKEYS', segments)) do
  count = count + (tonumber(string.sub(name, 38)) or 0)
end
return {
  count + redis.call('HLEN', items),
  count + redis.call('HLEN', claims),
  (redis.call('MEMORY', 'USAGE', items) or 0) + (redis.call('MEMORY', 'USAGE', segments) or 0),
  unpack(redis.call('SUNION', claimers, segmentClaimers)),
}
`,
};
