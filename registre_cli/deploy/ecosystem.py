"""The user's own `ecosystem.config.js`: read by Node, checked, and never rewritten."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath

from registre_cli.core.errors import ConfigurationError
from registre_cli.core.text import printable
from registre_cli.deploy.managers.base import LEGACY_NAMES, NEIGHBOUR_NAMES, POOL_NAME
from registre_cli.deploy.site import Site, complaint_of

# Names and scripts only: the environments in the file may hold secrets and stay in Node.
_READ = """
const path = require('path'), fs = require('fs');
const file = path.resolve(process.argv[1]);
const config = require(file);
const apps = Array.isArray(config) ? config : (config.apps || config);
if (!Array.isArray(apps)) throw new Error('it exports no list of apps');
console.log(JSON.stringify(apps.map((app) => ({
  name: app.name || null,
  script: app.script || null,
  found: !!app.script && fs.existsSync(
    path.resolve(app.cwd ? path.resolve(path.dirname(file), app.cwd) : path.dirname(file),
                 String(app.script))),
}))));
"""


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
    ran = site.ask(["node", "-e", _READ, str(path)])
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
