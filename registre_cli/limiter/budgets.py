"""The limiter that the settings ask for."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from registre_cli.core.errors import ConfigurationError
from registre_cli.core.settings import Settings
from registre_cli.limiter.budget import Budget
from registre_cli.limiter.limiter import Limiter, OnWait

_REDIS_TIMEOUT_SECONDS = 2.0


def open_redis(settings: Settings) -> redis.Redis | None:
    """Return a client that answers or fails quickly; `None` without a REDIS_URL.

    Nothing is reached yet. Raises ConfigurationError where the URL is none of Redis.
    """
    if settings.redis_url is None:
        return None
    try:
        client = redis.Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=_REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
            client_name="registre",
        )
        # What the URL asks of a connection is looked at only when one is made.
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    except (ValueError, TypeError, redis.RedisError):
        # The client quotes what it cannot read, and that may be the password.
        raise ConfigurationError(
            "REDIS_URL is no address of a Redis",
            fix="write it as redis://user:password@host:6379/0, rediss://… or unix:///path",
        ) from None
    return client


def budgets_of(settings: Settings) -> dict[str, Budget]:
    """Return each engine's budget: our safe share of what the settings allow."""
    common = Budget(settings.ocr_rpm, settings.ocr_tpm)
    budgets = dict.fromkeys(settings.ocr_engine, common)
    for engine in settings.vision:
        budgets[engine.name] = Budget(
            rpm=engine.rpm,
            tpm=engine.tpm,
            concurrency=engine.concurrency,
            longest_request_seconds=min(engine.timeout, settings.ocr_page_timeout),
        )
    return {name: budget.share(settings.ocr_budget_share) for name, budget in budgets.items()}


def open_limiter(
    settings: Settings, worker_id: str, *, workers_here: int, on_wait: OnWait
) -> Limiter:
    """Return the gate that every page passes."""
    return Limiter(
        open_redis(settings),
        budgets_of(settings),
        worker_id,
        workers_here=workers_here,
        on_wait=on_wait,
    )
