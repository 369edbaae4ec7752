"""The terminal's door: ``keelway``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from keelway.app.view.fault import three_lines
from keelway.cli import (
    agents,
    db,
    decide,
    deliver,
    demo,
    init,
    lessons,
    policy,
    recipes,
    system,
    task,
    upgrade,
    worker,
)
from keelway.cli.audit import verbs
from keelway.cli.back import guard, rollback
from keelway.cli.data.verbs import room as data_room
from keelway.cli.shared import Scope
from keelway.core.errors import KeelwayError

app = typer.Typer(
    name="keelway",
    help="From a request to a tested, reviewed, merged, deployed, watched and, if need be, rolled-back change.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"keelway {version('keelway')}")
        raise typer.Exit


@app.callback()
def begin(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Option("--project", "-C", help="Directory at or below keelway.toml.", file_okay=False)
    ] = Path(),
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Remember what was said before the verb."""
    del version
    ctx.obj = Scope(directory)


ROOMS = (
    demo.group,
    init.group,
    system.group,
    task.group,
    decide.group,
    deliver.group,
    rollback.group,
    guard.group,
    worker.group,
    upgrade.group,
    verbs.group,
)
for room in ROOMS:
    app.registered_commands += room.registered_commands
app.add_typer(db.room, name="db")
app.add_typer(data_room, name="data")
app.add_typer(recipes.room, name="recipes")
app.add_typer(agents.room, name="agents")
app.add_typer(lessons.room, name="lessons")
app.add_typer(policy.room, name="policy")


def main() -> None:
    """Run a command; every refusal is three lines and an exit code."""
    try:
        app()
    except KeelwayError as error:
        fail(error)


def fail(error: KeelwayError) -> None:
    """Tell an error and leave with its exit code; a caller who asked for JSON gets it as JSON on standard output.

    Raises:
        SystemExit: always.
    """
    if "--json" in sys.argv:
        plain = {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "exit_code": error.exit_code,
        }
        print(json.dumps({"error": plain}, ensure_ascii=False))
    print(three_lines(error), file=sys.stderr)
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
