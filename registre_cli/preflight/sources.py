"""Where each setting comes from, and names that look like a setting without being one.

Values are never shown: some of them are secrets.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from registre_cli.core.settings import Settings
from registre_cli.core.vision_settings import presets, variables
from registre_cli.preflight.check import Finding, passed, warned

_DEFAULT_FILE = Path(".env")
# Ours by their first word. The database and storage words keep a deployment's DEV_TOOLS out.
_PREFIXES = ("OCR_", "SERVER_RESERVE_", "SERVER_MAX_", "REGISTRE_")
_ENVIRONMENTS = ("DEV_", "STAGING_", "PROD_")
_ENVIRONMENT_WORDS = ("DATA", "SUPA", "STOR")
# Read by the tests and by the shell's completion, not by the settings.
_OTHERS_OF_OURS = {"REGISTRE_CORPUS"}
_LEAST_LIKENESS = 0.8


def setting_names(environment: Mapping[str, str], env_file: Path | None = None) -> Finding:
    """Say which settings come from where, and warn of names that mean nothing to us."""
    file = env_file or _DEFAULT_FILE
    in_file = dotenv_values(file) if file.is_file() else {}
    by_source = {
        str(file): {name.upper() for name in in_file},
        "environment": {name.upper() for name, value in environment.items() if value},
    }
    known = {name.upper() for name in Settings.model_fields} - {"LOCAL", "VISION"}
    order = environment.get("OCR_ENGINE") or in_file.get("OCR_ENGINE") or ""
    for engine in (*presets(), *order.replace(",", " ").split()):
        known |= variables(engine).keys()
    given = set().union(*by_source.values())
    unknown = sorted(name for name in given - known if _looks_like_ours(name, known))
    if unknown:
        said = "; ".join(_guess(name, known, by_source) for name in unknown)
        return warned(f"unknown settings: {said}", "correct the names, or remove them")
    # The environment goes before the file: the file's word counts only where it is alone.
    overridden = by_source["environment"]
    parts = [
        f"{source}: {', '.join(names)}"
        for source, found in by_source.items()
        if (names := sorted((found & known) - (overridden if source == str(file) else set())))
    ]
    return passed("; ".join(parts) or "nothing is set: the defaults are used")


def _looks_like_ours(name: str, known: set[str]) -> bool:
    if name in _OTHERS_OF_OURS:
        return False
    if name.startswith(_PREFIXES):
        return True
    if name.startswith(_ENVIRONMENTS):
        return name.partition("_")[2].startswith(_ENVIRONMENT_WORDS)
    # WORKER_COUNTS, REDIS_ULR: no prefix of ours, yet nearly a name of ours.
    return "_" in name and bool(get_close_matches(name, known, 1, 0.9))


def _guess(name: str, known: set[str], by_source: Mapping[str, set[str]]) -> str:
    source = next(source for source, names in by_source.items() if name in names)
    close = get_close_matches(name, known, 1, _LEAST_LIKENESS)
    where = f"{name} ({source})"
    return f"{where}: did you mean {close[0]}?" if close else where
