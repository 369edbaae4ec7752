"""Look after the store: ``keelway db upgrade|backup|check|vacuum``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from keelway.cli import shared
from keelway.cli.shared import Json, out, progress

room = typer.Typer(no_args_is_help=True, help="Look after the store: schemas, backups, a check, retention.")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@room.command("upgrade")
def upgrade(ctx: typer.Context, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Bring the tables of the book and of the engine up to date, and make them where there are none."""
    from keelway.app.upkeep.schemas import bring_up
    from keelway.cli.show.db import upgraded

    out(bring_up(shared.place_of(ctx).home, progress, dry_run=dry_run), as_json, upgraded)


@room.command("backup")
def backup(
    ctx: typer.Context,
    to: Annotated[
        Path | None, typer.Option("--to", help="Directory, or the file to be made; never over another.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Copy the store while it is used into one verified file, and say how it comes back."""
    from keelway.app.upkeep.backup import take
    from keelway.cli.show.db import backed_up

    out(take(shared.place_of(ctx).home, progress, to, dry_run=dry_run), as_json, backed_up)


@room.command("check")
def check(ctx: typer.Context, as_json: Json = False) -> None:
    """Look for damage, a broken audit chain, lost artefacts and stuck rows; 0 when nothing is wrong."""
    from keelway.app.upkeep import check as checking
    from keelway.cli.show.db import checked

    place = shared.place_of(ctx)
    report = checking.check(place.config, place.home, progress)
    out(report, as_json, checked)
    raise typer.Exit(0 if report.ok else 1)


@room.command("vacuum")
def vacuum(ctx: typer.Context, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Remove what is over its time now; the control plane does so every night by itself."""
    from keelway.app.upkeep import vacuum as emptying
    from keelway.app.upkeep.runs import count_ended, forget_ended
    from keelway.cli.show.db import vacuumed

    place = shared.place_of(ctx)
    config, home = place.config, place.home
    if dry_run:
        out(emptying.would_remove(config, home, count_ended(home)), as_json, vacuumed)
        return
    done = emptying.vacuum(config, home, forget_ended(home), progress)
    out(done, as_json, lambda told: vacuumed(told) if told else None)
