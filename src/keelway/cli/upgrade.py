"""Bring an installation onto the version that is installed, with its unfinished tasks."""

from __future__ import annotations

from typing import Annotated

import typer

from keelway.app.view.upgrade import Moved, Upgraded
from keelway.cli import shared
from keelway.cli.shared import Json, out, progress

group = typer.Typer()


@group.command("upgrade")
def upgrade(
    ctx: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would happen and write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Back the store up, bring its tables up to date and let unfinished tasks go on; 1 when some cannot.

    Nobody may work on the store meanwhile. It may be interrupted at any point and repeated.
    """
    from keelway.app.upgrade import bring_up

    place = shared.place_of(ctx)
    done = bring_up(place.config, place.home, progress, dry_run=dry_run)
    out(done, as_json, _show)
    raise typer.Exit(1 if done.stranded or done.in_the_way else 0)


def _show(done: Upgraded) -> None:
    from keelway.cli.show.text import say

    would = "would be " if done.dry_run else ""
    for somebody in done.in_the_way:
        say(f"In the way: {somebody}")
    if done.book_from != done.book_to:
        say(f"The book {would}brought from schema {done.book_from} to {done.book_to}.")
    for what, moved in (("adopted", done.adopted), ("closed", done.closed), ("stranded", done.stranded)):
        for each in moved:
            say(f"{_name(each)}: {would}{what}; {each.detail}.")
    counts = f"{len(done.adopted)} adopted, {len(done.closed)} closed, {len(done.stranded)} stranded"
    say(f"Workflow schema {done.schema}: {counts}, {done.untouched} unfinished and untouched.")
    if done.backup:
        say(f"The store as it was before: {done.backup}")
    if not done.dry_run and (done.adopted or done.closed):
        say("Next: keelway up --detach")


def _name(moved: Moved) -> str:
    """Name a story for people: by its task, and by its kind unless that is the task itself."""
    task = moved.task or moved.run
    return task if moved.story == "deliver" else f"{task} ({moved.story})"
