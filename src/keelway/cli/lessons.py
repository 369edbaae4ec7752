"""What tasks learnt: ``keelway lessons [WORDS]`` and ``keelway lessons forget L-12``."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperGroup

from keelway.cli import shared
from keelway.cli.shared import Json, Yes, confirm, out


class _Searching(TyperGroup):
    """Take what is no command for words to search."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        asks_help = bool(args) and args[0] in ctx.help_option_names
        named = bool(args) and args[0] in self.commands
        return super().parse_args(ctx, args if asks_help or named else ["search", *args])


room = typer.Typer(
    cls=_Searching,
    help="What tasks learnt and the next ones are told: keelway lessons [WORDS] searches, without words it lists.",
)


@room.command("search")
def search(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(help="What it is about; nothing lists the newest.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what tasks learnt: the best answers to some words, or the newest; the word search may be left out."""
    from keelway.cli.show.lessons import lesson_pages

    out(shared.ask(ctx).lessons(" ".join(words or ()), limit=limit), as_json, lesson_pages)


@room.command("forget")
def forget(
    ctx: typer.Context,
    lesson: Annotated[str, typer.Argument(help="L-12 or 12.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Remove a lesson, so that no agent is told it any more; who did it is in the audit trail."""
    from keelway.cli.show.lessons import forgotten

    remote = shared.act(ctx)
    confirm(f"Forget {lesson} for good?", yes)
    out(remote.forget_lesson(lesson), as_json, forgotten)
