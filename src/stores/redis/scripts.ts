/**
 * The Lua that runs inside Redis: the only place where two keys change at once. Each script is given the
 * partition's base as its one key and answers the microseconds of Redis's clock and the count of plans
 * before all else. None compares texts with `<`, which follows the server's locale; sorted sets compare bytes.
 */

/** Entries of a leaf: at most 128 of up to 64 bytes are packed by a Redis of default settings. */
const leafEntries = 120;
/** Plans of a leaf: about 8 KB, one node of a list. */
const leafPlans = 46;
/** Of one partition; further ones take from the next millisecond. */
const failuresEachMs = 64;

const basics = `
local base, call = KEYS[1], redis.call

local function micros()
  local time = call('TIME')
  return time[1] * 1000000 + time[2]
end

local function answer(...)
  return {micros(), tonumber(call('GET', base .. 'count') or 0), ...}
end

-- The leaf of the tree that has what sorts as the key does, and its entry in the tree.
local function leaf_of(tree, key)
  local hit = call('ZREVRANGEBYLEX', base .. tree, '[' .. key .. '\\1', '-', 'LIMIT', 0, 1)[1]
  if hit then return base .. tree .. ':' .. hit:sub(-8), hit end
end

local function first_leaf(tree, key)
  local leaf, hit = leaf_of(tree, key)
  if leaf then return leaf, hit end
  hit = call('ZRANGE', base .. tree, 0, 0)[1]
  if hit then return base .. tree .. ':' .. hit:sub(-8), hit end
end

local function next_leaf(tree, hit, stop)
  local found = call('ZRANGEBYLEX', base .. tree, '(' .. hit, stop or '+', 'LIMIT', 0, 1)[1]
  if found then return base .. tree .. ':' .. found:sub(-8), found end
end

-- Where the plan is: its leaf, the key's place in it (false: not there), and the leaf's entry.
local function find(key)
  local leaf, hit = leaf_of('plans', key)
  if not leaf then return nil, false end
  return leaf, call('LPOS', leaf, key), hit
end

-- The plan's record: false if there is none, empty if what should hold it is not ours.
local function record_of(key)
  local leaf = leaf_of('plans', key)
  local at = leaf and redis.pcall('LPOS', leaf, key)
  if type(at) == 'table' then return '' end
  return at and call('LINDEX', leaf, at + 1)
end

-- Redis takes no changes at all just now; as the error that it is, to be asked again.
local function refusal_of_all(reply)
  local text = type(reply) == 'table' and reply.err or tostring(reply)
  for _, word in ipairs({'READONLY', 'MISCONF', 'NOREPLICAS'}) do
    local at = text:find(word, 1, true)
    if at then return {err = text:sub(at)} end
  end
end

-- Redis when it is full refuses a script's first write, and no further one: so this comes first.
local function write_though_full()
  call('DEL', base .. 'full')
end
`;

const changing = `
local function new_leaf(tree, lowest)
  local number = string.format('%08x', call('INCR', base .. 'leaves'))
  call('ZADD', base .. tree, 0, lowest .. '\\0' .. number)
  return base .. tree .. ':' .. number
end

local function add_all(leaf, members)
  local scored = {}
  for i, member in ipairs(members) do
    scored[2 * i - 1], scored[2 * i] = 0, member
  end
  call('ZADD', leaf, unpack(scored))
end

local function tree_add(tree, member)
  local leaf = leaf_of(tree, member) or new_leaf(tree, '')
  call('ZADD', leaf, 0, member)
  if call('ZCARD', leaf) <= ${leafEntries} then return end
  -- What comes in order fills its leaves; else the leaf is halved.
  local from = ${leafEntries / 2}
  if call('ZRANGE', leaf, -1, -1)[1] == member then from = ${leafEntries} end
  local upper = call('ZRANGE', leaf, from, -1)
  add_all(new_leaf(tree, upper[1]), upper)
  call('ZREMRANGEBYRANK', leaf, from, -1)
end

local function tree_remove(tree, member)
  local leaf, hit = leaf_of(tree, member)
  if not leaf or call('ZREM', leaf, member) == 0 then return end
  local left = call('ZCARD', leaf)
  if left == 0 then return call('ZREM', base .. tree, hit) end
  if left > ${leafEntries / 6} then return end
  local after, after_hit = next_leaf(tree, hit)
  if not after or call('ZCARD', after) > ${leafEntries / 2} then return end
  local members = call('ZRANGE', after, 0, -1)
  if #members > 0 then add_all(leaf, members) end
  call('DEL', after)
  call('ZREM', base .. tree, after_hit)
end

-- Byte order, told from the first byte on in which any of the keys differ.
local function before(skip)
  return function(a, b)
    for i = skip, math.min(#a, #b) do
      local x, y = a:byte(i), b:byte(i)
      if x ~= y then return x < y end
    end
    return #a < #b
  end
end

local function split_plans(leaf, newest)
  local all = call('LRANGE', leaf, 0, -1)
  local keys, records, same = {}, {}, #newest
  for i = 1, #all, 2 do
    keys[#keys + 1], records[all[i]] = all[i], all[i + 1]
    for n = 1, same do
      if all[i]:byte(n) ~= newest:byte(n) then
        same = n - 1
        break
      end
    end
  end
  table.sort(keys, before(same + 1))
  local from = math.floor(#keys / 2) + 1
  if keys[#keys] == newest then from = #keys end
  local parts = {{}, {}}
  for i, key in ipairs(keys) do
    local part = parts[i < from and 1 or 2]
    part[#part + 1], part[#part + 2] = key, records[key]
  end
  call('RPUSH', new_leaf('plans', keys[from]), unpack(parts[2]))
  if from == #keys then return call('LTRIM', leaf, 0, -3) end
  call('DEL', leaf)
  call('RPUSH', leaf, unpack(parts[1]))
end

local function keep(key, record, leaf, at)
  if at then return call('LSET', leaf, at + 1, record) end
  leaf = leaf or new_leaf('plans', '')
  if call('RPUSH', leaf, key, record) > ${2 * leafPlans} then split_plans(leaf, key) end
end

local function forget(leaf, at, hit)
  call('LSET', leaf, at, '\\0')
  call('LSET', leaf, at + 1, '\\0')
  call('LREM', leaf, 2, '\\0')
  local left = call('LLEN', leaf)
  if left == 0 then return call('ZREM', base .. 'plans', hit) end
  if left > ${2 * Math.floor(leafPlans / 6)} then return end
  local after, after_hit = next_leaf('plans', hit)
  if not after or call('LLEN', after) > ${leafPlans} then return end
  local all = call('LRANGE', after, 0, -1)
  if #all > 0 then call('RPUSH', leaf, unpack(all)) end
  call('DEL', after)
  call('ZREM', base .. 'plans', after_hit)
end

-- The places that a record's head names; none of what is no record of ours.
local function places_of(record)
  local places = {}
  if not record or record:sub(1, 2) ~= '\\0\\1' then return places end
  local at = 11
  for _ = 1, record:byte(10) or 0 do
    local high, low = record:byte(at + 1, at + 2)
    if not low then break end
    local stop = at + 2 + high * 256 + low
    places[record:sub(at, at) .. record:sub(at + 3, stop)] = true
    at = stop + 1
  end
  return places
end

local trees = {d = 'due', a = 'aside', w = 'waiting'}

local function move(key, place, is_in)
  local kind, value = place:sub(1, 1), place:sub(2)
  if trees[kind] then
    local member = value:sub(1, 7) .. key
    if kind == 'w' then member = member .. '\\0' .. value:sub(8) end
    return (is_in and tree_add or tree_remove)(trees[kind], member)
  end
  local stop = value:find('\\0', 1, true)
  local name, firing = value:sub(1, stop - 1), value:sub(stop + 1)
  if kind == 'h' then
    return call(is_in and 'SADD' or 'SREM', base .. 'held:' .. name, key .. '\\0' .. firing)
  end
  local parked, member = base .. 'parked:' .. name, firing:sub(1, 7) .. key .. '\\0' .. firing:sub(8)
  if is_in then
    call('ZADD', parked, 0, member)
    return call('ZADD', base .. 'origins', 0, name)
  end
  call('ZREM', parked, member)
  if call('EXISTS', parked) == 0 then call('ZREM', base .. 'origins', name) end
end

local function is_expected(record, token)
  if token == '-' then return not record end
  return record and token:sub(2) == record:sub(1, #token - 1)
end

local function lives(session)
  local stop = call('ZSCORE', base .. 'sessions', session)
  return stop and tonumber(stop) > micros()
end
`;

const ranges = `
-- Members of the tree in [from, to), the first ones.
local function range(tree, from, to, limit)
  local found = {}
  local leaf, hit = first_leaf(tree, from)
  while leaf and #found < limit do
    local part = call('ZRANGEBYLEX', leaf, '[' .. from, '(' .. to, 'LIMIT', 0, limit - #found)
    for _, member in ipairs(part) do found[#found + 1] = member end
    leaf, hit = next_leaf(tree, hit, '(' .. to)
  end
  return found
end

-- Members of the tree before \`to\`, the last ones, the last first.
local function range_back(tree, to, limit)
  local found = {}
  local leaf, hit = leaf_of(tree, to)
  while leaf and #found < limit do
    local part = call('ZREVRANGEBYLEX', leaf, '(' .. to, '-', 'LIMIT', 0, limit - #found)
    for _, member in ipairs(part) do found[#found + 1] = member end
    hit = call('ZREVRANGEBYLEX', base .. tree, '(' .. hit, '-', 'LIMIT', 0, 1)[1]
    leaf = hit and base .. tree .. ':' .. hit:sub(-8)
  end
  return found
end

local function key_in(member)
  local stop = member:find('\\0', 8, true)
  return member:sub(8, stop and stop - 1)
end

local function with_records(members)
  local found = {}
  for i, member in ipairs(members) do
    found[2 * i - 1], found[2 * i] = member, record_of(key_in(member))
  end
  return found
end
`;

/** generations wanted, keys… → first generation (or why there is none), records */
const read = `
local first, wanted = 0, tonumber(ARGV[1])
if wanted > 0 then
  local newest = redis.pcall('INCRBY', base .. 'generation', wanted)
  if refusal_of_all(newest) then return refusal_of_all(newest) end
  first = type(newest) == 'table' and newest.err or newest - wanted + 1
end
local records = {}
for i = 2, #ARGV do records[i - 1] = record_of(ARGV[i]) end
return answer(first, records)
`;

/**
 * session, number of this write, failures kept, then of each change: key, token, its needs (l: the lease,
 * r: room), the record (empty: none; 1, index, 00, member: takes that out of the index), number of
 * failures, failures…
 * → a letter a change (k done, c the record is another, l the lease is lost, e it failed), and of each
 * that failed why, a line each. One that comes after a later one of the session changes nothing, and
 * neither does one of a session that is not known any more: nobody waits for it.
 */
const write = `
local session, number, kept = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local seen = call('HGET', base .. 'replies', session)
local newest = seen and tonumber(seen:match('^%d+')) or 0
if newest == number then return answer(seen:sub(#ARGV[2] + 2)) end
if newest > number then return answer('') end
local is_known = call('ZSCORE', base .. 'sessions', session)

-- Numbers of failures rise with time, so that those of all partitions have one order: ${failuresEachMs} a millisecond.
local function next_failure()
  local newest = tonumber(call('GET', base .. 'failed') or 0)
  local number = math.max(newest + 1, math.floor(micros() / 1000) * ${failuresEachMs})
  local text = string.format('%016.0f', number)
  redis.pcall('SET', base .. 'failed', text)
  return text
end

local function drop_stray(index, member)
  if index:sub(1, 5) == 'held:' then return call('SREM', base .. index, member) end
  if index:sub(1, 7) ~= 'parked:' then return tree_remove(index, member) end
  call('ZREM', base .. index, member)
  if call('EXISTS', base .. index) == 0 then call('ZREM', base .. 'origins', index:sub(8)) end
end

-- Plans that there are more now.
local more = 0

local function drop(key, token, record)
  if not is_expected(record_of(key), token) then return 'c' end
  local stop = record:find('\\0', 1, true)
  drop_stray(record:sub(2, stop - 1), record:sub(stop + 1))
  return 'k'
end

-- A place is taken before the record names it and left after: what fails half-way leaves strays at most.
local function change(key, token, record)
  if record:sub(1, 1) == '\\1' then return drop(key, token, record) end
  local leaf, at, hit = find(key)
  local old = at and call('LINDEX', leaf, at + 1)
  if not is_expected(old, token) then return 'c' end
  local before, after = places_of(old), places_of(record)
  for place in pairs(after) do
    if not before[place] then move(key, place, true) end
  end
  if record == '' then
    if not old then return 'k' end
    forget(leaf, at, hit)
    more = more - 1
  else
    keep(key, record, leaf, at)
    if not old then more = more + 1 end
  end
  for place in pairs(before) do
    if not after[place] then move(key, place, false) end
  end
  return 'k'
end

local letters, whys, holds, at = {}, {}, nil, 4
while at <= #ARGV do
  local key, token, needs, record = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local failures = tonumber(ARGV[at + 4])
  local letter
  if needs:find('l', 1, true) and holds == nil then holds = lives(session) or false end
  if not is_known or needs:find('l', 1, true) and not holds then
    letter = 'l'
  else
    local fine, outcome = pcall(change, key, token, record)
    local why = not fine and (type(outcome) == 'table' and outcome.err or tostring(outcome))
    if why and refusal_of_all(why) then return refusal_of_all(why) end
    if why and why:find('OOM', 1, true) and not needs:find('r', 1, true) then
      write_though_full()
      fine, outcome = pcall(change, key, token, record)
      why = not fine and (type(outcome) == 'table' and outcome.err or tostring(outcome))
    end
    letter = fine and outcome or 'e'
    if why then whys[#whys + 1] = why:gsub('\\n', ' ') end
  end
  letters[#letters + 1] = letter
  if letter == 'k' and failures > 0 and kept > 0 then
    for i = at + 5, at + 4 + failures do
      redis.pcall('LPUSH', base .. 'failures', next_failure() .. ARGV[i])
    end
    redis.pcall('LTRIM', base .. 'failures', 0, kept - 1)
  end
  at = at + 5 + failures
end
if more ~= 0 then redis.pcall('INCRBY', base .. 'count', more) end
local text = table.concat(letters) .. ' ' .. table.concat(whys, '\\n')
if is_known then redis.pcall('HSET', base .. 'replies', session, ARGV[2] .. ' ' .. text) end
-- What was looked for has been claimed.
if call('GET', base .. 'claiming') == session then call('DEL', base .. 'claiming') end
return answer(text)
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

local on_time = range('due', late_end, due_end, firings + 1)
local room = math.max(firings - #on_time, math.floor(firings / 2))
room = math.min(late_most, room)
local late = range('due', '', late_end, room + 1)
local more = 0
if #late > room then
  more = 1
  local newest = range_back('due', late_end, math.floor(room / 4))
  first(late, room - #newest)
  for i = #newest, 1, -1 do late[#late + 1] = newest[i] end
end
local left = firings - #late
local waiting = range('waiting', '', due_end, left + 1)
if #on_time > left or #waiting > left then more = 1 end
first(on_time, left)
first(waiting, left)
if #late + #on_time + #waiting > 0 then redis.pcall('SET', claiming, session, 'PX', ARGV[2]) end
return answer(0, more, with_records(late), with_records(on_time), with_records(waiting))
`;

/** origin, most → member, record… */
const parked = `
local members = call('ZRANGEBYLEX', base .. 'parked:' .. ARGV[1], '-', '+', 'LIMIT', 0, ARGV[2])
return answer(with_records(members))
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
  local all = call('LRANGE', leaf, 0, -1)
  for i = 1, #all, 2 do found[#found + 1] = all[i] end
  local last = hit
  leaf, hit = next_leaf('plans', hit, '(' .. ARGV[3])
  if leaf and #found >= tonumber(ARGV[4]) then return answer(last, found) end
end
return answer('', found)
`;

/** from, to, most → members due, members aside */
const agenda = `
local most = tonumber(ARGV[3])
return answer(range('due', ARGV[1], ARGV[2], most), range('aside', ARGV[1], ARGV[2], most))
`;

/** from, to (both ends taken) → failures */
const failures = `
return answer(call('LRANGE', base .. 'failures', ARGV[1], ARGV[2]))
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

/** session, then key, generation, member of held:<session> of each → 1 or 0 each, 0 for all once the lease is lost */
const confirm = `
local holds, confirmed = lives(ARGV[1]), {}
for at = 2, #ARGV, 3 do
  local is_ours = holds and call('SISMEMBER', base .. 'held:' .. ARGV[1], ARGV[at + 2]) == 1
  local record = is_ours and record_of(ARGV[at])
  confirmed[#confirmed + 1] = record and record:sub(3, 9) == ARGV[at + 1] and 1 or 0
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
