"""systemd, asked through `systemctl`: the pool is a hardened unit that we generate.

The system's own manager is used, not the account's: a pool must outlive the session that
deployed it. Who is not root needs `sudo` without a password for what changes something.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath

from registre_cli.core.errors import ConfigurationError, ProblemFoundError, UnreachableError
from registre_cli.deploy.managers.base import (
    LEGACY_NAMES,
    NEIGHBOUR_NAMES,
    POOL_NAME,
    ManagedProcess,
    ManagerName,
    PoolDefinition,
    RunState,
    Snapshot,
)
from registre_cli.deploy.managers.systemctl import (
    UNIT_FOLDER,
    Command,
    Systemctl,
    UnitStatus,
    parse_show,
    unit_of,
)
from registre_cli.deploy.managers.unit import MARK, render_unit
from registre_cli.deploy.site import Site, complaint_of
from registre_cli.deploy.transport.base import Completed

_NAMES = (POOL_NAME, *LEGACY_NAMES, *NEIGHBOUR_NAMES)
_NOT_FOUND = 127
_COMMAND_SECONDS = 60.0
# What systemd may take beside the stop time of a unit, and for a start that waits for readiness.
_MARGIN_SECONDS = 30.0
_START_SECONDS = 150.0
# Print the folders on the way to $1 that not everybody may enter.
_CLOSED_FOLDERS = """
folder=$1
while [ "$folder" != / ] && [ "$folder" != . ]; do
    find "$folder" -maxdepth 0 ! -perm -o=x
    folder=$(dirname "$folder")
done
"""
_SILENT = ("not been booted with systemd", "Failed to connect to bus")


class ForeignUnitError(ProblemFoundError):
    """A unit of the pool's name exists that we did not write."""


class SystemdManager:
    """The system's systemd on one target."""

    name: ManagerName = "systemd"

    def __init__(self, site: Site, *, chosen: bool = True, folder: str = UNIT_FOLDER) -> None:
        """`chosen` says that it shall run the pool, and not only stop what ran before."""
        self._site = site
        self._chosen = chosen
        self._folder = folder
        self._who: tuple[int, str] | None = None

    def list(self) -> tuple[ManagedProcess, ...]:
        """Return the units of the names that a deploy knows.

        A legacy unit that neither runs nor starts at boot is done with: its file, which is the
        user's own, stays where it is.
        """
        return tuple(
            unit.process
            for unit in self._units(_NAMES)
            if unit.alive or unit.at_boot or unit.name not in LEGACY_NAMES
        )

    def define(self, definition: PoolDefinition, folder: PurePosixPath) -> None:
        """Write the unit beside its release and put it in the place of the one that was."""
        self._require_our_unit(definition.name)
        text = render_unit(definition, self._account())
        self._install(definition.name, text, folder)

    def start(self, name: str) -> None:
        """Start a unit without waiting for it; a start limit that it once hit is forgotten."""
        self._reset_where_failed(name)
        self._must(f"{name} cannot be started", self._systemctl.order("start", name, "--no-block"))

    def stop(self, name: str) -> None:
        """Stop a unit and wait; systemd ends it by force after its own stop time."""
        for unit in self._units([name]):
            if unit.alive:
                self._must(
                    f"{name} cannot be stopped",
                    self._systemctl.order("stop", name),
                    seconds=unit.stop_seconds + _MARGIN_SECONDS,
                )

    def restart(self, name: str) -> None:
        """Stop and start a unit, and wait until it says that it runs."""
        stop_seconds = max((unit.stop_seconds for unit in self._units([name])), default=0.0)
        self._must(
            f"{name} cannot be restarted",
            self._systemctl.order("restart", name),
            seconds=stop_seconds + _START_SECONDS,
        )

    def delete(self, name: str) -> None:
        """Stop a unit and keep it from starting at boot; remove its file where it is ours."""
        self.stop(name)
        for unit in self._units([name]):
            if unit.at_boot:
                self._must(f"{name} cannot be disabled", self._systemctl.order("disable", name))
        if self._our_text(name) is not None:
            self._must(f"{name} cannot be removed", self._systemctl.remove(name))
            self._reload()

    def save(self) -> None:
        """Let what runs now start at boot, where the pool is among it."""
        if not self._chosen:
            return
        for unit in self._units(_NAMES):
            if unit.alive and not unit.at_boot:
                self._at_boot(unit.name, wanted=True)

    def snapshot(self, names: Sequence[str]) -> Snapshot:
        """Return what runs, what starts at boot, and the text of our own unit.

        Where it shall run the pool: raises ForeignUnitError where the pool's unit is somebody's
        own, and ConfigurationError where the pool's account could not reach the release.
        """
        if self._chosen:
            self._require_our_unit(POOL_NAME)
            self._require_a_way_in()
        units = self._units(names)
        texts = {name: self._our_text(name) for name in names}
        return Snapshot(
            running=tuple(unit.name for unit in units if unit.alive),
            stopped=tuple(unit.name for unit in units if not unit.alive),
            at_boot=tuple(unit.name for unit in units if unit.at_boot),
            definitions={self._systemctl.path(name): text for name, text in texts.items() if text},
        )

    def restore(self, snapshot: Snapshot, names: Sequence[str]) -> None:
        """Bring the names back: our unit as it was, then what ran and what starts at boot."""
        for name in names:
            text, wanted = (
                self._our_text(name),
                snapshot.definitions.get(self._systemctl.path(name)),
            )
            if text == wanted:
                continue
            # Stopped before its text changes: a unit that runs is then always the one written.
            if wanted is None:
                self.delete(name)
            else:
                self.stop(name)
                self._install(name, wanted, self._site.folder)
                copy = str(self._site.folder / unit_of(name))
                self._site.must(["rm", "-f", copy], f"{copy} cannot be removed")
        for unit in self._units(names):
            if unit.at_boot != (unit.name in snapshot.at_boot):
                self._at_boot(unit.name, wanted=not unit.at_boot)
            if unit.name in snapshot.stopped:
                self.stop(unit.name)
        known = {unit.name for unit in self._units(names)}
        for name in names:
            if name not in snapshot.running:
                continue
            if name not in known:
                raise ProblemFoundError(
                    f"the unit {unit_of(name)}, which ran before, is gone",
                    fix=f"write {self._systemctl.path(name)} again, then systemctl start {name}",
                )
            self._reset_where_failed(name)
            # Waits until it says that it runs; where it does, nothing happens.
            self._must(
                f"{name} does not come back",
                self._systemctl.order("start", name),
                seconds=_START_SECONDS,
            )

    def logs(self, name: str, lines: int) -> tuple[str, ...]:
        """Return the end of what the unit wrote into the journal."""
        ran = self._run(self._systemctl.logs(name, lines))
        return tuple(ran.text.splitlines()) if ran.ok else ()

    @property
    def _systemctl(self) -> Systemctl:
        return Systemctl(() if self._user()[0] == 0 else ("sudo", "-n"), self._folder)

    def _user(self) -> tuple[int, str]:
        """Return number and name of the account that deploys."""
        if self._who is None:
            told = self._site.must(["sh", "-c", "id -u; id -un"], "the account has no name").text
            number, name = told.splitlines()
            self._who = (int(number), name)
        return self._who

    def _account(self) -> str | None:
        """Return whose pool it is: that of who deploys, and nobody's own where that is root."""
        number, name = self._user()
        return None if number == 0 else name

    def _units(self, names: Sequence[str]) -> tuple[UnitStatus, ...]:
        if not names:
            return ()
        command = self._systemctl.show(names)
        return parse_show(self._must("the units cannot be listed", command).text)

    def _reset_where_failed(self, name: str) -> None:
        if any(unit.process.state is RunState.FAILED for unit in self._units([name])):
            self._must(f"{name} cannot be reset", self._systemctl.order("reset-failed", name))

    def _our_text(self, name: str) -> str | None:
        """Return the text of a unit that we wrote; `None` for anything else."""
        content = self._site.transport.get(PurePosixPath(self._systemctl.path(name)))
        text = (content or b"").decode("utf-8", "replace")
        return text if text.startswith(MARK) else None

    def _install(self, name: str, text: str, folder: PurePosixPath) -> None:
        written = folder / unit_of(name)
        self._site.transport.put(text.encode(), written)
        for command in self._systemctl.install(str(written), name):
            self._must(f"{self._systemctl.path(name)} cannot be written", command)
        self._reload()

    def _reload(self) -> None:
        self._must("systemd cannot read its units", self._systemctl.reload())

    def _at_boot(self, name: str, *, wanted: bool) -> None:
        order = "enable" if wanted else "disable"
        self._must(f"{name} cannot be {order}d", self._systemctl.order(order, name))

    def _require_our_unit(self, name: str) -> None:
        exists = any(unit.name == name for unit in self._units([name]))
        if exists and self._our_text(name) is None:
            raise ForeignUnitError(
                f"the unit {unit_of(name)} was not written by registre",
                fix=f"systemctl cat {unit_of(name)}; stop it and move its file away",
            )

    def _require_a_way_in(self) -> None:
        """Make sure that an account without rights can reach the releases."""
        if self._account() is not None:
            return
        ran = self._site.ask(["sh", "-c", _CLOSED_FOLDERS, "sh", str(self._site.releases)])
        if not ran.ok or ran.text:
            raise ConfigurationError(
                "the pool does not run as root, and its account cannot enter "
                f"{' '.join(ran.text.split()) or self._site.releases}",
                fix="deploy with --home /var/lib/registre, or as another account than root",
            )

    def _must(self, what: str, command: Command, *, seconds: float = _COMMAND_SECONDS) -> Completed:
        ran = self._run(command, seconds=seconds)
        if not ran.ok:
            raise ProblemFoundError(
                f"{what}: {complaint_of(ran)}", fix=_way_out(ran.complaint, self._user()[1])
            )
        return ran

    def _run(self, command: Command, *, seconds: float = _COMMAND_SECONDS) -> Completed:
        ran = self._site.ask(command, timeout_seconds=seconds)
        silent = any(sign in ran.complaint for sign in _SILENT)
        if ran.exit_code == _NOT_FOUND or (not ran.ok and silent):
            raise UnreachableError(
                f"systemd does not answer on {self._site.transport.name}: {complaint_of(ran)}",
                fix="where PM2 keeps the programs running: registre deploy --manager pm2",
            )
        return ran


def _way_out(complaint: str, account: str) -> str:
    if "sudo:" in complaint:
        return (
            f"let {account} run systemctl, journalctl, install, mv and rm by sudo without a "
            "password (visudo), or deploy as root"
        )
    return "systemctl status ocr-pool; journalctl -u ocr-pool"
