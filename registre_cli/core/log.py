"""Log lines: JSON lines for machines, a console format for people, both on stderr."""

import logging
import sys
from typing import Literal, Protocol, TextIO, cast

import structlog

from registre_cli.core.text import json_text, printable

LogFormat = Literal["auto", "json", "console"]


class LogStream(Protocol):
    """Where log lines go: a file, or a screen that shows them between its tables."""

    def write(self, text: str, /) -> int:
        """Take one line."""

    def flush(self) -> None:
        """Let go of what is kept back."""

    def isatty(self) -> bool:
        """Whether a person reads here."""


Logger = structlog.typing.FilteringBoundLogger


def configure_logging(level: str, log_format: LogFormat, stream: LogStream | None = None) -> None:
    """Set up logging for this process; call it once, before the first line.

    `auto` means the console format on a terminal and JSON lines elsewhere. Lines carry
    `timestamp` (ISO 8601, UTC), `level`, `event` and then the fields (contract, section 4).
    """
    out: LogStream = stream or sys.stderr
    console = log_format == "console" or (log_format == "auto" and out.isatty())
    renderer: structlog.typing.Processor
    if console:
        renderer = structlog.dev.ConsoleRenderer(colors=False)
    else:
        renderer = structlog.processors.JSONRenderer(serializer=_line)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            *([_harmless] if console else []),
            _contract_order,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", out)),
        cache_logger_on_first_use=False,
    )


def get_logger(**fields: object) -> Logger:
    """Return a logger whose lines all carry `fields`."""
    logger: Logger = structlog.get_logger(**fields)
    return logger


def _harmless(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Keep terminal escapes out of the console; what JSON lets stand, its renderer escapes."""
    for key, value in event.items():
        if isinstance(value, str):
            lines = value.split("\n") if key == "exception" else [value]
            event[key] = "\n".join(map(printable, lines))
    return event


def _line(event: object, **_: object) -> str:
    return json_text(event)


def _contract_order(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return {**first, **event}
