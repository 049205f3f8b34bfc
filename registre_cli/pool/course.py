"""A document's whole way: storage → reading → boost → queue, or how it ends before that.

This is the only module that sees all of it.
"""

import dataclasses
import json
from collections.abc import Mapping

from registre_cli.core.documents import Source
from registre_cli.core.errors import (
    ConfigurationError,
    DocumentError,
    RegistreError,
    TransientDocumentError,
)
from registre_cli.core.settings import Settings
from registre_cli.core.text import storable
from registre_cli.ocr.models import DocumentReading
from registre_cli.pool.control import Control
from registre_cli.pool.lease import LeaseKeeper
from registre_cli.pool.ledger import CostLimitError
from registre_cli.pool.link import Link
from registre_cli.pool.messages import Correcting, Ended, Finished, Halted, PageStarted, Storing
from registre_cli.pool.reader import DocumentReader
from registre_cli.queue.models import ClaimedDocument, LeaseState, Outcome, ReadingRecord
from registre_cli.queue.store import QueueStore
from registre_cli.storage import Storage

_ENDED = {Outcome.RETRIED: Ended.RETRIED, Outcome.FAILED: Ended.FAILED, Outcome.LOST: Ended.LOST}


class StopRequestedError(Exception):
    """The pool stops: the page is finished, the document goes back."""


class LeaseLostError(Exception):
    """The document is somebody else's now."""


class CancelledError(Exception):
    """A person cancelled the document."""


class Course:
    """Takes one claimed document after the other its whole way, on a worker's connections."""

    def __init__(
        self,
        control: Control,
        reader: DocumentReader,
        storages: Mapping[str, Storage],
        settings: Settings,
    ) -> None:
        # The rules' libraries are loaded where documents are corrected, not by every command.
        from registre_cli.ocr.boost import boost, load_rules

        self._control = control
        self._reader = reader
        self._storages = storages
        self._boost = boost
        self._rules = load_rules(settings.ocr_boost_rules)
        self._max_bytes = settings.ocr_max_bytes
        self.halted = False

    def run(self, link: Link, document: ClaimedDocument, lease: LeaseKeeper) -> Finished:
        """Fetch, read, correct and store; whatever happens, the queue is told how it ended.

        Afterwards `halted` says that no other document may be taken.
        """
        try:
            pdf = self._storages[link.environment].fetch(document.path, max_bytes=self._max_bytes)
            reading = self._read(pdf, document, lease)
            record = self._correct(reading, document.source)
            return self._store(link, document, reading, record)
        except DocumentError as error:
            return self._fail(link, document, error)
        except (StopRequestedError, LeaseLostError, CancelledError) as leaving:
            return self._leave(link, document, leaving)
        except (ConfigurationError, CostLimitError) as error:
            return self._halt(link, document, error)

    def _read(self, pdf: bytes, document: ClaimedDocument, lease: LeaseKeeper) -> DocumentReading:
        def on_page(page: int, pages: int) -> None:
            if self._control.stopping:
                raise StopRequestedError
            match lease.check():
                case LeaseState.LOST:
                    raise LeaseLostError
                case LeaseState.CANCELLED:
                    raise CancelledError
                case LeaseState.HELD:
                    self._control.report(PageStarted(page, pages))

        try:
            return self._reader.read(pdf, document.source, on_page=on_page)
        except MemoryError as error:
            raise TransientDocumentError("not enough memory for this document") from error
        except OSError as error:
            # A full disk or no file handles left: the next try may find a healthier host.
            raise TransientDocumentError(
                f"this host failed: {error.strerror or type(error).__name__}"
            ) from error

    def _correct(self, reading: DocumentReading, source: Source) -> ReadingRecord:
        self._control.report(Correcting())
        raw = storable(reading.text)
        boosted = self._boost(raw, source, self._rules)
        return ReadingRecord(
            raw_text=raw,
            boosted_text=boosted.text,
            confidence=reading.confidence,
            pages_json=_pages_json(reading),
            fields_json=boosted.fields_json(),
        )

    def _store(
        self,
        link: Link,
        document: ClaimedDocument,
        reading: DocumentReading,
        record: ReadingRecord,
    ) -> Finished:
        """Store the result; it waits while the database is away, and the fence decides then."""
        self._control.report(Storing())
        stored = link.insist(lambda store: store.complete(document.token, record))
        return Finished(
            ended=Ended.DONE if stored else Ended.LOST,
            reason=None if stored else "the lease was lost while the document was read",
            pages=len(reading.pages),
            chars=len(record.raw_text),
            confidence=reading.confidence,
            pages_by_engine=reading.pages_by_engine,
        )

    def _fail(self, link: Link, document: ClaimedDocument, error: DocumentError) -> Finished:
        self._control.report(Storing())
        write = QueueStore.fail_permanent if error.permanent else QueueStore.fail_transient
        outcome = link.insist(lambda store: write(store, document.token, error.message))
        return Finished(_ENDED[outcome], error.message)

    def _leave(self, link: Link, document: ClaimedDocument, leaving: Exception) -> Finished:
        self._control.report(Storing())
        if isinstance(leaving, LeaseLostError):
            return Finished(Ended.LOST, "the lease was lost while the document was read")
        if isinstance(leaving, CancelledError):
            outcome = link.insist(lambda store: store.fail_permanent(document.token, "cancelled"))
            return Finished(_ENDED[outcome], "cancelled")
        return self._give_back(link, document, "the pool stops")

    def _halt(self, link: Link, document: ClaimedDocument, error: RegistreError) -> Finished:
        """Give the document back and take no other: nothing is wrong with it."""
        self.halted = True
        self._control.report(Storing())
        finished = self._give_back(link, document, error.message)
        self._control.report(Halted(error))
        return finished

    def _give_back(self, link: Link, document: ClaimedDocument, reason: str) -> Finished:
        given_back = link.insist(lambda store: store.give_back(document.token, reason))
        return Finished(Ended.GIVEN_BACK if given_back else Ended.LOST, reason)


def _pages_json(reading: DocumentReading) -> str:
    """Return the pages' records without their texts, which are stored as one."""
    pages: list[Mapping[str, object]] = []
    for page in reading.pages:
        record = dataclasses.asdict(page)
        record["chars"] = len(record.pop("text"))
        del record["words"]
        pages.append(record)
    return json.dumps(pages)
