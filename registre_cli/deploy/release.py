"""One release on the target: a folder with its own virtual environment, settings and definition."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from pydantic import ValidationError

from registre_cli.core.errors import ProblemFoundError
from registre_cli.core.settings import Settings
from registre_cli.deploy.managers.base import PoolDefinition
from registre_cli.deploy.orphans import HOME_VARIABLE, RELEASE_VARIABLE
from registre_cli.deploy.site import Site
from registre_cli.deploy.transport.base import Completed
from registre_cli.deploy.wheel import Wheel

# Over a slow line, without any cache.
_INSTALL_SECONDS = 20 * 60.0
# After the grace time the supervisor ends its workers and gives their documents back.
_STOP_MARGIN_SECONDS = 15.0
_SUPERVISOR_BYTES = 500_000_000
_BYTES_IN_MB = 1_000_000
# How many releases stay for a roll-back, beside the one that runs.
KEPT_RELEASES = 3
_DEFINITION = "definition.json"


@dataclass(frozen=True)
class Release:
    """A release by its id, `VERSION-DATE-TIME-RANDOM`: no two are alike, on any host."""

    id: str
    folder: PurePosixPath

    @property
    def program(self) -> str:
        """The `registre` of this release."""
        return str(self.folder / "venv" / "bin" / "registre")

    @property
    def settings_file(self) -> PurePosixPath:
        """What the pool reads by itself; mode 0600."""
        return self.folder / "registre.env"

    @property
    def definition_file(self) -> PurePosixPath:
        """How its pool is run; written last, so that it marks a release that is complete."""
        return self.folder / _DEFINITION


def new_release(site: Site, version: str) -> Release:
    """Name a release of this version; nothing is made yet."""
    at = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return release_named(site, f"{version}-{at}-{secrets.token_hex(2)}")


def release_named(site: Site, release_id: str) -> Release:
    """Return the release of this id, whether it exists or not."""
    return Release(release_id, site.releases / release_id)


def define_pool(site: Site, release: Release, settings: Settings) -> PoolDefinition:
    """Return how the pool of this release is run."""
    size = settings.ocr_worker_pool_size
    memory = None
    if size != "auto":
        memory = _SUPERVISOR_BYTES + size * settings.ocr_worker_max_rss_mb * _BYTES_IN_MB
    kept = {name: site.environment[name] for name in ("PATH", "HOME") if name in site.environment}
    return PoolDefinition(
        release=release.id,
        command=(release.program, "pool", "run", "--env-file", str(release.settings_file)),
        folder=str(release.folder),
        environment={
            **kept,
            "LANG": "C.UTF-8",
            HOME_VARIABLE: str(site.home),
            RELEASE_VARIABLE: release.id,
        },
        environment_file=str(release.settings_file),
        stop_seconds=settings.ocr_stop_grace_seconds + _STOP_MARGIN_SECONDS,
        memory_limit_bytes=memory,
    )


def read_definition(site: Site, release: Release) -> PoolDefinition | None:
    """Return the definition of a release that is complete, `None` for any other."""
    content = site.transport.get(release.definition_file)
    try:
        return PoolDefinition.model_validate_json(content) if content else None
    except ValidationError:
        return None


def install(
    site: Site,
    release: Release,
    wheel: Wheel,
    settings: bytes,
    definition: PoolDefinition,
    python: str,
) -> None:
    """Install into a folder of its own; what runs now is not touched. Raises ProblemFoundError."""
    put = site.transport.put
    site.must(["mkdir", "-m", "755", str(release.folder)], "the release cannot be installed")
    put(settings, release.settings_file, mode=0o600)
    put(wheel.content, release.folder / wheel.name)
    environment = str(release.folder / "venv")
    package = str(release.folder / wheel.name)
    if site.transport.run(["sh", "-c", "command -v uv"]).ok:
        make = ["uv", "venv", "--quiet", "--python", python, environment]
        fill = ["uv", "pip", "install", "--quiet", "--compile-bytecode"]
        fill += ["--python", f"{environment}/bin/python", package]
    else:
        make = [python, "-m", "venv", environment]
        fill = [f"{environment}/bin/pip", "install", "--quiet", "--no-input"]
        fill += ["--disable-pip-version-check", package]
    for command in (make, fill):
        site.must(
            command,
            "the release cannot be installed",
            fix="check the network and the room on the disk (df -h) there, and deploy again",
            timeout_seconds=_INSTALL_SECONDS,
        )
    put(definition.model_dump_json(indent=1).encode(), release.definition_file)


def run_program(
    site: Site, release: Release, *arguments: str, timeout_seconds: float = 120.0
) -> Completed:
    """Run the release's `registre` with its own settings and nobody else's."""
    return site.ask(
        [
            "env",
            f"{HOME_VARIABLE}={site.home}",
            release.program,
            *arguments,
            "--env-file",
            str(release.settings_file),
        ],
        timeout_seconds=timeout_seconds,
    )


def remove(site: Site, release: Release) -> None:
    """Remove a release from the disk; one that is not there is no error."""
    site.must(["rm", "-rf", str(release.folder)], f"{release.folder} cannot be removed")


def prune(site: Site, keep: Sequence[str | None]) -> None:
    """Remove the oldest releases beyond `KEPT_RELEASES`, and never one of `keep`."""
    ran = site.must(["ls", "-1t", str(site.releases)], "the releases cannot be listed")
    others = [name for name in ran.text.splitlines() if name not in keep]
    for name in others[max(KEPT_RELEASES - len([k for k in keep if k]) + 1, 0) :]:
        remove(site, release_named(site, name))


def require_complete(site: Site, release: Release) -> PoolDefinition:
    """Return the definition of a release, or raise ProblemFoundError where it is not whole."""
    definition = read_definition(site, release)
    if definition is None:
        raise ProblemFoundError(
            f"the release {release.id} is not on {site.transport.name} any more",
            fix="registre deploy history; deploy the version again from its wheel",
        )
    return definition
