"""Where a document's `supabase_path` points to. The text comes from the database: it is hostile.

| path | is fetched from |
|---|---|
| `bucket/key.pdf` | the environment's Supabase project, or its storage URL |
| a Storage URL of the environment's own Supabase project | there, with the service key |
| any other `https://` URL, or `http://` of this very host | there, without credentials |
| `s3://bucket/key` | there, with the credentials of the machine |
| `file:///folder/key.pdf` | only below the environment's own `file://` storage, or in `local` |
"""

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from registre_cli.core.errors import ConfigurationError, PermanentDocumentError
from registre_cli.core.settings import Environment

_LONGEST_PATH_CHARACTERS = 2_048
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SUPABASE_OBJECTS = "/storage/v1/object/"
# These objects are open to whoever has the URL: our key has no business there.
_OPEN_OBJECTS = (f"{_SUPABASE_OBJECTS}public/", f"{_SUPABASE_OBJECTS}sign/")


@dataclass(frozen=True)
class FileLocation:
    """A file on this host."""

    path: Path


@dataclass(frozen=True)
class WebLocation:
    """Something to be fetched by HTTP; the key goes to the configured Supabase host only."""

    url: str
    with_service_key: bool = False


@dataclass(frozen=True)
class ObjectLocation:
    """An object in an S3 bucket."""

    bucket: str
    key: str


Location = FileLocation | WebLocation | ObjectLocation


def locate(path: str, environment: Environment) -> Location:
    """Say where `path` is. Raises PermanentDocumentError, or ConfigurationError without storage."""
    path = path.strip()
    # What is written as %00 or %2e%2e is judged by what it means.
    _require_ordinary(unquote(path) if "://" in path else path)
    if "://" not in path:
        return _relative(path.lstrip("/"), environment)
    parts = _split(path)
    match parts.scheme:
        case "file":
            return _own_file(parts, environment)
        case "s3":
            if not parts.netloc:
                raise PermanentDocumentError("the path names no bucket: s3://bucket/key.pdf")
            return ObjectLocation(parts.netloc, unquote(parts.path.lstrip("/")))
        case "http" | "https":
            return _web(path, parts, environment)
        case scheme:
            raise PermanentDocumentError(f"the path has an unknown scheme {scheme!r}")


def is_safe_to_follow(scheme: str, host: str | None) -> bool:
    """Whether a URL of another's choosing may be fetched: nobody on the way can change it."""
    return scheme == "https" or (scheme == "http" and host in _LOOPBACK)


def _require_ordinary(path: str) -> None:
    if len(path) > _LONGEST_PATH_CHARACTERS:
        raise PermanentDocumentError(
            f"the path is longer than {_LONGEST_PATH_CHARACTERS} characters"
        )
    if any(unicodedata.category(character).startswith("C") for character in path):
        raise PermanentDocumentError("the path has control characters")
    if ".." in path.split("?")[0].split("/"):
        raise PermanentDocumentError("the path leaves the storage (it has '..')")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise PermanentDocumentError("the path is not a URL that can be read") from None


def _relative(key: str, environment: Environment) -> Location:
    if environment.storage_url is not None:
        return _below(environment.storage_url.get_secret_value().rstrip("/"), key)
    if environment.supabase_url is not None:
        base = environment.supabase_url.rstrip("/")
        return WebLocation(
            f"{base}{_SUPABASE_OBJECTS}authenticated/{quote(key)}", with_service_key=True
        )
    raise ConfigurationError(
        f"{environment.name} has no storage for paths like bucket/key.pdf",
        fix=f"set {environment.name.upper()}_SUPABASE_URL with its service key, "
        f"or {environment.name.upper()}_STORAGE_URL",
    )


def _below(base: str, key: str) -> Location:
    parts = urlsplit(base)
    if parts.scheme == "file":
        return FileLocation(_inside(Path(unquote(parts.path)), Path(unquote(parts.path)) / key))
    if parts.scheme == "s3":
        prefix = parts.path.strip("/")
        return ObjectLocation(parts.netloc, f"{prefix}/{key}" if prefix else key)
    if is_safe_to_follow(parts.scheme, parts.hostname):
        return WebLocation(f"{base}/{quote(key)}")
    raise ConfigurationError(
        f"a storage URL of the kind {parts.scheme or 'nothing'}:// is not known",
        fix="use file:///folder, s3://bucket/prefix or https://host/prefix",
    )


def _own_file(parts: SplitResult, environment: Environment) -> FileLocation:
    if parts.netloc not in {"", "localhost"}:
        raise PermanentDocumentError("a file URL names another host: write file:///folder/key.pdf")
    path = Path(unquote(parts.path))
    # Otherwise a row could make us read any file of the host.
    if environment.name == "local":
        return FileLocation(path)
    root = environment.storage_url and urlsplit(environment.storage_url.get_secret_value())
    if not root or root.scheme != "file":
        raise PermanentDocumentError(
            f"a file URL is not allowed in {environment.name}, whose storage is not a folder"
        )
    return FileLocation(_inside(Path(unquote(root.path)), path))


def _inside(root: Path, path: Path) -> Path:
    try:
        resolved = path.resolve()
    except RuntimeError:
        raise PermanentDocumentError("the path is a loop of links") from None
    if not resolved.is_relative_to(root.resolve()):
        raise PermanentDocumentError("the path leaves the storage folder")
    return resolved


def _web(url: str, parts: SplitResult, environment: Environment) -> WebLocation:
    if not is_safe_to_follow(parts.scheme, parts.hostname):
        raise PermanentDocumentError("the path is plain http, which anybody on the way may change")
    own = urlsplit(environment.supabase_url or "")
    # The key opens the whole project: it goes to the objects of its Storage and nowhere else.
    is_own_object = (
        (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
        and parts.path.startswith(_SUPABASE_OBJECTS)
        and not parts.path.startswith(_OPEN_OBJECTS)
    )
    return WebLocation(url, with_service_key=is_own_object)
