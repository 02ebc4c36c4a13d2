// Lua that several scripts of scripts.ts share.

/** Entries of a leaf: at most 128 of up to 64 bytes are packed by a Redis of default settings. */
const leafEntries = 120;
/** Plans of a leaf: about 8 KB, one node of a list. */
const leafPlans = 46;
/** Of plans with large params there are fewer in a leaf: a script may have to read all of it. */
const leafBytes = 256 * 1024;
const largeRecord = 2 * 1024;
/** What a script reads or answers of one kind, and one piece more: about a millisecond. */
const enoughBytes = 256 * 1024;

/** What every script begins with: its clock, its answer, and how a plan is found. */
export const basics = `
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

-- Whoever reads much stops at this, and is asked again for the rest.
local read_bytes = 0
local function has_read_enough(text)
  read_bytes = read_bytes + (text and #text or 0)
  return read_bytes >= ${enoughBytes}
end

-- The plan's record: false if there is none, empty if what should hold it is not ours.
local function record_of(key)
  local leaf = leaf_of('plans', key)
  local at = leaf and redis.pcall('LPOS', leaf, key)
  if type(at) == 'table' then return '' end
  return at and call('LINDEX', leaf, at + 1) or false
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

/** How trees grow and shrink, and how a plan moves from place to place. */
export const changing = `
-- Where the counter of leaves was lost, numbers that are taken are left behind in growing steps.
local function new_leaf(tree, lowest)
  local number, leaf
  local step = 1
  repeat
    number = string.format('%08x', call('INCRBY', base .. 'leaves', step))
    leaf = base .. tree .. ':' .. number
    step = 2 * step
  until call('EXISTS', leaf) == 0
  call('ZADD', base .. tree, 0, lowest .. '\\0' .. number)
  return leaf
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

local function bytes_of(leaf)
  return call('MEMORY', 'USAGE', leaf, 'SAMPLES', 0)
end

local function keep(key, record, leaf, at)
  leaf = leaf or new_leaf('plans', '')
  local size
  if at then
    call('LSET', leaf, at + 1, record)
  else
    size = call('RPUSH', leaf, key, record)
    if size > ${2 * leafPlans} then return split_plans(leaf, key) end
  end
  if #record < ${largeRecord} or bytes_of(leaf) <= ${leafBytes} then return end
  if (size or call('LLEN', leaf)) > 2 then split_plans(leaf, key) end
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
  if bytes_of(leaf) + bytes_of(after) > ${leafBytes / 2} then return end
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

/** Spans of a tree. */
export const ranges = `
-- Members of the tree in [from, to), the first ones; and 1 if there may be more than it has read, else 0.
local function range(tree, from, to, limit)
  local found, bytes = {}, 0
  local leaf, hit = first_leaf(tree, from)
  while leaf and #found < limit do
    if bytes >= ${enoughBytes} then return found, 1 end
    local part = call('ZRANGEBYLEX', leaf, '[' .. from, '(' .. to, 'LIMIT', 0, limit - #found)
    for _, member in ipairs(part) do
      found[#found + 1] = member
      bytes = bytes + #member
    end
    leaf, hit = next_leaf(tree, hit, '(' .. to)
  end
  return found, 0
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

-- Each member and its record, the first ones; and 1 if there are more than it has read, else 0.
local function with_records(members)
  local found = {}
  read_bytes = 0
  for i, member in ipairs(members) do
    local record = record_of(key_in(member))
    found[2 * i - 1], found[2 * i] = member, record
    if has_read_enough(record) then return found, i < #members and 1 or 0 end
  end
  return found, 0
end
`;
