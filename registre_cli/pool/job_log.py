"""The log lines that operators grep for (contract, section 4)."""

from registre_cli.core.log import get_logger
from registre_cli.pool.messages import Claimed, Ended, Finished
from registre_cli.pool.process import WorkerProcess


def log_claimed(worker: WorkerProcess, document: Claimed) -> None:
    """Say that a worker took a document."""
    get_logger().info("Claimed job", **_job(worker, document))


def log_processing(worker: WorkerProcess, document: Claimed, pages: int) -> None:
    """Say that the reading of a document began."""
    get_logger().info("Processing job", **_job(worker, document), pages=pages)


def log_finished(worker: WorkerProcess, document: Claimed, finished: Finished) -> None:
    """Say how a document left a worker."""
    end: dict[str, object] = {
        "pages": finished.pages,
        "seconds": finished.seconds,
        "chars": finished.chars,
        "confidence": None if finished.confidence is None else round(finished.confidence, 1),
    }
    log = get_logger()
    match finished.ended:
        case Ended.DONE:
            log.info("Completed job", **_job(worker, document), **end)
        case Ended.GIVEN_BACK:
            log.info("Returned job", **_job(worker, document), reason=finished.reason)
        case _:
            log.warning(
                "Failed job",
                **_job(worker, document),
                **end,
                outcome=str(finished.ended),
                reason=finished.reason,
            )


def log_lost(worker: WorkerProcess, reason: str) -> None:
    """Say that a worker ended without being told to."""
    job = _job(worker, worker.document) if worker.document else {"worker_id": worker.worker_id}
    get_logger().warning("Worker lost", **job, pid=worker.process.pid, reason=reason)


def _job(worker: WorkerProcess, document: Claimed) -> dict[str, object]:
    return {
        "worker_id": worker.worker_id,
        "mode": str(worker.mode),
        "environment": document.environment,
        "document_id": document.token.document_id,
        "document_number": document.number,
        "source": str(document.source),
        "attempt": document.token.attempt,
    }
