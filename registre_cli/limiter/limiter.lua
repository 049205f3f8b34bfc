-- The whole limiter of one engine, each call one atomic step by the server's own clock.
--
-- It keeps an exact log of the grants of the last window: no sliding window, wherever it
-- starts, can hold more than the budget, and a slot is free again the millisecond after its
-- grant left the window (times are cut to whole milliseconds). Each grant is written once and
-- removed once, so that the cost of a call does not grow with the budget.
--
-- KEYS[1] grants   sorted set: grant → its time (ms)
-- KEYS[2] tokens   hash: grant → tokens; field 'total' is their sum
-- KEYS[3] queue    sorted set: waiting worker → its ticket
-- KEYS[4] patience sorted set: waiting worker → the time (ms) at which it counts as gone
-- KEYS[5] state    hash: hold_until and telling_until (ms), share (effective part of the
--                  budget), ticket, limits, log
-- KEYS[6] workers  sorted set: worker → when it was last seen (ms)
-- KEYS[7] flight   sorted set: grant whose request is on its way → when it counts as lost (ms)
-- KEYS[8] wanted   hash: waiting worker → the tokens that it asks for
--
-- ARGV[1] what: take | settle | land | release | recount | hold | pause | look
-- ARGV[2] window in ms, ARGV[3] requests allowed, ARGV[4] tokens allowed (0 is unlimited)
-- ARGV[5] worker, ARGV[6] grant, ARGV[7] tokens (or ms, for hold and pause)
-- ARGV[8] requests allowed at the same time (0 is unlimited), ARGV[9] longest request in ms
-- ARGV[10] chance, from 0 to 999
-- ARGV[11] for recount: how long ago (ms) the grant was
-- ARGV[12] for take: the log that the worker knows, 0 for none

local grants, tokens, queue, patience, state, workers, flight, wanted =
    KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local what, window = ARGV[1], tonumber(ARGV[2])
local worker, grant, amount = ARGV[5], ARGV[6], tonumber(ARGV[7])
local at_once, longest, chance = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]) / 1000

-- A waiter that did not come back so long after its promised moment has died.
local PATIENCE_MS = 1500
-- A worker not seen for so long does not count for the fair share.
local SEEN_MS = 120000
local LOWEST_SHARE, LOWER, RAISE = 0.1, 0.7, 0.01
-- Success raises the share at most so often in a window: 100 %, once lost, take longer than one.
local RAISES_IN_A_WINDOW = 60
-- After a hold the waiting come back one after the other, over a part of the hold.
local SPREAD, LEAST_SPREAD_MS = 0.1, 500
-- Nobody knows when a request comes back: whoever waits for its place asks again soon.
local ASK_AGAIN_MS, LONGEST_ASK_AGAIN_MS = 50, 1000
-- So many grants are looked at together when tokens are short.
local LOOKED_AT = 64
-- Who waits asks at least every 2 s: so long nobody is served after we were away.
local TELLING_MS = 3000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function total()
    return tonumber(redis.call('HGET', tokens, 'total') or '0')
end

local function forget(id)
    redis.call('ZREM', grants, id)
    local had = redis.call('HGET', tokens, id)
    if had then
        redis.call('HDEL', tokens, id)
        redis.call('HINCRBY', tokens, 'total', -had)
    end
end

local function leave_queue(waiter)
    redis.call('ZREM', queue, waiter)
    redis.call('ZREM', patience, waiter)
    redis.call('HDEL', wanted, waiter)
end

local function sweep()
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', grants, '-inf', '(' .. now - window)) do
        forget(id)
    end
    for _, gone in ipairs(redis.call('ZRANGEBYSCORE', patience, '-inf', now)) do
        leave_queue(gone)
    end
    redis.call('ZREMRANGEBYSCORE', workers, '-inf', now - SEEN_MS)
    redis.call('ZREMRANGEBYSCORE', flight, '-inf', now)
end

local function held()
    return math.max(tonumber(redis.call('HGET', state, 'hold_until') or '0') - now, 0)
end

local function keep_alive()
    -- Nothing of us is left in a Redis that nobody uses any more.
    local life = math.max(window, longest, held()) + SEEN_MS
    for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, life) end
end

local function share()
    return tonumber(redis.call('HGET', state, 'share') or '1')
end

local function allowed(limit)
    if limit == 0 then return 0 end
    return math.max(1, math.floor(limit * share()))
end

-- The time (ms from now) until the grants that leave the window first have held `excess` tokens.
local function until_tokens_leave(excess)
    local start = 0
    while true do
        local ids = redis.call('ZRANGE', grants, start, start + LOOKED_AT - 1)
        for _, id in ipairs(ids) do
            excess = excess - tonumber(redis.call('HGET', tokens, id) or '0')
            if excess <= 0 then return redis.call('ZSCORE', grants, id) + window + 1 - now end
        end
        if #ids < LOOKED_AT then return 0 end
        start = start + LOOKED_AT
    end
end

-- The tokens that whoever waits before the place `ahead` asks for.
local function wanted_before(ahead)
    if ahead == 0 then return 0 end
    local sum = 0
    for _, waiter in ipairs(redis.call('ZRANGE', queue, 0, ahead - 1)) do
        sum = sum + tonumber(redis.call('HGET', wanted, waiter) or '0')
    end
    return sum
end

-- The time (ms from now) until `place` more requests and `needed` tokens fit.
local function wait_for(place, needed, rpm, tpm)
    local wait = 0
    local used = redis.call('ZCARD', grants)
    if rpm > 0 and used + place > rpm then
        local rank = math.min(used + place - rpm, used) - 1
        local leaving = redis.call('ZRANGE', grants, rank, rank, 'WITHSCORES')
        -- Nothing is in the window, but others are ahead in the queue: their turn is at once.
        wait = leaving[2] and leaving[2] + window + 1 - now or 10
    end
    if tpm > 0 and total() + needed > tpm then
        -- Estimates are high: what settling gives back is free long before a grant leaves.
        local leave = until_tokens_leave(total() + needed - tpm)
        wait = math.max(wait, math.min(leave, LONGEST_ASK_AGAIN_MS))
    end
    if at_once > 0 and redis.call('ZCARD', flight) + place > at_once then
        wait = math.max(wait, math.min(place * ASK_AGAIN_MS, LONGEST_ASK_AGAIN_MS))
    end
    return math.max(wait, 1)
end

-- The name of this log: another one after Redis has lost its memory.
local function log_name()
    redis.call('HSETNX', state, 'log', time[1] * 1000000 + time[2])
    return tonumber(redis.call('HGET', state, 'log'))
end

-- Until when (ms) workers tell what they were granted while we did not count.
local function telling_until()
    return tonumber(redis.call('HGET', state, 'telling_until') or -math.huge)
end

local function take()
    local known, log = tonumber(ARGV[12]), log_name()
    -- Whoever has a log of its own that we do not know must tell it first.
    if known ~= 0 and known ~= log then
        if now > telling_until() + window then
            redis.call('HSET', state, 'telling_until', now + TELLING_MS)
        end
        return { 0, 1, redis.call('ZCARD', workers), now, log, 0, 0 }
    end
    local rpm, tpm = allowed(tonumber(ARGV[3])), allowed(tonumber(ARGV[4]))
    -- A page that is larger than the whole budget passes alone instead of never.
    if tpm > 0 then amount = math.min(amount, tpm) end
    redis.call('ZADD', workers, now, string.match(worker, '^[^#]*'))
    redis.call('HSET', state, 'rpm', ARGV[3], 'tpm', ARGV[4])
    local seen = redis.call('ZCARD', workers)
    local ticket = redis.call('ZSCORE', queue, worker)
    if not ticket then
        ticket = redis.call('HINCRBY', state, 'ticket', 1)
        redis.call('ZADD', queue, ticket, worker)
    end
    redis.call('HSET', wanted, worker, amount)
    local ahead = redis.call('ZRANK', queue, worker)
    local needed = amount + (tpm > 0 and wanted_before(ahead) or 0)
    local hold = held()
    local wait
    if now < telling_until() then
        wait = telling_until() - now
    elseif hold > 0 then
        local crowd = math.max(seen, redis.call('ZCARD', queue))
        local spread = math.max(hold * SPREAD, LEAST_SPREAD_MS)
        wait = math.floor(hold + spread * (ahead + chance) / crowd)
    -- Nobody is overtaken: what those ahead asked for stays free for them.
    elseif (rpm == 0 or redis.call('ZCARD', grants) + ahead < rpm)
        and (tpm == 0 or total() + needed <= tpm)
        and (at_once == 0 or redis.call('ZCARD', flight) + ahead < at_once) then
        leave_queue(worker)
        redis.call('ZADD', grants, now, grant)
        redis.call('HSET', tokens, grant, amount)
        redis.call('HINCRBY', tokens, 'total', amount)
        if at_once > 0 then redis.call('ZADD', flight, now + longest, grant) end
        return { 1, 0, seen, now, log, redis.call('ZCARD', grants), total() }
    else
        wait = wait_for(ahead + 1, needed, rpm, tpm)
    end
    redis.call('ZADD', patience, now + wait + PATIENCE_MS, worker)
    return { 0, wait, seen, now, log, redis.call('ZCARD', grants), total() }
end

local function land()
    redis.call('ZREM', flight, grant)
    return { 1, 0, 0, now }
end

local function raise_share()
    local part = share()
    local raised_at = tonumber(redis.call('HGET', state, 'raised_at') or '0')
    if part < 1 and now - raised_at >= window / RAISES_IN_A_WINDOW then
        redis.call('HSET', state, 'share', tostring(math.min(1, part + RAISE)), 'raised_at', now)
    end
end

local function settle()
    land()
    local reserved = tonumber(redis.call('HGET', tokens, grant) or '0')
    if redis.call('ZSCORE', grants, grant) then
        redis.call('HSET', tokens, grant, amount)
        redis.call('HINCRBY', tokens, 'total', amount - reserved)
    elseif amount > 0 then
        -- The reservation left the window while the page was read: the provider counts the
        -- tokens now, and so do we. That takes a request's place, too: too careful, never too bold.
        redis.call('ZADD', grants, now, grant)
        redis.call('HSET', tokens, grant, amount)
        redis.call('HINCRBY', tokens, 'total', amount)
    end
    -- Nothing was used where the provider refused: that is no success.
    if amount > 0 and held() == 0 then raise_share() end
    return { 1, 0, 0, now }
end

-- A grant of the time in which Redis was away.
local function recount()
    local at = now - tonumber(ARGV[11])
    if at >= now - window and not redis.call('ZSCORE', grants, grant) then
        redis.call('ZADD', grants, at, grant)
        redis.call('HSET', tokens, grant, amount)
        redis.call('HINCRBY', tokens, 'total', amount)
    end
    return { 1, 0, 0, now }
end

local function pause()
    if amount > held() then
        redis.call('HSET', state, 'hold_until', now + amount)
    end
    return { 1, amount, 0, now }
end

local function hold()
    -- A storm of refusals is one refusal: only the first of a hold lowers the budget.
    if held() == 0 then
        redis.call('HSET', state, 'share', tostring(math.max(LOWEST_SHARE, share() * LOWER)))
    end
    return pause()
end

local function look()
    return {
        redis.call('ZCARD', grants), allowed(tonumber(redis.call('HGET', state, 'rpm') or ARGV[3])),
        total(), allowed(tonumber(redis.call('HGET', state, 'tpm') or ARGV[4])),
        redis.call('ZCARD', patience), held(), redis.call('ZCARD', workers),
    }
end

sweep()
local answer
if what == 'take' then answer = take()
elseif what == 'settle' then answer = settle()
elseif what == 'release' then
    forget(grant)
    leave_queue(worker)
    answer = land()
elseif what == 'recount' then answer = recount()
elseif what == 'land' then answer = land()
elseif what == 'hold' then answer = hold()
elseif what == 'pause' then answer = pause()
else return look() end
keep_alive()
return answer
