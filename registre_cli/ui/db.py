"""Showing the schema's state."""

from collections.abc import Mapping
from dataclasses import asdict

from registre_cli.queue.migrate import Migration, MigrationState
from registre_cli.ui.console import cell, output_console, print_json, table


def show_applied(applied: Mapping[str, tuple[Migration, ...]], *, as_json: bool) -> None:
    """Say what was changed in each environment."""
    if as_json:
        print_json(
            {
                "environments": [
                    {"name": name, "applied": [f"{m.version:04}_{m.name}" for m in done]}
                    for name, done in applied.items()
                ]
            }
        )
        return
    console = output_console()
    for name, done in applied.items():
        what = ", ".join(f"{m.version:04} {m.name}" for m in done) or "nothing was missing"
        console.print(cell(f"{name}: {what}"))


def show_states(states: Mapping[str, tuple[MigrationState, ...]], *, as_json: bool) -> None:
    """Show which changes each environment has."""
    if as_json:
        print_json(
            {
                "environments": [
                    {
                        "name": name,
                        "current": all(state.applied_at for state in found),
                        "migrations": [asdict(state) for state in found],
                    }
                    for name, found in states.items()
                ]
            }
        )
        return
    for name, found in states.items():
        shown = table(f"Schema of {name}", "change", "applied")
        for state in found:
            applied = state.applied_at.isoformat(timespec="seconds") if state.applied_at else None
            shown.add_row(
                cell(f"{state.version:04} {state.name}"),
                cell(applied or "missing", style="" if applied else "bold red"),
            )
        output_console().print(shown)
