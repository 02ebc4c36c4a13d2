/** Of one partition; further ones take from the next millisecond. */
const failuresEachMs = 64;
/** While one script runs, everybody waits. What is then left is sent again, behind what others have sent. */
const maxWriteSeconds = 0.003;
/** Changes that are made before it looks at the time. */
const changesBetweenLooks = 8;

/**
 * session, number of this write, failures kept, then of each change: key, token, its needs (l: the lease,
 * r: room), the record (empty: none; 1, index, 00, member: takes that out of the index), number of
 * failures, failures…
 * → a letter a change (k done, c the record is another, l the lease is lost, e it failed, n not now: it has
 * taken long enough), and of each that failed why, a line each. One that comes after a later one of the
 * session changes nothing, and neither does one of a session that is not known any more: nobody waits for it.
 */
export const write = `
-- TIME goes on within a script up to Redis 7.0. Later it stands still, and newer ones have a clock of Lua's instead.
local has_clock, clock = pcall(function() return os.clock end)
local function seconds() return has_clock and clock() or micros() / 1000000 end
local deadline = seconds() + ${maxWriteSeconds}
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

local letters, whys, holds, is_late, at = {}, {}, nil, false, 4
while at <= #ARGV do
  local key, token, needs, record = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local failures = tonumber(ARGV[at + 4])
  local letter
  if needs:find('l', 1, true) and holds == nil then holds = lives(session) or false end
  if not is_known or needs:find('l', 1, true) and not holds then
    letter = 'l'
  elseif is_late then
    letter = 'n'
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
  if #letters % ${changesBetweenLooks} == 0 then is_late = seconds() > deadline end
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
