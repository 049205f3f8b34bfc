"""The user's own ecosystem.config.js, read by a real Node."""

from pathlib import Path, PurePosixPath

import pytest

from registre_cli.core.errors import ConfigurationError
from registre_cli.deploy.ecosystem import read_ecosystem
from registre_cli.deploy.site import open_site
from registre_cli.deploy.transport.local import LocalTransport


def test_an_ecosystem_file_is_read_with_what_is_wrong_in_it(tmp_path: Path) -> None:
    here = open_site(LocalTransport(), PurePosixPath(tmp_path))
    file = tmp_path / "ecosystem.config.js"
    (tmp_path / "api.js").touch()
    file.write_text(
        "module.exports = { apps: [{ name: 'registre-api', script: './api.js',"
        " env: { KEY: 'pl4nted' } }, { name: 'registre-ocr', script: 'gone.py' },"
        " { name: 'other', script: 'gone.js' }] };"
    )
    found = read_ecosystem(here, PurePosixPath(file))
    assert found.neighbours == ("registre-api",)
    assert "still defines registre-ocr" in found.warnings[0]
    file.write_text("module.exports = { apps: [{ name: 'registre-api', script: 'gone.js' }] };")
    with pytest.raises(ConfigurationError, match=r"gone\.js"):
        read_ecosystem(here, PurePosixPath(file))
    file.write_text("module.exports = {{")
    with pytest.raises(ConfigurationError) as caught:
        read_ecosystem(here, PurePosixPath(file))
    # What is wrong and where, without Node's own stack.
    assert caught.value.message == (
        f"{file} cannot be read by Node: {file}:1: SyntaxError: Unexpected token '{{'"
    )
    with pytest.raises(ConfigurationError, match=r"Error: Cannot find module '/gone\.js'$"):
        read_ecosystem(here, PurePosixPath("/gone.js"))
