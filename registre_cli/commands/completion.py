"""`registre completion`: the completion script of a shell."""

from typing import Annotated, Literal

import typer

app = typer.Typer(rich_markup_mode=None)


@app.command()
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="Your shell.")],
) -> None:
    """Print the completion script, to be sourced or put where the shell looks for it."""
    import sys

    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script = get_completion_script(
        prog_name="registre", complete_var="_REGISTRE_COMPLETE", shell=shell
    )
    sys.stdout.write(script + "\n")
