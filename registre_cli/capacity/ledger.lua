-- Who holds which part of one host. Redis' own clock decides, so that hosts may disagree.
-- KEYS: 1 expiry (sorted set: holder -> ms), 2 vCPU in thousandths, 3 memory in bytes (hashes)
-- ARGV: what, holder, milli_cpu, ram_bytes, milli_cpu_limit, ram_bytes_limit, lifetime_ms
-- Answer: granted (1 or 0), milli_cpu taken, ram_bytes taken, holders
local what, holder = ARGV[1], ARGV[2]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function forget(name)
    redis.call('ZREM', KEYS[1], name)
    redis.call('HDEL', KEYS[2], name)
    redis.call('HDEL', KEYS[3], name)
end

local function total(key)
    local sum = 0
    for _, value in ipairs(redis.call('HVALS', key)) do
        sum = sum + tonumber(value)
    end
    return sum
end

for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
    forget(name)
end

local granted = 0
if what == 'release' then
    forget(holder)
    granted = 1
elseif what == 'take' then
    local held = redis.call('ZSCORE', KEYS[1], holder)
    local cpu = total(KEYS[2]) + tonumber(ARGV[3])
    local ram = total(KEYS[3]) + tonumber(ARGV[4])
    if held or (cpu <= tonumber(ARGV[5]) and ram <= tonumber(ARGV[6])) then
        redis.call('ZADD', KEYS[1], now + tonumber(ARGV[7]), holder)
        redis.call('HSET', KEYS[2], holder, ARGV[3])
        redis.call('HSET', KEYS[3], holder, ARGV[4])
        -- The last holder may crash: nothing of a host that is gone stays for ever.
        for index = 1, 3 do
            redis.call('PEXPIRE', KEYS[index], tonumber(ARGV[7]) * 2)
        end
        granted = 1
    end
end
-- Numbers beyond 2^53 do not occur; as text they do not lose their last digits on the way.
return {granted, total(KEYS[2]), string.format('%.0f', total(KEYS[3])), redis.call('ZCARD', KEYS[1])}
