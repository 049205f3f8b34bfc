"""Fetching documents from folders and from a real HTTP server that misbehaves."""

import time
from pathlib import Path

import pytest
from bad_web_server import PDF, Seen
from pydantic import SecretStr

from registre_cli.core.errors import PermanentDocumentError, TransientDocumentError
from registre_cli.core.settings import Environment
from registre_cli.storage import open_storage

KEY = "s3rvice-k3y"


def supabase(url: str) -> Environment:
    return Environment(
        name="dev", enabled=True, supabase_url=url, supabase_service_key=SecretStr(KEY)
    )


def folder(path: Path) -> Environment:
    return Environment(name="dev", enabled=True, storage_url=SecretStr(path.as_uri()))


def fetch(environment: Environment, path: str, **limits: float) -> bytes:
    return open_storage(environment).fetch(path, max_bytes=1_000_000, **limits)  # type: ignore[arg-type]


def test_a_bucket_path_is_fetched_with_the_service_key(serve) -> None:  # type: ignore[no-untyped-def]
    url, seen = serve()
    assert fetch(supabase(url), "index/étrange fichier.pdf") == PDF
    path = "/storage/v1/object/authenticated/index/%C3%A9trange%20fichier.pdf"
    assert seen.requests == [(path, f"Bearer {KEY}")]


def test_the_service_key_never_goes_to_another_host(serve) -> None:  # type: ignore[no-untyped-def]
    elsewhere, seen_elsewhere = serve()
    own, _ = serve(elsewhere)
    assert fetch(supabase(own), f"{elsewhere}/a.pdf") == PDF
    with pytest.raises(TransientDocumentError, match="302"):
        fetch(supabase(own), "bucket/redirect.pdf")
    assert [key for _, key in seen_elsewhere.requests] == [None]


def test_the_service_key_opens_the_storage_and_nothing_else_of_the_project(serve) -> None:  # type: ignore[no-untyped-def]
    url, seen = serve()
    for path in (
        "storage/v1/object/bucket/a.pdf",
        "storage/v1/object/public/bucket/a.pdf",
        "storage/v1/object/sign/bucket/a.pdf?token=t",
        "rest/v1/secrets?select=*",
    ):
        assert fetch(supabase(url), f"{url}/{path}") == PDF
    assert [key for _, key in seen.requests] == [f"Bearer {KEY}", None, None, None]
    with pytest.raises(PermanentDocumentError, match="leaves the storage"):
        fetch(supabase(url), f"{url}/storage/v1/object/%2e%2e/%2e%2e/%2e%2e/rest/v1/secrets")


def test_a_redirect_to_plain_http_of_another_host_is_not_followed(serve) -> None:  # type: ignore[no-untyped-def]
    url, _ = serve("http://192.0.2.1")
    with pytest.raises(PermanentDocumentError, match="leads to plain http"):
        fetch(folder(Path("/tmp")), f"{url}/redirect.pdf")


def test_a_name_with_a_blank_that_does_not_break_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "acte\xa0n°\xa01.pdf").write_bytes(PDF)
    assert fetch(folder(tmp_path), "acte\xa0n°\xa01.pdf") == PDF


def test_a_loop_of_links_is_a_failure_of_the_document(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").symlink_to(tmp_path / "a.pdf")
    with pytest.raises((PermanentDocumentError, TransientDocumentError)):
        fetch(folder(tmp_path), "a.pdf")


@pytest.fixture
def bucket(serve, monkeypatch: pytest.MonkeyPatch) -> tuple[Environment, Seen]:  # type: ignore[no-untyped-def]
    """An S3 storage with a prefix, served by the misbehaving server."""
    url, seen = serve()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    environment = Environment(name="dev", enabled=True, storage_url=SecretStr("s3://deeds/a b"))
    return environment, seen


def test_an_object_of_a_bucket_is_fetched_below_its_prefix(
    bucket: tuple[Environment, Seen],
) -> None:
    environment, seen = bucket
    assert fetch(environment, "index/étrange 1.pdf") == PDF
    assert fetch(environment, "s3://other/k%20é.pdf") == PDF
    assert [path for path, _ in seen.requests] == [
        "/deeds/a%20b/index/%C3%A9trange%201.pdf",
        "/other/k%20%C3%A9.pdf",
    ]
    with pytest.raises(PermanentDocumentError, match="OCR_MAX_BYTES=1000"):
        open_storage(environment).fetch("a.pdf", max_bytes=1000)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("status-404", "no such object"),
        ("status-403", "refuses our key"),
        ("status-503", "answered 503"),
        ("cut.pdf", "cut short"),
        ("drip.pdf", "too slow"),
    ],
)
def test_a_bucket_that_fails_is_a_transient_failure_with_its_reason(
    bucket: tuple[Environment, Seen], name: str, reason: str
) -> None:
    with pytest.raises(TransientDocumentError, match=reason) as failed:
        fetch(bucket[0], name, timeout_seconds=1.5)
    assert KEY not in failed.value.message


@pytest.mark.parametrize(
    ("status", "reason"),
    [(500, "answered 500"), (404, "no such document"), (403, "refuses our key"), (429, "slow")],
)
def test_a_refusing_server_is_a_transient_failure_with_its_reason(  # type: ignore[no-untyped-def]
    serve, status: int, reason: str
) -> None:
    url, _ = serve()
    with pytest.raises(TransientDocumentError, match=reason) as failed:
        fetch(supabase(url), f"bucket/status-{status}")
    assert KEY not in failed.value.message


def test_an_answer_that_is_cut_short_is_a_transient_failure(serve) -> None:  # type: ignore[no-untyped-def]
    url, _ = serve()
    with pytest.raises(TransientDocumentError, match="cut short after 5,009 bytes"):
        fetch(supabase(url), "bucket/cut.pdf")


def test_a_server_that_drips_is_left_at_the_time_out(serve) -> None:  # type: ignore[no-untyped-def]
    url, _ = serve()
    started = time.monotonic()
    with pytest.raises(TransientDocumentError, match="too slow"):
        fetch(supabase(url), "bucket/drip.pdf", timeout_seconds=0.5)
    assert time.monotonic() - started < 4


def test_too_many_bytes_are_a_permanent_failure(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    url, _ = serve()
    (tmp_path / "big.pdf").write_bytes(PDF)
    for environment, path in ((supabase(url), "b/a.pdf"), (folder(tmp_path), "big.pdf")):
        with pytest.raises(PermanentDocumentError, match="OCR_MAX_BYTES=1000"):
            open_storage(environment).fetch(path, max_bytes=1000)


def test_a_host_that_does_not_answer_is_a_transient_failure() -> None:
    with pytest.raises(TransientDocumentError, match="cannot be reached"):
        fetch(supabase("http://127.0.0.1:9"), "bucket/a.pdf")


def test_a_folder_serves_its_files_and_nothing_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "index").mkdir(parents=True)
    (root / "index" / "a b.pdf").write_bytes(PDF)
    (tmp_path / "secret.pdf").write_bytes(PDF)
    (root / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    assert fetch(folder(root), "index/a b.pdf") == PDF
    assert fetch(folder(root), "/index/a b.pdf") == PDF
    assert fetch(folder(root), (root / "index" / "a b.pdf").as_uri()) == PDF
    for path in (
        "../secret.pdf",
        "index/../../secret.pdf",
        "link.pdf",
        (tmp_path / "secret.pdf").as_uri(),
        "file:///etc/passwd",
    ):
        with pytest.raises(PermanentDocumentError, match="leaves the storage"):
            fetch(folder(root), path)
    with pytest.raises(TransientDocumentError, match="no such file"):
        fetch(folder(root), "index/missing.pdf")


@pytest.mark.parametrize(
    "path",
    [
        "ftp://host/a.pdf",
        "http://example.com/a.pdf",
        "a\nb.pdf",
        "x" * 5000,
        "a\x00.pdf",
        "https://[half-an-address/a.pdf",
        "https://127.0.0.1:9/%00.pdf",
        "s3:///no-bucket.pdf",
        "s3://bucket/%2e%2e/a.pdf",
        "s3://bucket/a//b.pdf",
        "file://server/share/a.pdf",
    ],
)
def test_a_path_that_can_never_be_fetched_is_a_permanent_failure(path: str) -> None:
    with pytest.raises(PermanentDocumentError):
        fetch(supabase("http://127.0.0.1:9"), path)


def test_a_file_url_is_refused_where_the_storage_is_not_a_folder() -> None:
    with pytest.raises(PermanentDocumentError, match="file URL is not allowed in dev"):
        fetch(supabase("http://127.0.0.1:9"), "file:///etc/passwd")


def test_an_environment_without_storage_says_which_setting_is_missing() -> None:
    with pytest.raises(TransientDocumentError, match="dev has no storage") as failed:
        fetch(Environment(name="dev", enabled=True), "bucket/a.pdf")
    assert "DEV_SUPABASE_URL" in str(failed.value.fix)
