/**
 * Lua scripts of presence and event logs. Each uses the keys of one partition. Its cost depends
 * only on the batch, on the sockets of a user and, where events are published again, on the log of
 * a user. `_user_state.ts` describes the format of a user's state. Times are the server's own, so
 * that a paused process cannot date anything back.
 */

import type { Script } from "../link.ts";

const COMMON = `
local NEVER = string.rep('0', 16)
local function text(number) return string.format('%.0f', number) end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function split(state)
  local head_end = string.find(state, '\\n', 1, true)
  if not head_end then return state, '' end
  return string.sub(state, 1, head_end - 1), string.sub(state, head_end)
end
local function find(state, socket)
  local name = string.gsub(socket, '%W', '%%%0')
  return string.find(state, '\\n(%S+ %S+ %S+ ' .. name .. ' %d+ %d+ (%d+)[^\\n]*)')
end`;

/**
 * Appends events to logs. Keys: claims and segments of the partition; then per event the user's
 * state and log. Arguments: the node that must hold the claims, or empty; whether events may be in
 * the log already; window (ms); events per log; the segments that events were claimed with, each
 * with the number of events; then the events, each with its id in the first line. An event of a
 * segment that the node does not hold any more has a claim of its own, as others have.
 * Answers per event with its offset, the offset before it, and the lines of the user's sockets; the
 * offset is 0 where another node holds the claim.
 *
 * A log entry has one field, because each field costs about as much as its content: the offset
 * before the event in the first line, and the event after it. Entries live for the window and up to
 * a quarter longer, so that the log is trimmed and its time to live set only four times per window.
 * Otherwise only the end of the log is written, at the front of the state.
 */
export const APPEND_EVENTS: Script = {
  name: "hub_append_events",
  lua: `${COMMON}
local node, isRepeat, window, most = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3]), ARGV[4]
local first = now() * 1024
local count = #ARGV - 5
local ids, keys = {}, {}
for i = 1, count do
  local event = ARGV[i + 5]
  ids[i] = string.sub(event, 1, string.find(event, '\\n', 1, true) - 1)
  keys[i] = KEYS[i * 2 + 1]
end
local owners, checked = node ~= '' and {}, 0
for segment, size in string.gmatch(owners and ARGV[5] or '', '(%S+) (%d+)') do
  local last = checked + size
  local isOwn = redis.call('HGET', KEYS[2], segment) == node
  local found = not isOwn and redis.call('HMGET', KEYS[1], unpack(ids, checked + 1, last))
  for i = checked + 1, last do owners[i] = isOwn and node or found[i - checked] end
  checked = last
end
local states = {}
for i, state in ipairs(redis.call('MGET', unpack(keys))) do
  states[keys[i]] = state and {
    last = string.sub(state, 1, 16), trimmed = string.sub(state, 18, 33), sockets = string.sub(state, 34)
  } or { sockets = '' }
end
local places = {}
local function place_in(log, id)
  local known = places[log]
  if not known then
    known = {}
    local upto = '+'
    repeat
      local page = redis.call('XREVRANGE', log, upto, '-', 'COUNT', 100)
      for _, entry in ipairs(page) do
        local previous, event = string.match(entry[2][2], '^(%d+)\\n([^\\n]*)')
        known[event] = {tonumber(string.match(entry[1], '^%d+')), tonumber(previous)}
        upto = '(' .. entry[1]
      end
    until #page < 100
    places[log] = known
  end
  return known[id]
end
local function append(i)
  local key, log = keys[i], KEYS[i * 2 + 2]
  local state = states[key]
  local isNew = not state.last
  if isNew then
    state.last, state.trimmed = text(first - 1), NEVER
    redis.call('DEL', log)
  end
  local last, trimmed = state.last, state.trimmed
  local previous = tonumber(last)
  local offset = math.max(first, previous + 1)
  local entry = text(offset)
  redis.call('XADD', log, 'MAXLEN', most, entry, 'e', last .. '\\n' .. ARGV[i + 5])
  if offset - tonumber(trimmed) >= window * 256 then
    trimmed = entry
    redis.call('PEXPIRE', log, math.ceil(window * 1.25))
    if offset - previous < window * 1280 then
      redis.call('XTRIM', log, 'MINID', text(offset - window * 1024))
    end
  end
  if isNew then redis.call('SET', key, entry .. ' ' .. trimmed, 'PX', window)
  elseif trimmed == state.trimmed then redis.call('SETRANGE', key, 0, entry)
  else redis.call('SETRANGE', key, 0, entry .. ' ' .. trimmed) end
  state.last, state.trimmed = entry, trimmed
  if places[log] then places[log][ids[i]] = {offset, previous} end
  return offset, previous
end
local reply = {}
for i = 1, count do
  local offset, previous, sockets = 0, 0, ''
  if not owners or owners[i] == node then
    local place = isRepeat and place_in(KEYS[i * 2 + 2], ids[i])
    if place then offset, previous = place[1], place[2]
    else offset, previous = append(i) end
    sockets = states[keys[i]].sockets
  end
  reply[i * 3 - 2], reply[i * 3 - 1], reply[i * 3] = offset, previous, sockets
end
return reply`,
};

/**
 * Reads a log. Keys: state and log of a user. Argument: the first offset. Answers with the state,
 * or an empty text, and the entries. Appending limits the length of a log.
 */
export const READ_MISSED: Script = {
  name: "hub_read_missed",
  lua: `
return {redis.call('GET', KEYS[1]) or '', redis.call('XRANGE', KEYS[2], ARGV[1], '+')}`,
};

/**
 * Replaces the lines of a user. Keys: state, log and past connections of the user. Arguments: the
 * expected lines; the new lines, in which `@` becomes the end of the log; whether the log begins
 * again; time to live (ms); the connection id that joins. Answers with 1, the end of the log, an
 * empty text, and whether the connection was here in the last day; or with 0, 0 and the current
 * lines.
 */
export const REPLACE_PRESENCES: Script = {
  name: "hub_replace_presences",
  lua: `${COMMON}
local state = redis.call('GET', KEYS[1])
local head, sockets = split(state or '')
if sockets ~= ARGV[1] then return {0, 0, sockets} end
local last = tonumber(string.match(head, '^%d+'))
if not last or ARGV[3] == '1' then
  last = math.max(now() * 1024, last or 0)
  head = text(last) .. ' ' .. NEVER
  redis.call('DEL', KEYS[2])
end
local lines = string.gsub(ARGV[2], '@', text(last))
redis.call('SET', KEYS[1], head .. lines, 'PX', ARGV[4])
return {1, last, '', redis.call('SISMEMBER', KEYS[3], ARGV[5])}`,
};

/**
 * Records that sockets have closed. Keys: state and past connections of each user. Arguments:
 * window (ms); then per socket its name; its acknowledged offset, negative if there is none, or
 * `gone` if its client will not return; and its connection id, empty if the client gave it none. A
 * user without open sockets is kept for the window. Connection ids are kept for a day, at most 64
 * per user.
 */
export const RECORD_DISCONNECTS: Script = {
  name: "hub_record_disconnects",
  lua: `${COMMON}
local function any_open(sockets)
  local open = false
  for line in string.gmatch(sockets, '[^\\n]+') do
    if not string.find(line, ' left ', 1, true) then open = true end
  end
  return open
end
local at = text(now())
for i = 1, #KEYS / 2 do
  local key, past_connections = KEYS[i * 2 - 1], KEYS[i * 2]
  local socket, acknowledged, connection = ARGV[i * 3 - 1], ARGV[i * 3], ARGV[i * 3 + 1]
  if connection ~= '' then
    if redis.call('SADD', past_connections, connection) == 1 and redis.call('SCARD', past_connections) > 64 then
      redis.call('SPOP', past_connections)
    end
    redis.call('PEXPIRE', past_connections, 86400000)
  end
  local state = redis.call('GET', key)
  local from, to, line, had
  if state then from, to, line, had = find(state, socket) end
  if from then
    local closed = ''
    if acknowledged ~= 'gone' then
      if tonumber(acknowledged) < 0 then acknowledged = had end
      closed = '\\n' .. string.gsub(line, ' left .*', '') .. ' left ' .. at .. ' ' .. acknowledged
    end
    state = string.sub(state, 1, from - 1) .. closed .. string.sub(state, to + 1)
    local _, sockets = split(state)
    if any_open(sockets) then redis.call('SET', key, state, 'KEEPTTL')
    else redis.call('SET', key, state, 'PX', ARGV[1]) end
  end
end
return #KEYS / 2`,
};

/**
 * Registers open sockets that Redis does not have. Keys: per socket the state and log of its user.
 * Arguments: time to live (ms); whether to renew it; then per socket its name and line. Answers per
 * socket with the end of the user's log.
 */
export const REGISTER_SOCKETS: Script = {
  name: "hub_register_sockets",
  lua: `${COMMON}
local keep, renew = ARGV[1], ARGV[2] == '1'
local reply = {}
for i = 1, #KEYS / 2 do
  local key, socket, line = KEYS[i * 2 - 1], ARGV[i * 2 + 1], ARGV[i * 2 + 2]
  local state = redis.call('GET', key)
  if not state then
    state = text(now() * 1024) .. ' ' .. NEVER
    redis.call('DEL', KEYS[i * 2])
  end
  if not find(state, socket) then
    redis.call('SET', key, state .. '\\n' .. line, 'PX', keep)
  elseif renew then
    redis.call('PEXPIRE', key, keep)
  end
  reply[i] = tonumber(string.match(state, '^%d+'))
end
return reply`,
};
