"""The journal of the deploy that goes on: on the disk before each change.

Whoever comes after a deploy that was killed reads here how far it came and what was before.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ValidationError

from registre_cli.core.errors import ProblemFoundError
from registre_cli.deploy.managers.base import ManagerName, Snapshot
from registre_cli.deploy.plan import StepName
from registre_cli.deploy.site import Site


class Kind(StrEnum):
    """What was asked for."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"


class Journal(BaseModel, frozen=True):
    """One deploy: what it wants, how far it came, and what was there before.

    `healthy` is the point of no return: before it a deploy is undone, after it is finished.
    """

    kind: Kind
    release: str
    previous: str | None
    manager: ManagerName
    operator: str
    started_at: datetime
    begun: tuple[StepName, ...] = ()
    snapshots: dict[ManagerName, Snapshot] = {}
    healthy: bool = False

    def after(self, step: StepName) -> "Journal":
        """Return the journal with one more step begun."""
        return self.model_copy(update={"begun": (*self.begun, step)})

    def describe(self) -> str:
        """Return what was going on, in one line."""
        where = f"at step {self.begun[-1]}" if self.begun else "before its first change"
        return f"{self.kind} of {self.release} by {self.operator}, {where}"


def write_journal(site: Site, journal: Journal) -> None:
    """Put the journal on the disk."""
    site.transport.put(journal.model_dump_json(indent=1).encode(), site.journal, mode=0o600)


def read_journal(site: Site) -> Journal | None:
    """Return the deploy that has begun and not ended. Raises ProblemFoundError if unreadable."""
    content = site.transport.get(site.journal)
    if content is None:
        return None
    try:
        return Journal.model_validate_json(content)
    except ValidationError as error:
        raise ProblemFoundError(
            f"{site.journal} cannot be understood",
            fix=f"see what runs (registre deploy status), then move {site.journal} away",
        ) from error


def close_journal(site: Site) -> None:
    """Say that the deploy ended."""
    site.must(["rm", "-f", str(site.journal)], "the journal cannot be removed")
