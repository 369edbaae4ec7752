"""Maintenance without a model: ``keelway recipes list|run``."""

from __future__ import annotations

from typing import Annotated

import typer

from keelway.cli import shared
from keelway.cli.shared import Json, out

room = typer.Typer(no_args_is_help=True, help="Maintenance by a command instead of an agent.")


@room.command("list")
def listed(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the recipes of this project and what came of them last."""
    from keelway.cli.show.recipes import recipes

    out(shared.act(ctx).recipes(), as_json, recipes)


@room.command("run")
def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a [[recipe]].")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which files it would change, and open no task.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Open the task of a recipe now; it is judged, reviewed and delivered like any other."""
    from keelway.cli.show.recipes import opened, tried

    control = shared.act(ctx)
    if dry_run:
        out(control.try_recipe(name), as_json, tried)
    else:
        out(control.run_recipe(name), as_json, opened)
