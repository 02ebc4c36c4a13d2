import { basics, changing, ranges } from './script-parts.ts';
import { write } from './write-script.ts';

/**
 * The Lua that runs inside Redis: the only place where two keys change at once. Each script is given the
 * partition's base as its one key and answers the microseconds of Redis's clock and the count of plans
 * before all else. None compares texts with `<`, which follows the server's locale; sorted sets compare bytes.
 */

const failuresAtOnce = 16;

/** generations wanted, keys… → first generation (or why there is none), records of the first keys */
const read = `
local first, wanted = 0, tonumber(ARGV[1])
if wanted > 0 then
  local newest = redis.pcall('INCRBY', base .. 'generation', wanted)
  if refusal_of_all(newest) then return refusal_of_all(newest) end
  first = type(newest) == 'table' and newest.err or newest - wanted + 1
end
local records = {}
for i = 2, #ARGV do
  records[i - 1] = record_of(ARGV[i])
  if has_read_enough(records[i - 1]) then break end
end
return answer(first, records)
`;

/**
 * session, how long it may claim alone (ms), firings, late ones, where late ends, where due ends
 * → how long another claims (ms), or: 1 if there is more, late, due, waiting, each member, record…
 */
const look = `
local session, firings, late_most = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local late_end, due_end = ARGV[5], ARGV[6]
local claiming = base .. 'claiming'
local other = call('GET', claiming)
if other and other ~= session then return answer(math.max(call('PTTL', claiming), 1)) end

local function first(found, most)
  for i = #found, most + 1, -1 do found[i] = nil end
  return found
end

local on_time, more_on_time = range('due', late_end, due_end, firings + 1)
local room = math.max(firings - #on_time, math.floor(firings / 2))
room = math.min(late_most, room)
local late, more_late = range('due', '', late_end, room + 1)
local more = math.max(more_on_time, more_late)
if #late > room then
  more = 1
  local newest = range_back('due', late_end, math.floor(room / 4))
  first(late, room - #newest)
  for i = #newest, 1, -1 do late[#late + 1] = newest[i] end
end
local left = firings - #late
local waiting, more_waiting = range('waiting', '', due_end, left + 1)
more = math.max(more, more_waiting)
if #on_time > left or #waiting > left then more = 1 end
first(on_time, left)
first(waiting, left)
if #late + #on_time + #waiting > 0 then redis.pcall('SET', claiming, session, 'PX', ARGV[2]) end
late, more_late = with_records(late)
on_time, more_on_time = with_records(on_time)
waiting, more_waiting = with_records(waiting)
return answer(0, math.max(more, more_late, more_on_time, more_waiting), late, on_time, waiting)
`;

/** origin, most → member, record… */
const parked = `
local members = call('ZRANGEBYLEX', base .. 'parked:' .. ARGV[1], '-', '+', 'LIMIT', 0, ARGV[2])
return answer((with_records(members)))
`;

/** after, most → origins */
const origins = `
local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
return answer(call('ZRANGEBYLEX', base .. 'origins', from, '+', 'LIMIT', 0, ARGV[2]))
`;

/** a key, or empty and the leaf's entry before; where it ends; most → entry of the last leaf (empty: no more), keys… */
const keys = `
local leaf, hit
if ARGV[2] == '' then leaf, hit = first_leaf('plans', ARGV[1])
else leaf, hit = next_leaf('plans', ARGV[2], '(' .. ARGV[3]) end
local found = {}
while leaf do
  local is_enough = false
  -- One by one: what stands between them may be large.
  for at = 0, call('LLEN', leaf) - 2, 2 do
    local key = call('LINDEX', leaf, at)
    found[#found + 1] = key
    is_enough = has_read_enough(key)
  end
  local last = hit
  leaf, hit = next_leaf('plans', hit, '(' .. ARGV[3])
  if leaf and (is_enough or #found >= tonumber(ARGV[4])) then return answer(last, found) end
end
return answer('', found)
`;

/** from, to, most → members due, members aside, and of either: 1 if there may be more before as many */
const agenda = `
local most = tonumber(ARGV[3])
local due, more_due = range('due', ARGV[1], ARGV[2], most)
local aside, more_aside = range('aside', ARGV[1], ARGV[2], most)
return answer(due, aside, more_due, more_aside)
`;

/** from, most → failures; none: there are no more */
const failures = `
local found, from, most = {}, tonumber(ARGV[1]), tonumber(ARGV[2])
while #found < most do
  local at, is_enough = from + #found, false
  local part = call('LRANGE', base .. 'failures', at, at + math.min(${failuresAtOnce}, most - #found) - 1)
  for _, failure in ipairs(part) do
    found[#found + 1] = failure
    is_enough = has_read_enough(failure)
  end
  if #part == 0 or is_enough then break end
end
return answer(found)
`;

/** failures kept → none */
const trim = `
local kept = tonumber(ARGV[1])
if kept > 0 then call('LTRIM', base .. 'failures', 0, kept - 1) else call('DEL', base .. 'failures') end
return answer()
`;

/** session, lease (µs), 1 if it begins → 1 while the session holds its lease, 0 once it has lost it */
const renew = `
if ARGV[3] ~= '1' and not lives(ARGV[1]) then return answer(0) end
write_though_full()
call('ZADD', base .. 'sessions', micros() + ARGV[2], ARGV[1])
return answer(1)
`;

/** session → none; what it holds, others may take at once */
const leave = `
if call('GET', base .. 'claiming') == ARGV[1] then call('DEL', base .. 'claiming') end
if call('EXISTS', base .. 'held:' .. ARGV[1]) == 1 then
  write_though_full()
  call('ZADD', base .. 'sessions', 0, ARGV[1])
else
  call('ZREM', base .. 'sessions', ARGV[1])
  call('HDEL', base .. 'replies', ARGV[1])
end
return answer()
`;

/** most → a session whose lease is over (empty: none), members of what it holds */
const ended = `
local session = call('ZRANGEBYSCORE', base .. 'sessions', '-inf', micros(), 'LIMIT', 0, 1)[1]
if not session then return answer('', {}) end
local held = call('SRANDMEMBER', base .. 'held:' .. session, ARGV[1])
if #held == 0 then
  call('ZREM', base .. 'sessions', session)
  call('HDEL', base .. 'replies', session)
end
return answer(session, held)
`;

/** session, cursor → next cursor, members of what it holds */
const held = `
local found = call('SSCAN', base .. 'held:' .. ARGV[1], ARGV[2], 'COUNT', 256)
return answer(found[1], found[2])
`;

/**
 * session, then key, generation, member of held:<session> of each
 * → 1 or 0 each, of the first ones; 0 for all once the lease is lost
 */
const confirm = `
local holds, confirmed = lives(ARGV[1]), {}
for at = 2, #ARGV, 3 do
  local is_ours = holds and call('SISMEMBER', base .. 'held:' .. ARGV[1], ARGV[at + 2]) == 1
  local record = is_ours and record_of(ARGV[at])
  confirmed[#confirmed + 1] = record and record:sub(3, 9) == ARGV[at + 1] and 1 or 0
  if has_read_enough(record) then break end
end
return answer(confirmed)
`;

export const scripts = {
  read: basics + read,
  write: basics + changing + write,
  look: basics + ranges + look,
  parked: basics + ranges + parked,
  origins: basics + origins,
  keys: basics + keys,
  agenda: basics + ranges + agenda,
  failures: basics + failures,
  trim: basics + trim,
  renew: basics + changing + renew,
  leave: basics + leave,
  ended: basics + ended,
  held: basics + held,
  confirm: basics + changing + confirm,
} as const;

export type ScriptName = keyof typeof scripts;
