"""Checks of this host: no server is asked."""

import platform
import shutil
import sys
import tempfile
from importlib.metadata import version

from registre_cli.capacity import plan
from registre_cli.capacity.minimums import fit_minimums
from registre_cli.capacity.plan import split
from registre_cli.core.errors import WrongUsageError
from registre_cli.core.settings import Settings
from registre_cli.core.vision_settings import LOCAL_ENGINES
from registre_cli.preflight.check import Finding, failed, passed, skipped, warned

_OLDEST_PYTHON = (3, 11)
_LEAST_TEMP_BYTES = 500_000_000
_SAMPLE = "Registre foncier du Québec 1 234 567"


def python() -> Finding:
    """Check the interpreter."""
    said = f"Python {platform.python_version()}, registre {version('registre-cli')}"
    if sys.version_info < _OLDEST_PYTHON:
        return failed(said, "install Python 3.11 or later")
    return passed(said)


def environments(settings: Settings) -> Finding:
    """Check that at least one environment is served, and that each has what it needs."""
    if settings.uses_embedded:
        return passed("local: the embedded servers (no *_DATABASE_URL is set)")
    enabled = [environment for environment in settings.environments if environment.enabled]
    if not enabled:
        names = ", ".join(f"OCR_{e.name.upper()}" for e in settings.environments)
        return failed("no environment is enabled", f"set one of {names} to true")
    for environment in enabled:
        prefix = environment.name.upper()
        if environment.storage_url is None and environment.supabase_url is None:
            return failed(
                f"{environment.name} has no storage",
                f"set {prefix}_SUPABASE_URL and {prefix}_SUPABASE_SERVICE_KEY, "
                f"or {prefix}_STORAGE_URL",
            )
        if environment.supabase_url is not None and environment.supabase_service_key is None:
            return failed(
                f"{environment.name} has a Supabase URL and no key",
                f"set {prefix}_SUPABASE_SERVICE_KEY",
            )
    return passed(f"enabled: {', '.join(environment.name for environment in enabled)}")


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
    if not found.declared and size <= found.cpu.total:
        return passed(f"{size} workers on {found.cpu.total:g} vCPU")
    said = f"a pool of {size} does not fit: {'; '.join(found.reasons)}"
    fix = f"registre capacity; at most --size {found.recommended_pool_size} fits"
    return failed(said, fix) if found.declared else warned(said, fix)


def temp_space() -> Finding:
    """Check that there is room for temporary files."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB free in {folder}"
    if free < _LEAST_TEMP_BYTES:
        return failed(said, "free at least 0.5 GB there, or set TMPDIR")
    return passed(said)


def tesseract(settings: Settings) -> Finding:
    """Check the engine by letting it read a page that is drawn now."""
    from registre_cli.ocr.drawing import Words, draw
    from registre_cli.ocr.engines import open_engine
    from registre_cli.ocr.models import Layout, PageImage

    name = next((name for name in settings.ocr_engine if name in LOCAL_ENGINES), None)
    if name is None:
        return skipped(f"OCR_ENGINE={','.join(settings.ocr_engine)} reads without it")
    engine = open_engine(name, settings.ocr_lang)
    try:
        page = draw([Words(60, 100, _SAMPLE, 16)], dpi=200).crop((0, 150, 1700, 400))
        image = PageImage(page.tobytes(), page.width, page.height, 200)
        reading = engine.read(image, Layout.AUTO, settings.ocr_page_timeout)
    finally:
        engine.close()
    said = f"{engine.version}, language {settings.ocr_lang}"
    if reading.text.strip() != _SAMPLE:
        return warned(
            f"{said}: the sample was read as {reading.text.strip()[:60]!r}",
            "check OCR_LANG and the language data",
        )
    return passed(f"{said}: the sample page is read correctly")


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
