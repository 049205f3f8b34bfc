"""Fetching a document, with a limit of bytes and of time that holds while it comes."""

import time
from pathlib import Path

from registre_cli.core.errors import (
    ConfigurationError,
    PermanentDocumentError,
    TransientDocumentError,
)
from registre_cli.core.settings import Environment
from registre_cli.storage.location import FileLocation, ObjectLocation, WebLocation, locate

FETCH_TIMEOUT_SECONDS = 60.0
_CONNECT_TIMEOUT_SECONDS = 10.0
_CHUNK_BYTES = 1 << 16


class Storage:
    """The documents of one environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def fetch(
        self, path: str, *, max_bytes: int, timeout_seconds: float = FETCH_TIMEOUT_SECONDS
    ) -> bytes:
        """Return the bytes at `path`.

        Raises TransientDocumentError (missing, unreachable, slow, cut short, refused) or
        PermanentDocumentError (a path that can never be fetched, too many bytes).
        """
        try:
            location = locate(path, self._environment)
        except ConfigurationError as error:
            raise TransientDocumentError(f"storage: {error.message}", fix=error.fix) from error
        match location:
            case FileLocation(path=file):
                return _read_file(file, max_bytes)
            case WebLocation():
                return self._download(location, max_bytes, timeout_seconds)
            case ObjectLocation():
                return _download_object(location, max_bytes, timeout_seconds)

    def _download(self, location: WebLocation, max_bytes: int, timeout_seconds: float) -> bytes:
        import httpx

        headers = {}
        key = self._environment.supabase_service_key
        if location.with_service_key and key is not None:
            secret = key.get_secret_value()
            headers = {"Authorization": f"Bearer {secret}", "apikey": secret}
        deadline = time.monotonic() + timeout_seconds
        body = bytearray()
        timeout = httpx.Timeout(min(timeout_seconds, 30.0), connect=_CONNECT_TIMEOUT_SECONDS)
        try:
            # Redirects only where no secret travels: httpx would drop the Authorization header
            # for another host, but not the second one.
            with (
                httpx.Client(timeout=timeout, follow_redirects=not headers) as client,
                client.stream("GET", location.url, headers=headers) as answer,
            ):
                _check_status(answer.status_code)
                for chunk in answer.iter_bytes():
                    body += chunk
                    _check_size(len(body), max_bytes)
                    if time.monotonic() > deadline:
                        raise TransientDocumentError(
                            f"storage: too slow, {len(body):,} bytes in {timeout_seconds:g} s"
                        )
        except httpx.TimeoutException as error:
            raise TransientDocumentError(f"storage: no answer within {timeout.read:g} s") from error
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.DecodingError) as error:
            raise TransientDocumentError(
                f"storage: the answer was cut short after {len(body):,} bytes"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TransientDocumentError(
                f"storage: cannot be reached ({type(error).__name__})"
            ) from error
        return bytes(body)


def open_storage(environment: Environment) -> Storage:
    """Return the storage of one environment; nothing is reached yet."""
    return Storage(environment)


def _read_file(path: Path, max_bytes: int) -> bytes:
    try:
        if not path.is_file():
            raise TransientDocumentError(f"storage: no such file {path}")
        with path.open("rb") as file:
            body = file.read(max_bytes + 1)
    except OSError as error:
        raise TransientDocumentError(f"storage: {path}: {error.strerror}") from error
    _check_size(len(body), max_bytes)
    return body


def _download_object(location: ObjectLocation, max_bytes: int, timeout_seconds: float) -> bytes:
    import obstore
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    deadline = time.monotonic() + timeout_seconds
    body = bytearray()
    try:
        store = S3Store(
            location.bucket,
            client_options={
                "timeout": f"{timeout_seconds:g}s",
                "connect_timeout": f"{_CONNECT_TIMEOUT_SECONDS:g}s",
            },
            retry_config={"max_retries": 1},
        )
        for chunk in obstore.get(store, location.key).stream(min_chunk_size=_CHUNK_BYTES):
            body += bytes(chunk)
            _check_size(len(body), max_bytes)
            if time.monotonic() > deadline:
                raise TransientDocumentError(
                    f"storage: too slow, {len(body):,} bytes in {timeout_seconds:g} s"
                )
    except FileNotFoundError as error:
        raise TransientDocumentError("storage: no such object (404)") from error
    except (BaseError, OSError) as error:
        raise TransientDocumentError(
            f"storage: the object cannot be fetched ({type(error).__name__})"
        ) from error
    return bytes(body)


def _check_status(status: int) -> None:
    # A missing document is transient: the extractor may upload it after it queued it.
    if status in {200, 206}:
        return
    reasons = {
        401: "refuses our key (401)",
        403: "refuses our key (403)",
        404: "no such document (404)",
        400: "no such document or a wrong request (400)",
        429: "asks us to slow down (429)",
    }
    raise TransientDocumentError(f"storage: {reasons.get(status, f'answered {status}')}")


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise PermanentDocumentError(f"the PDF has more bytes than OCR_MAX_BYTES={max_bytes}")
