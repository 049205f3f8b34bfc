"""Named statements from `queries.sql`.

`-- name: claim` starts a statement, `-- fragment: eligible` a part that statements share
by writing `{eligible}`.
"""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString

_BLOCK = re.compile(r"^-- (name|fragment): (\w+)\n", re.MULTILINE)


@cache
def _statements() -> dict[str, LiteralString]:
    text = files("registre_cli.queue").joinpath("queries.sql").read_text("utf-8")
    _, *parts = _BLOCK.split(text)
    fragments: dict[str, str] = {}
    statements: dict[str, str] = {}
    for kind, name, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if kind == "fragment":
            fragments[name] = "\n".join(
                line for line in body.strip().splitlines() if not line.startswith("--")
            )
        else:
            statements[name] = body.strip().format_map(fragments)
    return statements


def statement(name: str) -> LiteralString:
    """Return one named statement; it comes from our own file, never from input."""
    return _statements()[name]
