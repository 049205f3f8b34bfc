"""The thread that speaks to Redis for a pool: tells that it lives, hears orders and budgets."""

import threading
from collections.abc import Callable

import redis

from registre_cli.core.log import get_logger
from registre_cli.core.settings import Settings
from registre_cli.limiter import EngineUsage, Limiter
from registre_cli.limiter.budgets import budgets_of, open_redis
from registre_cli.pool.models import PoolStatus
from registre_cli.pool.orders import PoolOrder, take_orders
from registre_cli.pool.registry import HEARTBEAT_SECONDS, publish, withdraw


class Herald:
    """Publishes the latest status every heartbeat; without Redis it only says so."""

    def __init__(
        self,
        settings: Settings,
        pool_id: str,
        pool_size: int,
        on_order: Callable[[PoolOrder], None],
    ) -> None:
        self._client = open_redis(settings)
        self._limiter = Limiter(self._client, budgets_of(settings), pool_id, workers_here=pool_size)
        self._pool_id = pool_id
        self._on_order = on_order
        self._latest: PoolStatus | None = None
        self._away = False
        self.usage: dict[str, EngineUsage] = {}
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="herald", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        if self._client is None:
            get_logger().warning(
                "Running without Redis",
                reason="REDIS_URL is not set: budgets and liveness are of this pool alone",
            )
            return
        self._thread.start()

    def publish(self, status: PoolStatus) -> None:
        """Note what to tell at the next heartbeat; the first one is told at once."""
        first, self._latest = self._latest is None, status
        if first:
            self._wanted.set()

    def notes(self) -> tuple[str, ...]:
        """Return what a person must know of Redis."""
        if self._client is None:
            return ("no Redis: budgets and liveness are of this pool alone",)
        if self._away:
            return ("Redis is away: each worker keeps to its share of the budget",)
        return ()

    def close(self) -> None:
        """Say goodbye."""
        if self._client is None:
            return
        self._closing.set()
        self._wanted.set()
        self._thread.join(HEARTBEAT_SECONDS * 3)

    def _tell(self) -> None:
        assert self._client is not None
        while True:
            self._wanted.wait(HEARTBEAT_SECONDS)
            self._wanted.clear()
            try:
                if self._closing.is_set():
                    withdraw(self._client, self._pool_id)
                    return
                if self._latest is not None:
                    publish(self._client, self._latest)
                    self.usage = self._limiter.usage()
                    for order in take_orders(self._client, self._pool_id):
                        self._on_order(order)
            except redis.RedisError as error:
                if self._closing.is_set():
                    return
                self._note(away=True, reason=type(error).__name__)
            else:
                self._note(away=False)

    def _note(self, *, away: bool, reason: str | None = None) -> None:
        if away and not self._away:
            get_logger().warning("Redis away", pool_id=self._pool_id, reason=reason)
        elif self._away and not away:
            get_logger().info("Redis back", pool_id=self._pool_id)
        self._away = away
