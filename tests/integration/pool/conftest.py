"""A queue with an audit log, and pools as processes of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pool_harness import AUDIT, Pools, Queue


@pytest.fixture
def queue(migrated_database_url: str, tmp_path: Path) -> Queue:
    queue = Queue(migrated_database_url, tmp_path)
    queue.ask(AUDIT)
    return queue


@pytest.fixture
def start_pool(queue: Queue, redis_url: str) -> Iterator[Pools]:
    """Start a pool; keyword arguments are settings, `options` those of the pool."""
    pools = Pools(queue, redis_url)
    yield pools
    pools.close()
