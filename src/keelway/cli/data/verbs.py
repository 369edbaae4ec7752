"""Look after the application's data: ``keelway data list|take|prove``."""

from __future__ import annotations

from typing import Annotated

import typer

from keelway.cli import shared
from keelway.cli.shared import Json, out

room = typer.Typer(
    no_args_is_help=True, help="The application's data: backups that there are, one more, a proof."
)

Environment = Annotated[str, typer.Argument(help="staging or production.")]


@room.command("list")
def listed(
    ctx: typer.Context,
    environment: Annotated[str, typer.Argument(help="staging or production; both, if none.")] = "",
    as_json: Json = False,
) -> None:
    """List the backups, the newest first."""
    from keelway.app.data.hand import kept
    from keelway.cli.data.show import listing

    place = shared.place_of(ctx)
    out(kept(place.config, place.home, environment), as_json, listing)


@room.command("take")
def take(ctx: typer.Context, environment: Environment, as_json: Json = False) -> None:
    """Copy the data of an environment while it is used, and prove the copy."""
    from keelway.app.data import hand
    from keelway.cli.data.show import taken

    place = shared.place_of(ctx)
    out(hand.take(place.config, place.home, environment), as_json, taken)


@room.command("prove")
def prove(
    ctx: typer.Context,
    environment: Environment,
    backup: Annotated[str, typer.Argument(help="Name of a backup; the newest, if none.")] = "",
    as_json: Json = False,
) -> None:
    """Restore a backup into a scratch place and compare it with what was counted; 1 when it does not come back."""
    from keelway.app.data import hand
    from keelway.cli.data.show import proven

    place = shared.place_of(ctx)
    found = hand.prove(place.config, place.home, environment, backup)
    out(found, as_json, proven)
    raise typer.Exit(1 if found.wrong else 0)
