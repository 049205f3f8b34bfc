"""Settings: flag > environment > `.env` > default (contract, section 2).

A wrong value is refused with its name, its value and what is allowed. Secrets are
`SecretStr`: they cannot print themselves.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from platformdirs import user_data_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from registre_cli.core.errors import ConfigurationError
from registre_cli.core.keys import HeaderKey
from registre_cli.core.vision_settings import (
    LOCAL_ENGINES,
    VisionSettings,
    variables,
    vision_settings,
)

EnvironmentName = Literal["prod", "staging", "dev", "local"]
TextLayerPolicy = Literal["auto", "ignore", "only"]

# prod first: where several environments wait, the one that people pay for goes first.
CONFIGURABLE_ENVIRONMENTS: tuple[EnvironmentName, ...] = ("prod", "staging", "dev")

_SECRET_MARKS = ("URL", "KEY", "SECRET", "TOKEN", "PASSWORD")


def _blank_is_unset(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _is_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _words(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("name at least one")
    return value


OptionalText = Annotated[str | None, BeforeValidator(_blank_is_unset)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_blank_is_unset)]
OptionalKey = Annotated[HeaderKey, BeforeValidator(_blank_is_unset)]
OptionalPositiveInt = Annotated[
    Annotated[int, Field(gt=0)] | None, BeforeValidator(_blank_is_unset)
]
OptionalPositiveFloat = Annotated[
    Annotated[float, Field(gt=0)] | None, BeforeValidator(_blank_is_unset)
]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_some)]


class Environment(BaseModel, frozen=True):
    """One database with its storage: `prod`, `staging`, `dev` or the embedded `local`."""

    name: EnvironmentName
    enabled: bool
    database_url: SecretStr | None = None
    supabase_url: str | None = None
    supabase_service_key: SecretStr | None = None
    storage_url: SecretStr | None = None


class Settings(BaseSettings):
    """Everything that can be set, under the names of the contract."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=False
    )

    ocr_dev: bool = False
    ocr_staging: bool = False
    ocr_prod: bool = False
    dev_database_url: OptionalSecret = None
    staging_database_url: OptionalSecret = None
    prod_database_url: OptionalSecret = None
    dev_supabase_url: OptionalText = None
    staging_supabase_url: OptionalText = None
    prod_supabase_url: OptionalText = None
    dev_supabase_service_key: OptionalKey = None
    staging_supabase_service_key: OptionalKey = None
    prod_supabase_service_key: OptionalKey = None
    dev_storage_url: OptionalSecret = None
    staging_storage_url: OptionalSecret = None
    prod_storage_url: OptionalSecret = None

    redis_url: OptionalSecret = None

    ocr_worker_pool_size: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = 2
    ocr_min_index_workers: Annotated[int, Field(ge=0)] | None = None
    ocr_min_acte_workers: Annotated[int, Field(ge=0)] | None = None
    ocr_rebalance_interval_ms: Annotated[int, Field(ge=100)] = 30_000
    ocr_poll_interval_ms: Annotated[int, Field(ge=50)] = 5_000
    ocr_lease_seconds: Annotated[float, Field(ge=1)] = 60.0
    ocr_stop_grace_seconds: Annotated[float, Field(ge=0)] = 30.0
    ocr_worker_max_documents: Annotated[int, Field(ge=1)] = 500
    ocr_worker_max_rss_mb: Annotated[int, Field(ge=64)] = 1_500

    ocr_engine: Words = ("tesseract",)
    ocr_text_layer: TextLayerPolicy = "auto"
    ocr_lang: str = "fra"
    ocr_dpi: Annotated[int, Field(ge=50, le=1200)] = 250
    ocr_page_timeout: Annotated[float, Field(gt=0)] = 120.0
    ocr_max_pages: Annotated[int, Field(ge=1)] = 500
    ocr_max_bytes: Annotated[int, Field(ge=1)] = 200_000_000
    ocr_max_pixels: Annotated[int, Field(ge=10_000)] = 40_000_000
    ocr_boost_rules: Path | None = None
    ocr_vision_prompts: Path | None = None

    ocr_rpm: OptionalPositiveInt = None
    ocr_tpm: OptionalPositiveInt = None
    ocr_budget_share: Annotated[float, Field(gt=0, le=1)] = 0.8

    server_max_cpu: OptionalPositiveFloat = None
    server_max_ram: OptionalPositiveFloat = None
    server_reserve_cpu_percent: Annotated[float, Field(ge=0, lt=100)] = 20.0
    server_reserve_ram_percent: Annotated[float, Field(ge=0, lt=100)] = 20.0
    worker_count: Annotated[int, Field(ge=0)] = 0

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    registre_home: Path = Field(default_factory=lambda: user_data_path("registre"))

    # Filled by the embedded servers only; never read from the environment.
    local: Annotated[Environment | None, Field(validation_alias="__registre_local__")] = None

    # One for each vision engine of `ocr_engine`; filled by `load_settings`.
    vision: Annotated[
        tuple[VisionSettings, ...], Field(validation_alias="__registre_vision__")
    ] = ()

    @field_validator("*", mode="before")
    @classmethod
    def _text_only(cls, value: object) -> object:
        """Refuse bytes that are no text here, where the variable's name is known."""
        if isinstance(value, str) and not _is_utf8(value):
            raise ValueError("there are bytes in it that are no UTF-8")
        return value

    @property
    def environments(self) -> tuple[Environment, ...]:
        """The environments that have a database, in the order in which they are served."""
        if self.local is not None:
            return (self.local,)
        return tuple(
            environment
            for environment in map(self.environment, CONFIGURABLE_ENVIRONMENTS)
            if environment.database_url is not None
        )

    @property
    def uses_embedded(self) -> bool:
        """Whether no database is configured, so that the embedded default serves."""
        return self.local is not None or not self.environments

    def environment(self, name: EnvironmentName) -> Environment:
        """Return one environment by name, configured or not."""
        if name == "local":
            return self.local or Environment(name="local", enabled=True)
        return Environment(
            name=name,
            enabled=getattr(self, f"ocr_{name}"),
            database_url=getattr(self, f"{name}_database_url"),
            supabase_url=getattr(self, f"{name}_supabase_url"),
            supabase_service_key=getattr(self, f"{name}_supabase_service_key"),
            storage_url=getattr(self, f"{name}_storage_url"),
        )


def load_settings(env_file: Path | None = None, **flags: object) -> Settings:
    """Read the settings; `flags` are command line values, `None` where not given.

    Raises ConfigurationError naming the variable, its value and what is allowed.
    """
    if env_file is not None and not env_file.is_file():
        raise ConfigurationError(
            f"--env-file {env_file}: no such file", fix="give the path of an existing file"
        )
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    file = env_file or Path(".env")
    try:
        settings = Settings(_env_file=file, **given)
    except ValidationError as error:
        raise ConfigurationError(_explain(error), fix="correct the value and try again") from None
    return settings.model_copy(update={"vision": _vision(settings, file)})


def _vision(settings: Settings, env_file: Path) -> tuple[VisionSettings, ...]:
    """Read the settings of each vision engine, whose names are not known beforehand."""
    names = [name for name in dict.fromkeys(settings.ocr_engine) if name not in LOCAL_ENGINES]
    if not names:
        return ()
    given = {**dotenv_values(env_file), **os.environ}
    found = []
    for name in names:
        ours = {field.upper() for field in Settings.model_fields} & variables(name).keys()
        if ours:
            raise ConfigurationError(
                f"OCR_ENGINE names an engine {name!r}, which would share {min(ours)} with the pool",
                fix="give the engine another name",
            )
        try:
            found.append(vision_settings(name, given, rpm=settings.ocr_rpm, tpm=settings.ocr_tpm))
        except ValidationError as error:
            raise ConfigurationError(
                _explain(error, prefix=f"OCR_{name.replace('-', '_')}_"),
                fix="correct the value and try again",
            ) from None
    return tuple(found)


def _explain(error: ValidationError, prefix: str = "") -> str:
    """Say every wrong setting in words, without the value of a secret."""
    lines: dict[str, list[str]] = {}
    shown: dict[str, object] = {}
    for detail in error.errors(include_url=False):
        name = f"{prefix}{detail['loc'][0]}".upper() if detail["loc"] else "settings"
        lines.setdefault(name, []).append(str(detail["msg"]).removeprefix("Value error, "))
        shown[name] = detail.get("input")
    return "; ".join(
        f"{name}={'(hidden)' if any(m in name for m in _SECRET_MARKS) else repr(shown[name])}: "
        + " or ".join(messages)
        for name, messages in lines.items()
    )
