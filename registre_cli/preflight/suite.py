"""All checks for the given settings."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from registre_cli.core.settings import Environment, Settings
from registre_cli.preflight import database, local, service, services, sources
from registre_cli.preflight.check import Check, skipped
from registre_cli.preflight.vision import vision_checks


def checks_for(
    settings: Settings,
    environments: Sequence[Environment],
    env_file: Path | None = None,
    *,
    living_pools: service.AskPools,
    offline: bool = False,
) -> list[Check]:
    """Return the checks, those of the host first; `offline` asks no server."""
    checks = [
        Check("host/python", local.python),
        Check("host/settings", partial(sources.setting_names, os.environ, env_file)),
        Check("host/environments", partial(local.environments, settings)),
        Check("host/minimums", partial(local.minimums, settings)),
        Check("host/capacity", partial(local.capacity, settings)),
        Check("host/temp", local.temp_space),
        Check("reading/pdfium", local.pdfium),
        Check("reading/tesseract", partial(local.tesseract, settings)),
    ]
    if offline:
        return checks
    checks += vision_checks(settings)
    checks += [
        Check("redis", partial(services.redis_server, settings)),
        Check("pool/manager", service.manager),
        Check("pool/version", partial(service.running_version, living_pools)),
    ]
    for environment in environments:
        name = environment.name
        if not environment.enabled:
            said = f"OCR_{name.upper()}=false: no pool serves it"
            checks.append(Check(f"{name}/enabled", partial(skipped, said)))
            continue
        checks += [
            Check(f"{name}/postgresql", partial(database.reach, environment)),
            Check(f"{name}/schema", partial(database.schema, environment)),
            Check(f"{name}/rights", partial(database.rights, environment)),
            Check(f"{name}/notifications", partial(database.notifications, environment)),
            Check(f"{name}/storage", partial(database.storage, environment, settings)),
        ]
    return checks
