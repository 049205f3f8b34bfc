"""The managers of a target: the one that shall run the pool, and the others that must not."""

from registre_cli.deploy.managers.base import ManagerName, ProcessManager
from registre_cli.deploy.managers.pm2 import Pm2Manager
from registre_cli.deploy.managers.systemd import SystemdManager
from registre_cli.deploy.site import Site


def open_managers(site: Site, chosen: ManagerName) -> tuple[ProcessManager, ...]:
    """Return the chosen manager first, then every other one that could still run a pool here."""
    managers: list[ProcessManager] = []
    if chosen == "pm2" or site.ask(["sh", "-c", "command -v pm2"]).ok:
        managers.append(Pm2Manager(site))
    # This folder is there exactly where systemd is what booted the host.
    if chosen == "systemd" or site.ask(["test", "-d", "/run/systemd/system"]).ok:
        managers.append(SystemdManager(site, chosen=chosen == "systemd"))
    return tuple(sorted(managers, key=lambda manager: manager.name != chosen))


def pm2_of(managers: tuple[ProcessManager, ...]) -> Pm2Manager | None:
    """Return the PM2 among them: the neighbours run there whatever runs the pool."""
    return next((manager for manager in managers if isinstance(manager, Pm2Manager)), None)
