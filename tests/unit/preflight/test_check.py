"""Running checks that pass, fail, break and hang."""

import threading
import time
from pathlib import Path

from registre_cli.preflight.check import Check, CheckStatus, Finding, passed, run_checks
from registre_cli.preflight.sources import setting_names


def test_a_check_that_hangs_is_a_finding_and_does_not_add_to_the_others() -> None:
    never = threading.Event()

    def hang() -> Finding:
        never.wait()
        return passed("never")

    checks = [Check(f"host/{number}", hang, timeout_seconds=0.3) for number in range(4)]
    started = time.monotonic()
    results = run_checks([*checks, Check("host/well", lambda: passed("well"))])
    assert time.monotonic() - started < 1.0
    assert [result.status for result in results] == [CheckStatus.FAIL] * 4 + [CheckStatus.PASS]
    assert results[0].message == "no answer within 0.3 s"
    assert all(t.daemon for t in threading.enumerate() if t.name.startswith("host/"))
    never.set()


def test_a_check_that_breaks_is_a_finding_without_its_text() -> None:
    def break_down() -> Finding:
        raise OSError("cannot reach postgresql://user:planted@host")

    (result,) = run_checks([Check("dev/storage", break_down)])
    assert result.status is CheckStatus.FAIL
    assert "OSError" in result.message and "planted" not in result.message + result.fix


def test_every_setting_is_shown_with_its_source_and_no_value(tmp_path: Path) -> None:
    file = tmp_path / "pool.env"
    file.write_text("OCR_DEV=true\nOCR_LANG=planted-1\n")
    found = setting_names({"OCR_LANG": "planted-2", "PATH": "/bin", "REDIS_URL": ""}, file)
    assert found.status is CheckStatus.PASS
    assert found.message == f"{file}: OCR_DEV; environment: OCR_LANG"


def test_typing_mistakes_are_found_in_the_environment_and_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "pool.env"
    file.write_text("OCR_WORKER_POOL_SZE=3\nDEV_DATABSE_URL=planted\n")
    found = setting_names({"WORKER_COUNTS": "1", "DEV_TOOLS": "1", "SERVER_NAME": "x"}, file)
    assert found.status is CheckStatus.WARN
    assert f"OCR_WORKER_POOL_SZE ({file}): did you mean OCR_WORKER_POOL_SIZE?" in found.message
    assert f"DEV_DATABSE_URL ({file}): did you mean DEV_DATABASE_URL?" in found.message
    assert "WORKER_COUNTS (environment): did you mean WORKER_COUNT?" in found.message
    assert "DEV_TOOLS" not in found.message and "planted" not in found.message
