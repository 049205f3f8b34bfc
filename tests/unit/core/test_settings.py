"""Settings: precedence, refusals, and secrets that cannot print themselves."""

from pathlib import Path

import pytest

from registre_cli.core.errors import ConfigurationError, ExitCode
from registre_cli.core.settings import load_settings

PLANTED = "pl4nted-s3cret"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("OCR_WORKER_POOL_SIZE", "DEV_DATABASE_URL", "OCR_DEV", "OCR_ENGINE", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_flag_wins_over_the_environment_which_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("OCR_WORKER_POOL_SIZE=3\n")
    assert load_settings().ocr_worker_pool_size == 3
    monkeypatch.setenv("OCR_WORKER_POOL_SIZE", "4")
    assert load_settings().ocr_worker_pool_size == 4
    assert load_settings(ocr_worker_pool_size=5).ocr_worker_pool_size == 5


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load_settings(ocr_worker_pool_size=None).ocr_worker_pool_size == 2


def test_the_env_file_option_replaces_the_file_of_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OCR_DPI=200\n")
    (tmp_path / "other.env").write_text("OCR_LANG=eng\n")
    settings = load_settings(tmp_path / "other.env")
    assert (settings.ocr_dpi, settings.ocr_lang) == (250, "eng")


def test_a_missing_env_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.env"):
        load_settings(tmp_path / "nowhere.env")


def test_a_wrong_value_is_refused_with_its_name_its_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCR_WORKER_POOL_SIZE", "many")
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert refused.value.exit_code == ExitCode.CONFIGURATION
    assert "OCR_WORKER_POOL_SIZE='many'" in refused.value.message
    assert "'auto'" in refused.value.message and "integer" in refused.value.message


def test_a_blank_value_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEV_DATABASE_URL", "  ")
    monkeypatch.setenv("OCR_WORKER_POOL_SIZE", "")
    settings = load_settings()
    assert settings.dev_database_url is None
    assert settings.ocr_worker_pool_size == 2


def test_engines_are_an_ordered_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_ENGINE", "gemini, tesseract")
    assert load_settings().ocr_engine == ("gemini", "tesseract")


def test_without_a_database_the_embedded_default_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().uses_embedded
    monkeypatch.setenv("DEV_DATABASE_URL", f"postgresql://u:{PLANTED}@db/x")
    assert not load_settings().uses_embedded


def test_environments_are_served_production_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEV", "STAGING", "PROD"):
        monkeypatch.setenv(f"{name}_DATABASE_URL", "postgresql://db/x")
    monkeypatch.setenv("OCR_DEV", "true")
    environments = load_settings().environments
    assert [environment.name for environment in environments] == ["prod", "staging", "dev"]
    assert [environment.enabled for environment in environments] == [False, False, True]


def test_secrets_do_not_print_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEV_DATABASE_URL", f"postgresql://u:{PLANTED}@db/x")
    monkeypatch.setenv("REDIS_URL", f"redis://:{PLANTED}@redis/0")
    settings = load_settings()
    assert PLANTED not in repr(settings)
    assert PLANTED not in repr(settings.environments)
    assert PLANTED not in settings.model_dump_json()


def test_a_vision_engine_is_set_by_variables_of_its_own_name_over_its_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("OCR_GEMINI_MODEL=from-file\nOCR_MY_VLLM_RPM=7\n")
    monkeypatch.setenv("OCR_ENGINE", "gemini,my-vllm,tesseract")
    monkeypatch.setenv("OCR_GEMINI_API_KEY", PLANTED)
    monkeypatch.setenv("OCR_GEMINI_TEMPERATURE", " ")
    monkeypatch.setenv("OCR_MY_VLLM_BASE_URL", "http://127.0.0.1:8000/v1")
    settings = load_settings()
    gemini, own = settings.vision
    assert (gemini.model, gemini.temperature, gemini.needs_key) == ("from-file", 0.0, True)
    assert "generativelanguage" in str(gemini.base_url)
    assert (own.name, own.base_url, own.rpm) == ("my-vllm", "http://127.0.0.1:8000/v1", 7)
    assert PLANTED not in repr(settings) + settings.model_dump_json()


def test_a_budget_said_for_all_engines_goes_before_a_preset_and_behind_an_engines_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCR_ENGINE", "gemini,claude")
    monkeypatch.setenv("OCR_RPM", "11")
    monkeypatch.setenv("OCR_CLAUDE_RPM", "22")
    assert [engine.rpm for engine in load_settings().vision] == [11, 22]


@pytest.mark.parametrize(
    ("name", "value"),
    [("OCR_GEMINI_RPM", "many"), ("OCR_GEMINI_TIMEOUT", "-1"), ("OCR_GEMINI_PRICE_INPUT", "-1"),
     ("OCR_GEMINI_BASE_URL", "ftp://host"), ("OCR_GEMINI_TEMPERATURE", "3")],
)  # fmt: skip
def test_a_wrong_value_of_an_engine_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("OCR_ENGINE", "gemini")
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_an_address_with_a_key_in_it_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCR_ENGINE", "own")
    monkeypatch.setenv("OCR_OWN_BASE_URL", f"https://user:{PLANTED}@host/v1")
    with pytest.raises(ConfigurationError, match="OCR_OWN_BASE_URL") as refused:
        load_settings()
    assert PLANTED not in refused.value.message


def test_an_engine_whose_variables_are_the_pools_own_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCR_ENGINE", "page")
    with pytest.raises(ConfigurationError, match="OCR_PAGE_TIMEOUT"):
        load_settings()
