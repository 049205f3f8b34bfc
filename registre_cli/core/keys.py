"""A key that travels in a header of HTTP, where not every character may stand."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr


def _fit_for_a_header(key: SecretStr | None) -> SecretStr | None:
    if key is None:
        return None
    # A line's end comes along where a key is taken from a file.
    value = key.get_secret_value().strip()
    if not (value.isascii() and value.isprintable()):
        raise ValueError("a key has printable ASCII characters only: copy it again")
    return SecretStr(value)


# Raises ValueError, which never holds the key.
HeaderKey = Annotated[SecretStr | None, AfterValidator(_fit_for_a_header)]
