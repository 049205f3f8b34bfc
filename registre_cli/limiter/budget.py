"""What an engine may be asked for in a minute, and what was asked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Requests (for a local engine: pages) and tokens per window; `None` is unlimited."""

    rpm: int | None = None
    tpm: int | None = None

    def share(self, part: float) -> "Budget":
        """Return this part of the budget, at least one request and one token."""
        return Budget(
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
