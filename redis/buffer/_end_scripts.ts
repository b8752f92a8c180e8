/**
 * How what was claimed ends, in Lua: settled, or given back by its node or by whoever finds that its
 * node is gone. All of it is fenced: what is not the node's any more is left alone. See
 * `_scripts.ts` for the form and for the words.
 */

import type { Script } from "../link.ts";

/** Puts a claimed one among the due again, marked with `!`: it may have been handed over before. */
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
 * Moves what a node has settled to the ledger: `node, retention (ms)`, then `id, number of its
 * ledger key, record` each. Those merged into one follow it, with their numbers below zero. What is
 * not this node's any more is left alone. Returns how many records were written.
 */
export const SETTLE: Script = {
  name: "buffer_settle",
  lua: String.raw`
local items, claims, older = KEYS[1], KEYS[2], KEYS[3]
local node, retention = ARGV[1], ARGV[2]
local own = {}
for i = 3, #ARGV, 3 do
  if string.byte(ARGV[i + 1]) ~= 45 then own[#own + 1] = ARGV[i] end
end
local owners = redis.call('HMGET', claims, unpack(own))
local settled, ended, merged, records, at, mine = {}, {}, {}, {}, 0, false
for i = 3, #ARGV, 3 do
  local id, number = ARGV[i], tonumber(ARGV[i + 1])
  if number > 0 then
    at = at + 1
    mine = owners[at] == node
    if mine then ended[#ended + 1] = id end
  elseif mine then
    number = -number
    merged[#merged + 1] = own[at]
  end
  if mine then
    settled[#settled + 1] = id
    local bucket = records[number]
    if not bucket then
      bucket = {}
      records[number] = bucket
    end
    bucket[#bucket + 1] = id
    bucket[#bucket + 1] = ARGV[i + 2]
  end
end
if #settled == 0 then return 0 end
-- First what takes no memory: a script that began to write is let through where memory is full.
redis.call('HDEL', items, unpack(settled))
redis.call('HDEL', claims, unpack(ended))
if #merged > 0 then redis.call('HDEL', older, unpack(merged)) end
for number, bucket in pairs(records) do
  redis.call('HSET', KEYS[3 + number], unpack(bucket))
  redis.call('PEXPIRE', KEYS[3 + number], retention)
end
return #settled
`,
};

/** Gives back what a node cannot settle: `node`, then `id, due` each. What is not its is left alone. */
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
 * Gives back whatever a node has claimed, but for what it is known to work on: `node, due`, then
 * those ids. Returns how many it gave back, and which of those ids are not the node's (any more).
 */
export const GIVE_BACK: Script = {
  name: "buffer_give_back",
  lua: String.raw`
local items, claims, due, turns, claimers = unpack(KEYS)
${REQUEUE}
local keep, kept, given = {}, 0, 0
for i = 3, #ARGV do keep[ARGV[i]] = true end
local all = redis.call('HGETALL', claims)
for i = 1, #all, 2 do
  if all[i + 1] == ARGV[1] then
    if keep[all[i]] then
      keep[all[i]] = false
      kept = kept + 1
    else
      requeue(all[i], ARGV[2])
      given = given + 1
    end
  end
end
if kept == 0 then redis.call('SREM', claimers, ARGV[1]) end
local reply = { given }
for i = 3, #ARGV do
  if keep[ARGV[i]] then reply[#reply + 1] = ARGV[i] end
end
return reply
`,
};

/** Counts: notifications, claims, bytes of the notifications (an estimate), then the claimers. */
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
