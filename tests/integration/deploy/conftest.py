"""A host for deploys, in a folder that every account may enter."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from systemd_host import SystemdHost


@pytest.fixture
def systemd_host() -> Iterator[SystemdHost]:
    folder = Path(tempfile.mkdtemp(prefix="registre-host-"))
    folder.chmod(0o755)
    host = SystemdHost(folder)
    host.make()
    yield host
    host.close()
    shutil.rmtree(folder, ignore_errors=True)
