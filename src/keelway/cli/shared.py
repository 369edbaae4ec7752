"""What every command shares: which project, who answers, JSON or text, and yes or no."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from keelway.app.desk import Place, Reader, connect, reader
from keelway.core.errors import YourFault

if TYPE_CHECKING:
    from keelway.app.remote import Remote

T = TypeVar("T")

EXIT_WAITING = 8
EXIT_STOPPED = 130


def complete_task(incomplete: str) -> list[tuple[str, str]]:
    """Offer the latest tasks to the shell; say nothing when they cannot be read."""
    try:
        lines = reader(Place.find(Path.cwd())).tasks(limit=30)
    except Exception:  # noqa: BLE001 - a shell that completes wants words, never an error
        return []
    return [(line.name, line.title) for line in lines if line.name.startswith(incomplete.upper())]


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Task = Annotated[str, typer.Argument(help="T-142, 142 or @last.", autocompletion=complete_task)]


@dataclass(frozen=True)
class Scope:
    """Hold what was said before the verb."""

    directory: Path

    @property
    def place(self) -> Place:
        """Return the project that is meant.

        Raises:
            YourFault: there is none.
        """
        return Place.find(self.directory)


def place_of(ctx: typer.Context) -> Place:
    """Return the project that a command is about."""
    scope = ctx.find_object(Scope) or Scope(Path.cwd())
    return scope.place


def ask(ctx: typer.Context) -> Reader:
    """Return who answers questions."""
    return reader(place_of(ctx))


def act(ctx: typer.Context) -> Remote:
    """Return the control plane, which alone can act."""
    return connect(place_of(ctx))


def named(who: Reader, task: str) -> str:
    """Return the name of the task that is meant; ``@last`` is the newest.

    Raises:
        YourFault: there is no task yet.
    """
    if task != "@last":
        return task
    newest = who.tasks(limit=1)
    if not newest:
        raise YourFault("unknown_task", "There is no task yet.", 'keelway ask "..."')
    return newest[0].name


def out(value: T, as_json: bool, human: Callable[[T], None]) -> None:
    """Print an answer: one JSON document, or text."""
    if as_json:
        from keelway.core.codec import to_json

        sys.stdout.write(json.dumps(to_json(value), indent=2, ensure_ascii=False) + "\n")
    else:
        human(value)


def progress(text: str) -> None:
    """Tell how it goes, beside the answer."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def confirm(question: str, yes: bool) -> None:
    """Go on only when a person says yes.

    Raises:
        YourFault: nobody is there to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise YourFault("needs_yes", f"{question} Nobody is here to be asked.", "repeat it with --yes")
    if not typer.confirm(question, err=True):
        progress("Nothing was done.")
        raise typer.Exit(1)
