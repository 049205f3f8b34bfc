"""How a worker process ends, in words."""

import signal

# Told to stop, or renewing itself: its document is settled.
EXIT_STOPPED = 0
# Python's own code for an error that nobody caught: a defect, its trace is in the log.
EXIT_CRASHED = 1
# The supervisor is gone: whatever was read is left to the lease.
EXIT_ORPHANED = 71
# Wrong settings for reading (no Tesseract, no language): trying again would not help.
EXIT_MISCONFIGURED = 78


def describe_exit(exit_code: int | None) -> str:
    """Return `SIGSEGV` for a signal, `exit code 1` otherwise."""
    if exit_code is None:
        return "no exit code"
    if exit_code < 0:
        try:
            return signal.Signals(-exit_code).name
        except ValueError:
            return f"signal {-exit_code}"
    return f"exit code {exit_code}"
