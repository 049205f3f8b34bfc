"""The root of the command line: commands are imported only when they run.

This is the one place that turns an error into an exit code.
"""

import errno
import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

# name → (module with an `app`, help in the list); the order is the order of `--help`.
_COMPLETE_VARIABLE = "_REGISTRE_COMPLETE"
_COMMANDS = "registre_cli.commands"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": (f"{_COMMANDS}.demo", "Read 19 generated documents on the embedded servers."),
    "ocr": (f"{_COMMANDS}.ocr", "Read PDFs without any queue."),
    "queue": (f"{_COMMANDS}.queue", "Inspect and repair the queue."),
    "boost": (f"{_COMMANDS}.boost", "Check the correction rules, and explain what they do."),
    "pool": (f"{_COMMANDS}.pool", "Run the workers, and see every pool of every host."),
    "capacity": (f"{_COMMANDS}.capacity", "Say what the host has and what pool fits."),
    "verify-setup": (f"{_COMMANDS}.verify_setup", "Check everything that the pool needs."),
    "deploy": (f"{_COMMANDS}.deploy", "Install, start, prove healthy, or roll back."),
    "db": (f"{_COMMANDS}.db", "Our additive schema changes."),
    "completion": (f"{_COMMANDS}.completion", "Print a shell's completion script."),
}


class _LazyCommand(TyperGroup):
    """Stands in the list of commands; imports the real one when it is called."""

    def __init__(self, name: str, module: str, help_text: str) -> None:
        super().__init__(name=name, help=help_text, short_help=help_text)
        self._module = module

    def load(self) -> Any:
        """Import the command's module and return the command that it defines."""
        command = typer.main.get_command(import_module(self._module).app)
        command.name = self.name
        return command

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Hand the parsing to the real command."""
        return self.load().make_context(info_name, args, parent=parent, **extra)


class _Root(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (module, help_text) in COMMANDS.items():
            self.add_command(_LazyCommand(name, module, help_text))


app = typer.Typer(
    name="registre",
    cls=_Root,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        sys.stdout.write(f"registre {version('registre-cli')}\n")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Read a land registry by OCR from a PostgreSQL queue, and see what is wrong in one look."""


def main() -> None:
    """Run the program and exit with the code of the contract."""
    from registre_cli.core.errors import ExitCode, RegistreError

    if _COMPLETE_VARIABLE in os.environ:
        # The shell asks for completions, with the script of `registre completion`.
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
    try:
        app()
    except RegistreError as error:
        from registre_cli.ui.console import show_error

        show_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        _leave_quietly()
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _say_that_there_is_no_room(error)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            # The library of the command line makes it a 1.
            _leave_quietly()
        raise


def _leave_quietly() -> NoReturn:
    """End well: the reader of our output left (`| head`), and nobody is there to be told."""
    _drop_output()
    sys.exit()


def _say_that_there_is_no_room(error: OSError) -> NoReturn:
    """End with a problem: the disk is full under what our output was sent to, or we write."""
    from registre_cli.core.errors import ProblemFoundError
    from registre_cli.ui.console import show_error

    _drop_output()
    where = f"{error.filename}: " if error.filename else ""
    show_error(
        ProblemFoundError(
            f"{where}{error.strerror}; what was written is not whole", fix="make room, run it again"
        )
    )
    sys.exit(ProblemFoundError.exit_code)


def _drop_output() -> None:
    # The flush at exit must not fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
