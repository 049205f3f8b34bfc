"""What documents took on one host, kept in Redis beyond the life of every pool."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from registre_cli.capacity.classes import DocumentUsage
from registre_cli.core.documents import Source

if TYPE_CHECKING:
    import redis

# The latest of each class; what was read long ago on another engine is forgotten.
KEPT_DOCUMENTS = 200
# A host that is gone leaves nothing behind for ever.
_EXPIRY_SECONDS = 90 * 86_400


class UsageRecord:
    """The latest documents of one host. Every method raises `redis.RedisError` while it is away."""

    def __init__(self, client: "redis.Redis", host: str) -> None:
        self._client = client
        self._keys = {source: f"registre:{{capacity:{host}}}:usage:{source}" for source in Source}

    def add(self, documents: Iterable[DocumentUsage]) -> None:
        """Keep these, and forget what is older than the latest ones."""
        with self._client.pipeline(transaction=True) as pipeline:
            for document in documents:
                key = self._keys[document.source]
                numbers = [document.seconds, document.cpu_seconds, document.peak_ram_bytes]
                pipeline.lpush(key, json.dumps(numbers))
                pipeline.ltrim(key, 0, KEPT_DOCUMENTS - 1)
                pipeline.expire(key, _EXPIRY_SECONDS)
            pipeline.execute()

    def read(self) -> tuple[DocumentUsage, ...]:
        """Return what is kept, the latest first."""
        return tuple(
            DocumentUsage(source, *json.loads(text))
            for source, key in self._keys.items()
            for text in cast("list[bytes]", self._client.lrange(key, 0, -1))
        )
