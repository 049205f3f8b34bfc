"""The user's own `ecosystem.config.js`: read by Node, checked, and never rewritten."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePosixPath

from registre_cli.core.errors import ConfigurationError
from registre_cli.core.text import printable
from registre_cli.deploy.managers.base import LEGACY_NAMES, NEIGHBOUR_NAMES, POOL_NAME
from registre_cli.deploy.site import Site, complaint_of


@dataclass(frozen=True)
class Ecosystem:
    """What the file defines: the neighbours that a deploy restarts, and what a person must know."""

    path: PurePosixPath
    neighbours: tuple[str, ...]
    warnings: tuple[str, ...]


def read_ecosystem(site: Site, path: PurePosixPath) -> Ecosystem:
    """Read the file on the target.

    Raises ConfigurationError where it is missing, is not understood, or defines what cannot be
    started.
    """
    script = files("registre_cli.deploy").joinpath("ecosystem.js").read_text("utf-8")
    ran = site.ask(["node", "-e", script, str(path)])
    if not ran.ok:
        raise ConfigurationError(
            f"{path} cannot be read by Node: {complaint_of(ran)}",
            fix=f"make `node -e 'require(\"{path}\")'` work there, or leave --ecosystem out",
        )
    apps = json.loads(ran.text)
    names = [app["name"] for app in apps]
    for app in apps:
        name = printable(str(app["name"]))
        if app["name"] in NEIGHBOUR_NAMES and not app["found"]:
            raise ConfigurationError(
                f"{path}: the script of {name} is not there: {printable(str(app['script']))}",
                fix="mend `script` or `cwd`; a relative path is seen from the file's folder",
            )
        if names.count(app["name"]) > 1:
            raise ConfigurationError(f"{path} defines {name} twice", fix="remove one of them")
    return Ecosystem(
        path,
        neighbours=tuple(name for name in NEIGHBOUR_NAMES if name in names),
        warnings=tuple(
            f"{path} still defines {name}: remove it, or `pm2 start {path.name}` brings it back"
            for name in (*LEGACY_NAMES, POOL_NAME)
            if name in names
        ),
    )
