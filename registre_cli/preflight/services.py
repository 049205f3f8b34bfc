"""Checks of Redis."""

import redis

from registre_cli.core.settings import Settings
from registre_cli.limiter import Budget, Limiter
from registre_cli.limiter.budgets import open_redis
from registre_cli.limiter.failure import explain
from registre_cli.preflight.check import Finding, failed, passed, warned

# Before it, a script that reads the clock could not write.
_OLDEST_MAJOR = 5
_EVICTING = ("allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu",
             "volatile-random", "volatile-ttl")  # fmt: skip


def redis_server(settings: Settings) -> Finding:
    """Check that Redis answers, runs our script, and would not throw our keys away."""
    client = open_redis(settings)
    if client is None:
        return warned(
            "REDIS_URL is not set: budgets and liveness are of each pool alone",
            "set REDIS_URL to share them between pools and hosts",
        )
    try:
        info = client.info("server")
        limiter = Limiter(client, {"verify-setup": Budget(rpm=1000)}, "verify-setup")
        with limiter.admit("verify-setup", 0) as grant:
            grant.release()
        if limiter.in_fallback:
            return failed("Redis does not run our script", "allow EVALSHA to this user")
        policy = _policy(client)
    except redis.RedisError as error:
        raise explain(error) from None
    finally:
        client.close()
    name = "Valkey" if "valkey_version" in info else "Redis"
    number = str(info.get("valkey_version") or info.get("redis_version") or "of unknown version")
    said = f"{name} {number}"
    if number.partition(".")[0].isdecimal() and int(number.partition(".")[0]) < _OLDEST_MAJOR:
        return failed(said, f"use Redis {_OLDEST_MAJOR} or later, or Valkey")
    if policy in _EVICTING:
        return warned(
            f"{said} may evict our keys (maxmemory-policy {policy})",
            "set maxmemory-policy noeviction",
        )
    return passed(f"{said} runs the limiter's script")


def _policy(client: redis.Redis) -> str | None:
    """Return the eviction policy; a hosted Redis may not tell."""
    try:
        answer = client.config_get("maxmemory-policy")
    except redis.ResponseError:
        return None
    limit = client.info("memory").get("maxmemory", 0)
    return str(answer.get("maxmemory-policy")) if limit else None
