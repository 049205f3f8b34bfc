"""Where a document's `supabase_path` points to. The text comes from the database: it is hostile.

| path | is fetched from |
|---|---|
| `bucket/key.pdf` | the environment's Supabase project, or its storage URL |
| a URL of the environment's own Supabase project | there, with the service key |
| any other `https://` URL | there, without credentials |
| `s3://bucket/key` | there, with the credentials of the machine |
| `file:///folder/key.pdf` | only below the environment's own `file://` storage, or in `local` |
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from registre_cli.core.errors import ConfigurationError, PermanentDocumentError
from registre_cli.core.settings import Environment

_LONGEST_PATH_CHARACTERS = 2_048
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


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
    if len(path) > _LONGEST_PATH_CHARACTERS or not path.isprintable():
        raise PermanentDocumentError("the path is too long or has control characters")
    parts = urlsplit(path) if "://" in path else None
    if parts is None:
        return _relative(path.lstrip("/"), environment)
    match parts.scheme.lower():
        case "file":
            return _own_file(Path(unquote(parts.path)), environment)
        case "s3":
            return ObjectLocation(parts.netloc, unquote(parts.path.lstrip("/")))
        case "http" | "https":
            return _web(path, environment)
        case scheme:
            raise PermanentDocumentError(f"the path has an unknown scheme {scheme!r}")


def _relative(key: str, environment: Environment) -> Location:
    if ".." in key.split("/"):
        raise PermanentDocumentError("the path leaves the storage (it has '..')")
    if environment.storage_url is not None:
        return _below(environment.storage_url.get_secret_value().rstrip("/"), key)
    if environment.supabase_url is not None:
        base = environment.supabase_url.rstrip("/")
        return WebLocation(
            f"{base}/storage/v1/object/authenticated/{quote(key)}", with_service_key=True
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
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return WebLocation(f"{base}/{quote(key)}")
    raise ConfigurationError(
        f"a storage URL of the kind {parts.scheme or 'nothing'}:// is not known",
        fix="use file:///folder, s3://bucket/prefix or https://host/prefix",
    )


def _own_file(path: Path, environment: Environment) -> FileLocation:
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
    resolved = path.resolve()
    if not resolved.is_relative_to(root.resolve()):
        raise PermanentDocumentError("the path leaves the storage folder")
    return resolved


def _web(url: str, environment: Environment) -> WebLocation:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise PermanentDocumentError("the path is plain http, which anybody on the way may change")
    own = environment.supabase_url and urlsplit(environment.supabase_url)
    is_own = bool(own) and (parts.scheme, parts.netloc) == (own.scheme, own.netloc)  # type: ignore[union-attr]
    return WebLocation(url, with_service_key=is_own and "/object/public/" not in parts.path)
