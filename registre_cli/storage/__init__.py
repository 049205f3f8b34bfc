"""A path or URL becomes the bytes of a PDF, within limits."""

from registre_cli.storage.storage import Storage, open_storage

__all__ = ["Storage", "open_storage"]
