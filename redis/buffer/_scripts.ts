/**
 * Lua scripts that accept and claim notifications atomically. Cost decides their form: one
 * `redis.call` takes about as long as all Lua code between two of them. So there are few calls per
 * notification, and all others are made once per script. No script reads JSON: similar
 * notifications are only listed together, and the node that claims them merges them.
 *
 * Times are epoch milliseconds as 13 digits, ids have 36 characters. `context·` is a context and
 * the NUL behind it.
 */

import type { Script } from "../link.ts";
import { SHARED_FIELD_LENGTH } from "./_ledger_fields.ts";

/** Whether an id was accepted before: it is in flight, or in the ledger key that a repeat gives. */
const KNOWN = String.raw`
local skipped, inSegments = {}, nil
local function known(id)
  local isKnown = redis.call('HEXISTS', items, id) == 1 or redis.call('HEXISTS', ledger, id) == 1
  if not isKnown then
    local lines = redis.call('HGET', ledger, string.sub(id, 1, ${SHARED_FIELD_LENGTH}))
    isKnown = lines and string.find('\n' .. lines, '\n["' .. id .. '"', 1, true)
  end
  if not isKnown then
    inSegments = inSegments or '\n' .. table.concat(redis.call('HVALS', segments), '\n') .. '\n'
    isKnown = string.find(inSegments, '\n' .. id .. '\n', 1, true)
  end
  if not isKnown then return false end
  skipped[#skipped + 1] = id
  return true
end
`;

/**
 * Number of notifications that are merged into one at most. The next similar one stays separate.
 */
const MAX_OLDER = 255;

/**
 * Accepts notifications that wait. Arguments: for each `id, due, latest (empty: as due)` as one
 * text, and its body. Returns how many were merged; for repeats, a list of that number and the ids
 * that were skipped because they were accepted before.
 *
 * Most notifications are similar to none that waits. They are collected and written with one call
 * of each kind at the end; `places` holds the index in `dues` of what this script adds itself.
 */
export const ACCEPT: Script = {
  name: "buffer_accept",
  lua: String.raw`
local items, open, older, due, turns, segments, ledger = unpack(KEYS)
${KNOWN}
local count, merged = #ARGV / 2, 0
local keys = {}
for i = 1, count do
  local body = ARGV[2 * i]
  keys[i] = string.sub(body, 1, string.find(body, '\n', 1, true) - 1)
end
local opened, changed = {}, {}
for i, waiting in ipairs(redis.call('HMGET', open, unpack(keys))) do opened[keys[i]] = waiting end
local bodies, dues, places, earliest = {}, {}, {}, {}

local function merge(waiting, id, at, latest, context)
  local waitingId, waitingDue = string.sub(waiting, 1, 36), string.sub(waiting, 37, 49)
  local names = redis.call('HGET', older, waitingId) or ''
  if #names >= ${37 * MAX_OLDER - 1} then return at, latest end
  local waitingLatest = string.sub(waiting, 50)
  latest = math.min(tonumber(waitingLatest) or tonumber(waitingDue), tonumber(latest) or tonumber(at))
  at = string.format('%.0f', math.min(math.max(tonumber(waitingDue), tonumber(at)), latest))
  latest = string.format('%.0f', latest)
  if latest == at then latest = '' end
  places[id] = places[waitingId]
  if not places[id] then redis.call('ZREM', due, context .. waitingDue .. waitingId) end
  if names ~= '' then
    redis.call('HDEL', older, waitingId)
    names = names .. ','
  end
  redis.call('HSET', older, id, names .. waitingId)
  merged = merged + 1
  return at, latest
end

for i = 1, count do
  local head, body, key = ARGV[2 * i - 1], ARGV[2 * i], keys[i]
  local id, waiting = string.sub(head, 1, 36), opened[key]
  local isWaiting = waiting and string.sub(waiting, 1, 36) == id
  if not (ledger and known(id)) and not isWaiting then
    local at, latest = string.sub(head, 37, 49), string.sub(head, 50)
    local context = string.sub(key, 1, string.find(key, '\0', 1, true))
    if waiting then at, latest = merge(waiting, id, at, latest, context) end
    opened[key] = id .. at .. latest
    changed[key] = true
    bodies[#bodies + 1] = id
    bodies[#bodies + 1] = body
    local place = places[id] or #dues + 2
    places[id] = place
    dues[place - 1], dues[place] = 0, context .. at .. id
    if not earliest[context] or at < earliest[context] then earliest[context] = at end
  end
end
if #bodies > 0 then
  redis.call('HSET', items, unpack(bodies))
  redis.call('ZADD', due, unpack(dues))
  local opens, turnScores = {}, {}
  for key in pairs(changed) do
    opens[#opens + 1] = key
    opens[#opens + 1] = opened[key]
  end
  for context, at in pairs(earliest) do
    turnScores[#turnScores + 1] = at
    turnScores[#turnScores + 1] = context
  end
  redis.call('HSET', open, unpack(opens))
  redis.call('ZADD', turns, 'LT', unpack(turnScores))
end
if not ledger then return merged end
return { merged, unpack(skipped) }
`,
};

/**
 * Accepts notifications that do not wait, as a segment that a node has claimed. Arguments: `node`,
 * the first id, the segment and its name.
 */
export const ACCEPT_SEGMENT: Script = {
  name: "buffer_accept_segment",
  lua: String.raw`
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3], ARGV[4], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[1])
return 1
`,
};

/**
 * Claims due notifications for a node. Arguments: `node, now, limit, quota`. Contexts take turns
 * with a quota each, those in the queue first and then by earliest due time; a context that has
 * more goes to the end of the queue. Returns for each claim its id (with `!` where a node may have
 * processed it before), the ids merged into it, its body and their bodies.
 */
export const CLAIM: Script = {
  name: "buffer_claim",
  lua: String.raw`
local items, claims, open, older, due, turns, claimers = unpack(KEYS)
local node, now, limit, quota = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local queue = redis.call('ZRANGEBYSCORE', turns, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
if #queue == 0 then return {} end
if #queue == 2 * limit and tonumber(queue[#queue]) < 0 then
  -- The queue alone fills the limit. Contexts that have become due join its end.
  local fresh = redis.call('ZRANGEBYSCORE', turns, 0, now, 'WITHSCORES', 'LIMIT', 0, limit)
  for i = 1, #fresh do queue[#queue + 1] = fresh[i] end
end
local contexts, count = {}, #queue / 2
for i = 1, count do contexts[i] = queue[2 * i - 1] end

local ids, marks, taken = {}, {}, 0
local scores, gone, head = {}, {}, 1
while head <= #contexts and taken < limit do
  local context = contexts[head]
  head = head + 1
  local most = math.min(quota, limit - taken)
  local after = '(' .. string.sub(context, 1, -2) .. '\1'
  local found = redis.call('ZRANGEBYLEX', due, '[' .. context, after, 'LIMIT', 0, most + 1)
  local from, last, rest = #context, nil, nil
  for i = 1, #found do
    local member = found[i]
    local at = tonumber(string.sub(member, from + 1, from + 13))
    if i > most or at > now then
      rest = at
      break
    end
    taken = taken + 1
    last = member
    ids[taken] = string.sub(member, from + 14, from + 49)
    marks[taken] = string.sub(member, from + 50)
  end
  if last then redis.call('ZREMRANGEBYLEX', due, '[' .. found[1], '[' .. last) end
  if not rest then
    gone[#gone + 1] = context
  elseif rest > now then
    scores[#scores + 1] = rest
    scores[#scores + 1] = context
  else
    contexts[#contexts + 1] = context
  end
end
if head <= #contexts then
  local last = redis.call('ZREVRANGEBYSCORE', turns, '(0', '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  local place = tonumber(last[2] or '-4503599627370496')
  for i = head, #contexts do
    if i > count or tonumber(queue[2 * i]) >= 0 then
      place = place + 1
      scores[#scores + 1] = place
      scores[#scores + 1] = contexts[i]
    end
  end
end
if #gone > 0 then redis.call('ZREM', turns, unpack(gone)) end
if #scores > 0 then redis.call('ZADD', turns, unpack(scores)) end
if taken == 0 then return {} end

local bodies = redis.call('HMGET', items, unpack(ids))
local names = redis.call('HMGET', older, unpack(ids))
local keys, nodes, reply = {}, {}, {}
for i = 1, taken do
  local body = bodies[i] or '\n'
  keys[i] = string.sub(body, 1, string.find(body, '\n', 1, true) - 1)
end
local opened, closed = redis.call('HMGET', open, unpack(keys)), {}
for i = 1, taken do
  if opened[i] and string.sub(opened[i], 1, 36) == ids[i] then closed[#closed + 1] = keys[i] end
  if bodies[i] then
    nodes[#nodes + 1] = ids[i]
    nodes[#nodes + 1] = node
    reply[#reply + 1] = ids[i] .. marks[i]
    reply[#reply + 1] = names[i] or ''
    reply[#reply + 1] = bodies[i]
    if names[i] then
      local mergedIds = {}
      for id in string.gmatch(names[i], '[^,]+') do mergedIds[#mergedIds + 1] = id end
      for _, body in ipairs(redis.call('HMGET', items, unpack(mergedIds))) do
        reply[#reply + 1] = body
      end
    end
  end
end
if #closed > 0 then redis.call('HDEL', open, unpack(closed)) end
if #nodes > 0 then
  redis.call('HSET', claims, unpack(nodes))
  redis.call('SADD', claimers, node)
end
return reply
`,
};
