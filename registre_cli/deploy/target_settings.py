"""The settings of the pool on the target: its file alone counts, not the operator's environment."""

import io
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from registre_cli.core.errors import ConfigurationError
from registre_cli.core.settings import Settings


class _FileSettings(Settings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look at nothing but the values given."""
        return (init_settings,)


def target_settings(content: bytes) -> Settings:
    """Read a settings file as the pool on the target will. Raises ConfigurationError."""
    values: dict[str, Any] = {
        name.lower(): value for name, value in variables(content).items() if value
    }
    try:
        settings = _FileSettings(**values)
    except ValidationError as error:
        wrong = sorted({str(detail["loc"][0]).upper() for detail in error.errors()})
        raise ConfigurationError(
            f"the settings for the target are wrong: {', '.join(wrong)}",
            fix="registre verify-setup --env-file FILE says what is allowed",
        ) from None
    if settings.redis_url is None:
        raise ConfigurationError(
            "the settings for the target have no REDIS_URL: nothing could prove the pool healthy",
            fix="set REDIS_URL in the settings file",
        )
    if not any(environment.enabled for environment in settings.environments):
        raise ConfigurationError(
            "the settings for the target enable no environment with a database",
            fix="set OCR_PROD=true and PROD_DATABASE_URL in the settings file, or those of dev",
        )
    return settings


def variables(content: bytes) -> dict[str, str | None]:
    """Return the variables of a settings file."""
    return dotenv_values(stream=io.StringIO(content.decode("utf-8", "replace")), interpolate=True)


def changed_names(before: bytes | None, after: bytes) -> tuple[str, ...]:
    """Return the names whose values differ; never a value."""
    old, new = variables(before or b""), variables(after)
    return tuple(sorted(name for name in {*old, *new} if old.get(name) != new.get(name)))
