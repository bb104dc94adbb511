/**
 * What Redis does by itself, so that it is atomic: Lua scripts over the keys of one session, all of which begin with
 * `KEYS[1]`: `:meta` (hash, entry by key), `:rank` (the order in which entries make room), `:expiry` (when each expires),
 * `:load` (bytes, the last number given out, entries that never expire) and `:v:KEY` (values, which Redis itself drops when
 * they expire).
 */

const PRELUDE = `
local base = KEYS[1]
local META, RANK, EXPIRY, LOAD = base .. ':meta', base .. ':rank', base .. ':expiry', base .. ':load'

-- An entry as kept: number|importance|bytes|expires|created|updated|importance in twenty places.
local function unpacked(packed)
  local seq, importance, size, expires, created, updated, place =
    string.match(packed, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)$')
  return { seq = seq, importance = importance, size = size, expires = expires, created = created, updated = updated, place = place }
end

local function entry(key)
  local packed = redis.call('HGET', META, key)
  return packed and unpacked(packed) or nil
end

local function rank(key, e)
  return e.place .. '|' .. string.rep('0', 16 - #e.updated) .. e.updated .. '|' .. string.rep('0', 16 - #e.seq) .. e.seq .. '|' .. key
end

local function isExpired(e, now)
  return e.expires ~= '' and tonumber(e.expires) <= tonumber(now)
end

local function remove(key, e)
  redis.call('HDEL', META, key)
  redis.call('ZREM', RANK, rank(key, e))
  redis.call('ZREM', EXPIRY, key)
  redis.call('DEL', base .. ':v:' .. key)
  redis.call('HINCRBY', LOAD, 'bytes', -tonumber(e.size))
  if e.expires == '' then redis.call('HINCRBY', LOAD, 'forever', -1) end
end

-- Redis drops what is kept of a session once its last entry has expired.
local function keepAsLongAsNeeded(now)
  if redis.call('HLEN', META) == 0 then
    redis.call('DEL', META, RANK, EXPIRY)
    if redis.call('EXISTS', LOAD) == 1 then redis.call('PEXPIRE', LOAD, 3600000) end
    return
  end
  local forever = tonumber(redis.call('HGET', LOAD, 'forever') or '0')
  local last = redis.call('ZREVRANGE', EXPIRY, 0, 0, 'WITHSCORES')[2]
  for _, name in ipairs({ META, RANK, EXPIRY, LOAD }) do
    if forever > 0 or not last then redis.call('PERSIST', name)
    else redis.call('PEXPIRE', name, string.format('%.0f', math.max(0, tonumber(last) - tonumber(now)) + 3600000)) end
  end
end

local function describe(list)
  local flat = {}
  for _, gone in ipairs(list) do
    flat[#flat + 1] = gone.key
    flat[#flat + 1] = gone.e.importance
    flat[#flat + 1] = gone.e.size
  end
  return flat
end
`;

/**
 * ARGV: now, key, value, importance, importance in twenty places, bytes, expires (or empty), time to live (or empty), most
 * entries, most bytes, expired entries removed by every write, entries looked at in one go. What has to go is found first
 * and removed only when that is enough.
 */
export const STORE_SCRIPT = `${PRELUDE}
local now, key, value, importance, place, size, expires, ttl = unpack(ARGV, 1, 8)
local maxEntries, maxBytes, perWrite, batch = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local count = redis.call('HLEN', META)
local bytes = tonumber(redis.call('HGET', LOAD, 'bytes') or '0')
local expired, evicted, isGone = {}, {}, {}

local function takeAway(list, goneKey, e)
  list[#list + 1] = { key = goneKey, e = e }
  isGone[goneKey] = true
  count = count - 1
  bytes = bytes - tonumber(e.size)
end

local due = redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', now)
local dueAt = 1
local function takeDue(most)
  while dueAt <= #due and most > 0 do
    local e = entry(due[dueAt])
    if e and not isGone[due[dueAt]] then
      takeAway(expired, due[dueAt], e)
      most = most - 1
    end
    dueAt = dueAt + 1
  end
end

takeDue(perWrite)
local before = entry(key)
if before and not isGone[key] and isExpired(before, now) then takeAway(expired, key, before) end
if isGone[key] then before = nil end
if before then
  count = count - 1
  bytes = bytes - tonumber(before.size)
end
local function isFull() return count + 1 > maxEntries or bytes + tonumber(size) > maxBytes end
while isFull() and dueAt <= #due do takeDue(batch) end
local at = 0
while isFull() do
  local members = redis.call('ZRANGE', RANK, at, at + batch - 1)
  if #members == 0 then return { 'full' } end
  for _, member in ipairs(members) do
    if not isFull() then break end
    if string.sub(member, 1, #place) > place then return { 'full' } end
    local candidate = string.match(member, '^[^|]*|[^|]*|[^|]*|(.*)$')
    if candidate ~= key and not isGone[candidate] then takeAway(evicted, candidate, entry(candidate)) end
  end
  at = at + #members
end
for _, gone in ipairs(expired) do remove(gone.key, gone.e) end
for _, gone in ipairs(evicted) do remove(gone.key, gone.e) end
local e = { importance = importance, size = size, expires = expires, updated = now, place = place }
if before then
  remove(key, before)
  e.seq, e.created = before.seq, before.created
else
  e.seq, e.created = string.format('%.0f', redis.call('HINCRBY', LOAD, 'seq', 1)), now
end
redis.call('HSET', META, key, table.concat({ e.seq, importance, size, expires, e.created, now, place }, '|'))
redis.call('ZADD', RANK, 0, rank(key, e))
redis.call('HINCRBY', LOAD, 'bytes', tonumber(size))
if expires == '' then
  redis.call('HINCRBY', LOAD, 'forever', 1)
  redis.call('SET', base .. ':v:' .. key, value)
else
  redis.call('ZADD', EXPIRY, expires, key)
  redis.call('SET', base .. ':v:' .. key, value, 'PX', ttl)
end
keepAsLongAsNeeded(now)
return { 'stored', e.created, describe(expired), describe(evicted) }
`;

/** ARGV: now, key. The entry and its value, or nothing. */
export const RETRIEVE_SCRIPT = `${PRELUDE}
local packed = redis.call('HGET', META, ARGV[2])
local value = redis.call('GET', base .. ':v:' .. ARGV[2])
if not packed or not value or isExpired(unpacked(packed), ARGV[1]) then return {} end
return { packed, value }
`;

/** ARGV: now, key. 1 when there was one that had not expired. */
export const DELETE_SCRIPT = `${PRELUDE}
local e = entry(ARGV[2])
if not e then return 0 end
local was = (not isExpired(e, ARGV[1])) and redis.call('EXISTS', base .. ':v:' .. ARGV[2]) == 1
remove(ARGV[2], e)
keepAsLongAsNeeded(ARGV[1])
return was and 1 or 0
`;

/** ARGV: now. How many had not expired. The number given out last stays, so that cursors go on. */
export const CLEAR_SCRIPT = `${PRELUDE}
local all = redis.call('HGETALL', META)
local cleared = 0
for at = 1, #all, 2 do
  local e = unpacked(all[at + 1])
  if not isExpired(e, ARGV[1]) then cleared = cleared + redis.call('EXISTS', base .. ':v:' .. all[at]) end
  remove(all[at], e)
end
keepAsLongAsNeeded(ARGV[1])
return cleared
`;

/** ARGV: now, most. How many were removed, and how many entries are left. */
export const EXPIRE_SCRIPT = `${PRELUDE}
local removed = 0
for _, key in ipairs(redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  local e = entry(key)
  if e then
    remove(key, e)
    removed = removed + 1
  else
    redis.call('ZREM', EXPIRY, key)
  end
end
keepAsLongAsNeeded(ARGV[1])
return { removed, redis.call('HLEN', META) }
`;

/** ARGV: keys. The beginning of each value (ARGV[1] bytes, or all with 0) and its length, in their order. */
export const VALUES_SCRIPT = `${PRELUDE}
local most = tonumber(ARGV[1])
local found = {}
for at = 2, #ARGV do
  local name = base .. ':v:' .. ARGV[at]
  found[#found + 1] = most == 0 and (redis.call('GET', name) or '') or redis.call('GETRANGE', name, 0, most - 1)
end
return found
`;
