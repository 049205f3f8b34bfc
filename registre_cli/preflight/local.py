"""Checks of this host: no server is asked."""

import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version

from registre_cli.capacity import plan
from registre_cli.capacity.minimums import fit_minimums
from registre_cli.capacity.plan import split
from registre_cli.core.errors import WrongUsageError
from registre_cli.core.settings import CONFIGURABLE_ENVIRONMENTS, Environment, Settings
from registre_cli.core.vision_settings import LOCAL_ENGINES
from registre_cli.preflight.check import Finding, failed, passed, skipped, warned

_OLDEST_PYTHON = (3, 11)
_TOLD_PACKAGES = ("psycopg", "redis", "pydantic", "pypdfium2", "httpx")
_LEAST_TEMP_BYTES = 500_000_000
_SAMPLE = "Registre foncier du Québec 1 234 567"


def python() -> Finding:
    """Check the interpreter and the packages that we stand on."""
    said = f"Python {platform.python_version()}, registre {version('registre-cli')}"
    if sys.version_info < _OLDEST_PYTHON:
        return failed(said, "install Python 3.11 or later")
    try:
        parts = ", ".join(f"{name} {version(name)}" for name in _TOLD_PACKAGES)
    except PackageNotFoundError as error:
        return failed(
            f"{said}: the package {error.name} is missing",
            "install registre-cli again, with its dependencies",
        )
    return passed(f"{said}, {parts}")


def environments(settings: Settings) -> Finding:
    """Check that at least one environment is served, and that each has what it needs."""
    for name in CONFIGURABLE_ENVIRONMENTS:
        environment = settings.environment(name)
        if environment.enabled and (lack := _lack(environment)):
            return lack
    if settings.uses_embedded:
        return passed("local: the embedded servers (no *_DATABASE_URL is set)")
    enabled = [environment.name for environment in settings.environments if environment.enabled]
    if not enabled:
        names = " or ".join(f"OCR_{e.name.upper()}" for e in settings.environments)
        return failed("no environment is enabled", f"set {names} to true")
    return passed(f"enabled: {', '.join(enabled)}")


def _lack(environment: Environment) -> Finding | None:
    """Say what an enabled environment lacks."""
    name, prefix = environment.name, environment.name.upper()
    if environment.database_url is None:
        return failed(
            f"{name} is enabled and has no database",
            f"set {prefix}_DATABASE_URL, or OCR_{prefix}=false",
        )
    if environment.storage_url is None and environment.supabase_url is None:
        return failed(
            f"{name} has no storage",
            f"set {prefix}_SUPABASE_URL and {prefix}_SUPABASE_SERVICE_KEY, or {prefix}_STORAGE_URL",
        )
    if environment.supabase_url is not None and environment.supabase_service_key is None:
        return failed(f"{name} has a Supabase URL and no key", f"set {prefix}_SUPABASE_SERVICE_KEY")
    return None


def minimums(settings: Settings) -> Finding:
    """Check that the minimums fit the pool's size."""
    size = settings.ocr_worker_pool_size
    if size == "auto":
        return passed("the size is what the capacity allows")
    try:
        fitted = fit_minimums(size, settings.ocr_min_index_workers, settings.ocr_min_acte_workers)
    except WrongUsageError as error:
        return failed(error.message, "raise OCR_WORKER_POOL_SIZE or lower OCR_MIN_*_WORKERS")
    least = ", ".join(f"{count} {source}" for source, count in fitted.items())
    return passed(f"{size} workers, at least {least}")


def capacity(settings: Settings) -> Finding:
    """Check that the pool fits this host: declared limits bind, measured ones warn."""
    size = settings.ocr_worker_pool_size
    if size == "auto":
        return passed("the pool takes what fits")
    index, acte = split(size)
    found = plan(settings, index_workers=index, acte_workers=acte)
    if found.fits:
        return passed(f"{found.cpu.allocated:g} of {found.cpu.usable:g} vCPU taken")
    if not (found.binds or found.is_crowded):
        return passed(f"{size} workers on {found.cpu.total:g} vCPU")
    said = f"a pool of {size} does not fit: {'; '.join(found.reasons)}"
    fix = f"registre capacity; at most --size {found.recommended_pool_size} fits"
    return failed(said, fix) if found.binds else warned(said, fix)


def temp_space() -> Finding:
    """Check that there is room for temporary files."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB free in {folder}"
    if free < _LEAST_TEMP_BYTES:
        return failed(said, "free at least 0.5 GB there, or set TMPDIR")
    return passed(said)


def tesseract(settings: Settings) -> Finding:
    """Check each engine of this host by letting it read a page that is drawn now."""
    names = [name for name in settings.ocr_engine if name in LOCAL_ENGINES]
    if not names:
        return skipped(f"OCR_ENGINE={','.join(settings.ocr_engine)} reads without it")
    said = []
    for name in names:
        version_, text = _read_sample(name, settings)
        said.append(f"{version_}, language {settings.ocr_lang}")
        if text != _SAMPLE:
            return warned(
                f"{said[-1]}: the sample was read as {text[:60]!r}",
                "check OCR_LANG and the language data",
            )
    return passed(f"{'; '.join(said)}: the sample page is read correctly")


def _read_sample(name: str, settings: Settings) -> tuple[str, str]:
    """Return the version of an engine and what it reads on the sample page."""
    from registre_cli.ocr.drawing import Words, draw
    from registre_cli.ocr.engines import open_engine
    from registre_cli.ocr.models import Layout, PageImage

    engine = open_engine(name, settings.ocr_lang)
    try:
        page = draw([Words(60, 100, _SAMPLE, 16)], dpi=200).crop((0, 150, 1700, 400))
        image = PageImage(page.tobytes(), page.width, page.height, 200)
        reading = engine.read(image, Layout.AUTO, settings.ocr_page_timeout)
    finally:
        engine.close()
    return engine.version, reading.text.strip()


def pdfium() -> Finding:
    """Check that PDFs can be opened."""
    from registre_cli.ocr.drawing import Words, vector_pdf
    from registre_cli.ocr.render import open_pdf

    with (
        open_pdf(vector_pdf([Words(60, 100, _SAMPLE)]), max_pages=1) as pages,
        pages.page(1) as page,
    ):
        if page.layer_text().strip() != _SAMPLE:
            return failed("PDFium reads a sample wrongly", "reinstall the package pypdfium2")
    return passed(f"PDFium (pypdfium2 {version('pypdfium2')})")
