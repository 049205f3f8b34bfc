"""HTTP to a server that we do not trust: no redirects, and answers bounded in bytes and time."""

import time
from collections.abc import Iterator
from typing import Any

import httpx2

# The text of a page is some kilobytes; nothing honest is larger.
_MOST_BYTES = 4_000_000
# An answer comes in one piece once it is ready; a server that drips it is broken.
_LONGEST_STALL_SECONDS = 10.0


class BoundedTransport(httpx2.BaseTransport):
    """Ends a response that is too large, too slow as a whole, or packed."""

    def __init__(self) -> None:
        self._inner = httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; the stream of its response may raise ReadError or ReadTimeout."""
        # A packed bomb of a few kilobytes would fill the memory.
        request.headers["Accept-Encoding"] = "identity"
        timeouts: dict[str, Any] = request.extensions.get("timeout", {})
        whole = timeouts.get("read") or _LONGEST_STALL_SECONDS
        until = time.monotonic() + whole
        response = self._inner.handle_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise httpx2.ReadError("the answer is packed though that was not asked for")
        timeouts["read"] = min(_LONGEST_STALL_SECONDS, whole)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _BoundedStream(response.stream, until)
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class _BoundedStream(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, until: float) -> None:
        self._inner = inner
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        taken = 0
        for chunk in self._inner:
            taken += len(chunk)
            if taken > _MOST_BYTES:
                raise httpx2.ReadError(f"the answer has more than {_MOST_BYTES} bytes")
            if time.monotonic() > self._until:
                raise httpx2.ReadTimeout("the answer did not end in time")
            yield chunk

    def close(self) -> None:
        self._inner.close()
