"""Fetching a document, with a limit of bytes and of time that holds while it comes."""

import os
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from registre_cli.core.errors import (
    ConfigurationError,
    PermanentDocumentError,
    StorageAwayError,
    TransientDocumentError,
)
from registre_cli.core.settings import Environment
from registre_cli.storage.location import (
    FileLocation,
    Location,
    ObjectLocation,
    WebLocation,
    is_safe_to_follow,
    locate,
)

if TYPE_CHECKING:
    import httpx

FETCH_TIMEOUT_SECONDS = 60.0
_CONNECT_TIMEOUT_SECONDS = 10.0
# A server that says nothing for so long is taken for dead, whatever time is left.
_SILENCE_TIMEOUT_SECONDS = 30.0
_MOST_REDIRECTS = 5
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
        location = self._locate(path)
        match location:
            case FileLocation(path=file):
                return _read_file(file, max_bytes)
            case WebLocation():
                return self._download(location, max_bytes, timeout_seconds)
            case ObjectLocation():
                return _download_object(location, max_bytes, timeout_seconds)

    def probe(self, path: str, *, timeout_seconds: float) -> None:
        """Ask for `path` without fetching it; raises what `fetch` would raise at once.

        StorageAwayError means that no document can be fetched, not this one alone.
        """
        location = self._locate(path)
        match location:
            case FileLocation(path=file):
                self._require_folder()
                _require_file(file)
            case WebLocation():
                self._download(location, None, timeout_seconds)
            case ObjectLocation():
                _download_object(location, None, timeout_seconds)

    def _locate(self, path: str) -> Location:
        try:
            return locate(path, self._environment)
        except ConfigurationError as error:
            raise StorageAwayError(f"storage: {error.message}", fix=error.fix) from error

    def _require_folder(self) -> None:
        url = self._environment.storage_url
        root = None if url is None else urlsplit(url.get_secret_value())
        if root and root.scheme == "file" and not Path(unquote(root.path)).is_dir():
            raise StorageAwayError(
                f"storage: the folder {unquote(root.path)} is not there",
                fix=f"mount it, or correct {self._environment.name.upper()}_STORAGE_URL",
            )

    def _download(
        self, location: WebLocation, max_bytes: int | None, timeout_seconds: float
    ) -> bytes:
        """Return the body; without `max_bytes` only ask for it, and return nothing."""
        import httpx

        # A compressed answer could unfold beyond every limit in one step.
        headers = {"Accept-Encoding": "identity"}
        key = self._environment.supabase_service_key
        with_key = location.with_service_key and key is not None
        if with_key and key is not None:
            secret = key.get_secret_value()
            headers |= {"Authorization": f"Bearer {secret}", "apikey": secret}
        deadline = time.monotonic() + timeout_seconds
        body = bytearray()
        timeout = httpx.Timeout(
            min(timeout_seconds, _SILENCE_TIMEOUT_SECONDS),
            connect=min(timeout_seconds, _CONNECT_TIMEOUT_SECONDS),
        )
        try:
            # Redirects only where no secret travels: httpx would drop the Authorization header
            # for another host, but not the second one.
            with (
                httpx.Client(
                    timeout=timeout,
                    follow_redirects=not with_key,
                    max_redirects=_MOST_REDIRECTS,
                    event_hooks={"request": [_refuse_an_unsafe_redirect]},
                ) as client,
                client.stream("GET", location.url, headers=headers) as answer,
            ):
                _check_status(answer.status_code)
                if max_bytes is None:
                    return b""
                _check_size(_announced_bytes(answer.headers.get("Content-Length")), max_bytes)
                for chunk in answer.iter_bytes():
                    body += chunk
                    _check_size(len(body), max_bytes)
                    _check_time(deadline, len(body), timeout_seconds)
        except httpx.ConnectTimeout as error:
            raise StorageAwayError(
                f"storage: no connection within {timeout.connect:g} s"
            ) from error
        except httpx.TimeoutException as error:
            raise StorageAwayError(f"storage: no answer within {timeout.read:g} s") from error
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.DecodingError) as error:
            raise TransientDocumentError(
                f"storage: the answer was cut short after {len(body):,} bytes"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise StorageAwayError(
                f"storage: cannot be reached ({type(error).__name__})"
            ) from error
        return bytes(body)


def open_storage(environment: Environment) -> Storage:
    """Return the storage of one environment; nothing is reached yet."""
    return Storage(environment)


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise TransientDocumentError(f"storage: no such file {path}")


def _read_file(path: Path, max_bytes: int) -> bytes:
    try:
        _require_file(path)
        with path.open("rb") as file:
            body = file.read(max_bytes + 1)
    except OSError as error:
        raise TransientDocumentError(f"storage: {path}: {error.strerror}") from error
    _check_size(len(body), max_bytes)
    return body


def _download_object(
    location: ObjectLocation, max_bytes: int | None, timeout_seconds: float
) -> bytes:
    """Return the object; without `max_bytes` only ask for it, and return nothing."""
    import obstore
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
    from obstore.store import S3Store

    deadline = time.monotonic() + timeout_seconds
    body = bytearray()
    try:
        store = S3Store(
            location.bucket,
            client_options={
                "timeout": f"{timeout_seconds:g}s",
                "connect_timeout": f"{min(timeout_seconds, _CONNECT_TIMEOUT_SECONDS):g}s",
                # Our options replace those of the client's own variables: ask this one again.
                "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in {"1", "true"},
            },
            retry_config={
                "max_retries": 1,
                "retry_timeout": timedelta(seconds=timeout_seconds),
            },
        )
        if max_bytes is None:
            obstore.head(store, location.key)
            return b""
        for chunk in obstore.get(store, location.key).stream(min_chunk_size=_CHUNK_BYTES):
            body += bytes(chunk)
            _check_size(len(body), max_bytes)
            _check_time(deadline, len(body), timeout_seconds)
    except ValueError as error:
        raise PermanentDocumentError("the path is no key of an S3 object") from error
    except FileNotFoundError as error:
        raise TransientDocumentError("storage: no such object (404)") from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StorageAwayError(
            "storage: refuses our key (403)",
            fix="check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights on the bucket",
        ) from error
    except (BaseError, OSError) as error:
        _check_time(deadline, len(body), timeout_seconds)
        raise StorageAwayError(f"storage: {_object_failure(str(error))}") from error
    return bytes(body)


def _object_failure(said: str) -> str:
    """Say in a few words what the S3 client tells in many, which quote the request."""
    if status := re.search(r"status code: (\d{3})", said):
        return f"answered {status[1]}"
    if "body" in said or "partial response" in said:
        return "the answer was cut short"
    return "the object cannot be fetched"


def _refuse_an_unsafe_redirect(request: "httpx.Request") -> None:
    if not is_safe_to_follow(request.url.scheme, request.url.host):
        raise PermanentDocumentError("the path leads to plain http")


def _announced_bytes(content_length: str | None) -> int:
    return int(content_length) if content_length and content_length.isdecimal() else 0


def _check_time(deadline: float, received_bytes: int, timeout_seconds: float) -> None:
    if time.monotonic() > deadline:
        raise TransientDocumentError(
            f"storage: too slow, {received_bytes:,} bytes in {timeout_seconds:g} s"
        )


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
    # What is said of one document, or of all of them.
    kind = TransientDocumentError if status in {400, 404} else StorageAwayError
    raise kind(f"storage: {reasons.get(status, f'answered {status}')}")


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise PermanentDocumentError(f"the PDF has more bytes than OCR_MAX_BYTES={max_bytes}")
