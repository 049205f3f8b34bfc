"""The settings of one vision engine: `OCR_GEMINI_MODEL`, `OCR_GEMINI_API_KEY` and so on.

Any name may be an engine once its `BASE_URL` is set; `vision_presets.toml` knows a few.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from registre_cli.core.keys import HeaderKey

# The engines that read on this host; every other name is a vision engine.
LOCAL_ENGINES = ("tesseract", "tesseract-cli")

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an address like https://host/v1 is needed")
    if parts.username or parts.password or parts.query:
        raise ValueError("the key belongs into API_KEY, not into the address")
    return value


class VisionSettings(BaseModel):
    """One engine behind an OpenAI-compatible chat API; prices in US dollars per million tokens.

    `timeout` in seconds is for one request; `image_side` is the longest side in pixels that is
    sent; `max_tokens` bounds one answer, a longer page is continued.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=_NAME)]
    base_url: Annotated[str, AfterValidator(_web_address)] | None = None
    model: str | None = None
    api_key: HeaderKey = None
    rpm: Annotated[int, Field(gt=0)] | None = None
    tpm: Annotated[int, Field(gt=0)] | None = None
    price_input: Annotated[float, Field(ge=0)] | None = None
    price_output: Annotated[float, Field(ge=0)] | None = None
    concurrency: Annotated[int, Field(gt=0)] | None = None
    timeout: Annotated[float, Field(gt=0)] = 120.0
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=64)] = 8192
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    image_side: Annotated[int, Field(ge=256, le=8192)] = 2048
    needs_key: bool = False

    @property
    def has_prices(self) -> bool:
        """Whether what a page costs can be told."""
        return self.price_input is not None and self.price_output is not None

    def cost_usd(self, tokens_in: int, tokens_out: int) -> float:
        """Return the price of so many tokens; 0 where no prices are set."""
        price = tokens_in * (self.price_input or 0) + tokens_out * (self.price_output or 0)
        return price / 1_000_000

    def variable(self, field: str) -> str:
        """Return the name of the variable that sets a field."""
        return variable(self.name, field)


def variable(engine: str, field: str) -> str:
    """Return the name of an engine's variable, like `OCR_GEMINI_MODEL`."""
    return f"OCR_{engine.replace('-', '_')}_{field}".upper()


def variables(engine: str) -> dict[str, str]:
    """Return an engine's variables and the fields that they set."""
    return {
        variable(engine, field): field for field in VisionSettings.model_fields if field != "name"
    }


@cache
def presets() -> Mapping[str, Mapping[str, Any]]:
    """Return what is known of each provider."""
    text = files("registre_cli.core").joinpath("vision_presets.toml").read_text("utf-8")
    return tomllib.loads(text)


def vision_settings(
    engine: str, given: Mapping[str, str | None], *, rpm: int | None, tpm: int | None
) -> VisionSettings:
    """Return the settings of one engine: its variables (blank counts as unset), then its preset.

    `rpm` and `tpm` are what was said for all engines; they go before the preset. Raises
    `pydantic.ValidationError`.
    """
    common = {"rpm": rpm, "tpm": tpm}
    found = {
        field: value
        for name, field in variables(engine).items()
        if (value := given.get(name)) is not None and value.strip()
    }
    said = {field: limit for field, limit in common.items() if limit is not None}
    return VisionSettings.model_validate(
        {**presets().get(engine, {}), **said, **found, "name": engine}
    )
