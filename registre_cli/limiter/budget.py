"""What an engine may be asked for in a minute, and what was asked."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Budget:
    """Requests (for a local engine: pages) and tokens per window; `None` is unlimited.

    At most `concurrency` requests are on their way at the same time; the place of one that was
    lost is free after `longest_request_seconds`.
    """

    rpm: int | None = None
    tpm: int | None = None
    concurrency: int | None = None
    longest_request_seconds: float = 120.0

    def share(self, part: float) -> "Budget":
        """Return this part of the budget, at least one request and one token a window."""
        return replace(
            self,
            rpm=None if self.rpm is None else max(int(self.rpm * part), 1),
            tpm=None if self.tpm is None else max(int(self.tpm * part), 1),
        )


@dataclass(frozen=True)
class Usage:
    """What one dimension has used in the window that ends now."""

    used: int
    limit: int | None


@dataclass(frozen=True)
class EngineUsage:
    """One engine's budget as people see it."""

    rpm: Usage
    tpm: Usage
    waiting: int
    held_seconds: float
    fallback: bool = False
