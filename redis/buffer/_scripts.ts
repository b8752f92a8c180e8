/**
 * What the buffer does in one step, in Lua. Cost decides the form: every `redis.call` takes about
 * as long as everything that happens between two of them, so calls for single notifications are
 * few and all others are made once per script. Nothing here reads JSON; similar notifications are
 * only put together, and whoever claims them merges them.
 *
 * Times are epoch milliseconds as 13 digits, ids have 36 characters. `context·` stands for a
 * context and the NUL behind it.
 */

import type { Script } from "../link.ts";

/** Whether an id came before: it is in flight, or in the ledger that is given where it may be. */
const KNOWN = String.raw`
local skipped = {}
local function known(id)
  if redis.call('HEXISTS', items, id) == 0 and redis.call('HEXISTS', ledger, id) == 0 then
    return false
  end
  skipped[#skipped + 1] = id
  return true
end
`;

/** Notifications merged into one at most; the next similar one is one of its own. */
const MAX_OLDER = 255;

/**
 * Accepts notifications that wait: for each `id, due, latest (empty: as due)` as one text, and its
 * body. Returns how many were merged; where a ledger is given, a list of that and the ids skipped
 * because they came before.
 *
 * What is similar to nothing that waits, which is most, is gathered and written in one call of each
 * kind at the end; `places` says where in `dues` something is that this call has brought itself.
 */
export const ACCEPT: Script = {
  name: "buffer_accept",
  lua: String.raw`
local items, open, older, due, turns, ledger = unpack(KEYS)
${KNOWN}
local count, merged = #ARGV / 2, 0
local keys = {}
for i = 1, count do
  local body = ARGV[2 * i]
  keys[i] = string.sub(body, 1, string.find(body, '\n', 1, true) - 1)
end
local opened, changed = {}, {}
for i, was in ipairs(redis.call('HMGET', open, unpack(keys))) do opened[keys[i]] = was end
local bodies, dues, places, earliest = {}, {}, {}, {}

local function merge(was, id, at, latest, context)
  local wasId, wasAt = string.sub(was, 1, 36), string.sub(was, 37, 49)
  local names = redis.call('HGET', older, wasId) or ''
  if #names >= ${37 * MAX_OLDER - 1} then return at, latest end
  local wasLatest = string.sub(was, 50)
  latest = math.min(tonumber(wasLatest) or tonumber(wasAt), tonumber(latest) or tonumber(at))
  at = string.format('%.0f', math.min(math.max(tonumber(wasAt), tonumber(at)), latest))
  latest = string.format('%.0f', latest)
  if latest == at then latest = '' end
  places[id] = places[wasId]
  if not places[id] then redis.call('ZREM', due, context .. wasAt .. wasId) end
  if names ~= '' then
    redis.call('HDEL', older, wasId)
    names = names .. ','
  end
  redis.call('HSET', older, id, names .. wasId)
  merged = merged + 1
  return at, latest
end

for i = 1, count do
  local head, body, key = ARGV[2 * i - 1], ARGV[2 * i], keys[i]
  local id, was = string.sub(head, 1, 36), opened[key]
  local isHere = was and string.sub(was, 1, 36) == id
  if not (ledger and known(id)) and not isHere then
    local at, latest = string.sub(head, 37, 49), string.sub(head, 50)
    local context = string.sub(key, 1, string.find(key, '\0', 1, true))
    if was then at, latest = merge(was, id, at, latest, context) end
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
  local news, line = {}, {}
  for key in pairs(changed) do
    news[#news + 1] = key
    news[#news + 1] = opened[key]
  end
  for context, at in pairs(earliest) do
    line[#line + 1] = at
    line[#line + 1] = context
  end
  redis.call('HSET', open, unpack(news))
  redis.call('ZADD', turns, 'LT', unpack(line))
end
if not ledger then return merged end
return { merged, unpack(skipped) }
`,
};

/**
 * Accepts notifications that do not wait, and claims them for a node: `node`, then `id, body`
 * each. Returns the ids of those skipped because they came before.
 */
export const ACCEPT_CLAIMED: Script = {
  name: "buffer_accept_claimed",
  lua: String.raw`
local items, claims, claimers, ledger = unpack(KEYS)
${KNOWN}
local node, bodies, owners = ARGV[1], {}, {}
for i = 2, #ARGV, 2 do
  local id = ARGV[i]
  if not ledger or not known(id) then
    bodies[#bodies + 1] = id
    bodies[#bodies + 1] = ARGV[i + 1]
    owners[#owners + 1] = id
    owners[#owners + 1] = node
  end
end
if #bodies > 0 then
  redis.call('HSET', items, unpack(bodies))
  redis.call('HSET', claims, unpack(owners))
  redis.call('SADD', claimers, node)
end
return skipped
`,
};

/**
 * Claims due notifications for a node: `node, now, limit, quota`. Contexts take turns, in the order
 * of the line and then of their earliest due time, with a quota each; those that have more line up
 * again. Returns for each claimed one: its id (with `!` where it may have been handed over before),
 * the ids merged into it, its body and theirs.
 */
export const CLAIM: Script = {
  name: "buffer_claim",
  lua: String.raw`
local items, claims, open, older, due, turns, claimers = unpack(KEYS)
local node, now, limit, quota = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local line = redis.call('ZRANGEBYSCORE', turns, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
if #line == 0 then return {} end
if #line == 2 * limit and tonumber(line[#line]) < 0 then
  -- The line alone is as long as can be served. Whose time has come meanwhile joins it.
  local fresh = redis.call('ZRANGEBYSCORE', turns, 0, now, 'WITHSCORES', 'LIMIT', 0, limit)
  for i = 1, #fresh do line[#line + 1] = fresh[i] end
end
local contexts, count = {}, #line / 2
for i = 1, count do contexts[i] = line[2 * i - 1] end

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
    if i > count or tonumber(line[2 * i]) >= 0 then
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
      local each = {}
      for id in string.gmatch(names[i], '[^,]+') do each[#each + 1] = id end
      for _, body in ipairs(redis.call('HMGET', items, unpack(each))) do
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
