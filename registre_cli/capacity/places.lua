-- Who holds which place of one host. Redis' own clock decides, so that hosts may disagree.
-- KEYS: 1 pools (sorted set: pool -> ms at which it counts as crashed)
--       2 places (hash: pool#slot -> class:vCPU in thousandths:bytes)
-- ARGV: pool ('' only looks), lifetime in ms, room in thousandths of vCPU, room in bytes
--       (-1 binds nobody), then for each worker that is wished for:
--       slot, firm (1 is never refused), class, thousandths of vCPU, bytes
-- Answer: the slots that were granted; all places, field and value in turn
local pool, lifetime = ARGV[1], tonumber(ARGV[2])
local cpu_room, ram_room = tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function pool_of(field)
    return (string.match(field, '^(.*)#%d+$'))
end

local function parsed(value)
    local cpu, ram = string.match(value, ':(%d+):(%d+)$')
    return tonumber(cpu), tonumber(ram)
end

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if pool ~= '' then
    redis.call('ZADD', KEYS[1], now + lifetime, pool)
end

-- What others hold counts; what we hold is asked for anew, and kept where it is.
local cpu, ram, held = 0, 0, {}
local flat = redis.call('HGETALL', KEYS[2])
for index = 1, #flat, 2 do
    local field = flat[index]
    local owner = pool_of(field)
    if not redis.call('ZSCORE', KEYS[1], owner) then
        redis.call('HDEL', KEYS[2], field)
    elseif owner == pool then
        held[field] = true
        redis.call('HDEL', KEYS[2], field)
    else
        local its_cpu, its_ram = parsed(flat[index + 1])
        cpu, ram = cpu + its_cpu, ram + its_ram
    end
end

local granted = {}
local function grant(slot, class, its_cpu, its_ram)
    cpu, ram = cpu + its_cpu, ram + its_ram
    granted[#granted + 1] = slot
    redis.call('HSET', KEYS[2], pool .. '#' .. slot,
        string.format('%s:%.0f:%.0f', class, its_cpu, its_ram))
end

-- First those that run or hold a place, then the new ones as far as there is room.
for round = 1, 2 do
    for index = 5, #ARGV, 5 do
        local slot, firm, class = ARGV[index], ARGV[index + 1], ARGV[index + 2]
        local its_cpu, its_ram = tonumber(ARGV[index + 3]), tonumber(ARGV[index + 4])
        local kept = firm == '1' or held[pool .. '#' .. slot]
        if round == 1 and kept then
            grant(slot, class, its_cpu, its_ram)
        elseif round == 2 and not kept
            and (cpu_room < 0 or cpu + its_cpu <= cpu_room)
            and (ram_room < 0 or ram + its_ram <= ram_room) then
            grant(slot, class, its_cpu, its_ram)
        end
    end
end

if pool ~= '' then
    if #ARGV == 4 then
        redis.call('ZREM', KEYS[1], pool)
    end
    -- The last pool may crash: nothing of a host that is gone stays for ever.
    redis.call('PEXPIRE', KEYS[1], lifetime * 2)
    redis.call('PEXPIRE', KEYS[2], lifetime * 2)
end
return {granted, redis.call('HGETALL', KEYS[2])}
