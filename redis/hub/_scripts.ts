/**
 * The scripts of presence and event logs. Each runs on the keys of one partition and does nothing
 * that grows with anything but the batch it was given, a user's sockets and, where events are
 * published again, a user's log. The format of a user's text is that of `_user_state.ts`; times are
 * the server's own, so that what was sent late by a process that was paused is not dated back.
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
  local break_at = string.find(state, '\\n', 1, true)
  if not break_at then return state, '' end
  return string.sub(state, 1, break_at - 1), string.sub(state, break_at)
end
local function find(state, socket)
  local name = string.gsub(socket, '%W', '%%%0')
  return string.find(state, '\\n(%S+ %S+ %S+ ' .. name .. ' %d+ %d+ (%d+)[^\\n]*)')
end`;

/**
 * Appends to logs. Keys: the claims of the partition; then per event the user's state and log.
 * Arguments: the node whose claims are insisted on, or nothing; whether events may be there
 * already; window (ms); events per log; then the events, each with its id in the first line.
 * Answers per event with offset, offset before, and the lines of the sockets; with offset 0 where
 * it is another node's.
 *
 * An entry of a log has one field, because each costs about as much as all that is in it: a text
 * whose first line is the offset before it, and the event behind that. Entries live for the window
 * and up to a quarter longer, so that time to live and age have to be looked after only four times
 * per window; between, only the end of the log is written over where the state has it, in front.
 */
export const PUBLISH: Script = {
  name: "hub_publish",
  lua: `${COMMON}
local node, isRepeat, window, most = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3]), ARGV[4]
local moment = now() * 1024
local count = #ARGV - 4
local ids, keys = {}, {}
for i = 1, count do
  local event = ARGV[i + 4]
  ids[i] = string.sub(event, 1, string.find(event, '\\n', 1, true) - 1)
  keys[i] = KEYS[i * 2]
end
local owners = node ~= '' and redis.call('HMGET', KEYS[1], unpack(ids))
local states = {}
for i, state in ipairs(redis.call('MGET', unpack(keys))) do
  states[keys[i]] = state and {
    last = string.sub(state, 1, 16), touched = string.sub(state, 18, 33), seats = string.sub(state, 34)
  } or { seats = '' }
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
  local key, log = keys[i], KEYS[i * 2 + 1]
  local state = states[key]
  local isNew = not state.last
  if isNew then
    state.last, state.touched = text(moment - 1), NEVER
    redis.call('DEL', log)
  end
  local last, touched = state.last, state.touched
  local previous = tonumber(last)
  local offset = math.max(moment, previous + 1)
  local entry = text(offset)
  redis.call('XADD', log, 'MAXLEN', most, entry, 'e', last .. '\\n' .. ARGV[i + 4])
  if offset - tonumber(touched) >= window * 256 then
    touched = entry
    redis.call('PEXPIRE', log, math.ceil(window * 1.25))
    if offset - previous < window * 1280 then
      redis.call('XTRIM', log, 'MINID', text(offset - window * 1024))
    end
  end
  if isNew then redis.call('SET', key, entry .. ' ' .. touched, 'PX', window)
  elseif touched == state.touched then redis.call('SETRANGE', key, 0, entry)
  else redis.call('SETRANGE', key, 0, entry .. ' ' .. touched) end
  state.last, state.touched = entry, touched
  if places[log] then places[log][ids[i]] = {offset, previous} end
  return offset, previous
end
local reply = {}
for i = 1, count do
  local offset, previous, seats = 0, 0, ''
  if not owners or owners[i] == node then
    local place = isRepeat and place_in(KEYS[i * 2 + 1], ids[i])
    if place then offset, previous = place[1], place[2]
    else offset, previous = append(i) end
    seats = states[keys[i]].seats
  end
  reply[i * 3 - 2], reply[i * 3 - 1], reply[i * 3] = offset, previous, seats
end
return reply`,
};

/**
 * Reads a log, which is as long as appending lets it become. Keys: state and log of a user.
 * Argument: the first offset. Answers with the state, or nothing, and the entries.
 */
export const MISSED: Script = {
  name: "hub_missed",
  lua: `
return {redis.call('GET', KEYS[1]) or '', redis.call('XRANGE', KEYS[2], ARGV[1], '+')}`,
};

/**
 * Puts lines in the place of others. Keys: state, log and past visits of a user. Arguments: the
 * lines that are expected; the new ones, in which \`@\` becomes the end of the log; whether the log
 * begins anew; time to live (ms); the connection that joins. Answers with 1, the end of the log and
 * whether the connection was here in the last day; or with 0 and the lines as they are.
 */
export const SWAP: Script = {
  name: "hub_swap",
  lua: `${COMMON}
local state = redis.call('GET', KEYS[1])
local head, seats = split(state or '')
if seats ~= ARGV[1] then return {0, 0, seats} end
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
 * Notes that sockets have closed. Keys: state and past visits of each. Arguments: window (ms); then
 * per socket its name, what is proven: an offset, below zero where nothing is, `gone` where nobody
 * comes back; and the name of its connection, empty where its client gave it none. Where no socket is
 * open any more, all of it is kept for the window; connections are remembered for a day, of one user
 * 64 at most.
 */
export const LEAVE: Script = {
  name: "hub_leave",
  lua: `${COMMON}
local function anyone(seats)
  local open = false
  for line in string.gmatch(seats, '[^\\n]+') do
    if not string.find(line, ' left ', 1, true) then open = true end
  end
  return open
end
local at = text(now())
for i = 1, #KEYS / 2 do
  local key, visits = KEYS[i * 2 - 1], KEYS[i * 2]
  local socket, acknowledged, connection = ARGV[i * 3 - 1], ARGV[i * 3], ARGV[i * 3 + 1]
  if connection ~= '' then
    if redis.call('SADD', visits, connection) == 1 and redis.call('SCARD', visits) > 64 then
      redis.call('SPOP', visits)
    end
    redis.call('PEXPIRE', visits, 86400000)
  end
  local state = redis.call('GET', key)
  local from, to, line, floor
  if state then from, to, line, floor = find(state, socket) end
  if from then
    local put = ''
    if acknowledged ~= 'gone' then
      if tonumber(acknowledged) < 0 then acknowledged = floor end
      put = '\\n' .. string.gsub(line, ' left .*', '') .. ' left ' .. at .. ' ' .. acknowledged
    end
    state = string.sub(state, 1, from - 1) .. put .. string.sub(state, to + 1)
    local _, seats = split(state)
    if anyone(seats) then redis.call('SET', key, state, 'KEEPTTL')
    else redis.call('SET', key, state, 'PX', ARGV[1]) end
  end
end
return #KEYS / 2`,
};

/**
 * Makes sure that open sockets are known. Keys: per socket, state and log of its user. Arguments:
 * time to live (ms); whether it is to be renewed; then per socket its name and its line. Answers
 * per socket with the end of the user's log.
 */
export const ANNOUNCE: Script = {
  name: "hub_announce",
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
