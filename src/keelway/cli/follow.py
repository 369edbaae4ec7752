"""Follow a task or an order until it ends; leaving early leaves it running."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from keelway.app.desk import Reader
from keelway.app.view.system import OrderView
from keelway.app.view.task import Happened, TaskView
from keelway.cli.shared import EXIT_STOPPED, EXIT_WAITING, progress

if TYPE_CHECKING:
    from keelway.app.remote import Remote

POLL_SECONDS = 0.4
EVENTS_KEPT = 200

Draw = Callable[[TaskView, list[Happened]], None]


def exit_code_of(view: TaskView) -> int:
    """Return the exit code of a task's end: 0 live, 8 waiting for a person, 1 anything else."""
    if view.line.status == "deployed":
        return 0
    return EXIT_WAITING if view.line.open and view.line.waits_for else 1


def follow(who: Reader, task: str, *, stop_when_asked: bool, after: int = 0, quiet: bool = False) -> TaskView:
    """Show how a task goes until it ends, or until it asks a person; return it as it is then.

    Raises:
        typer.Exit: a person pressed Ctrl-C; the task goes on.
    """
    events: list[Happened] = []
    try:
        with _drawing(quiet) as draw:
            while True:
                page = who.timeline(after=after, task=task)
                after = page[-1].sequence if page else after
                events = [*events, *(each for each in page if each.loud)][-EVENTS_KEPT:]
                view = who.task(task)
                draw(view, events)
                if _over(view, stop_when_asked) and not page:
                    return view
                if not page:
                    time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        progress(f"{task} goes on. Next: keelway watch {task}")
        raise typer.Exit(EXIT_STOPPED) from None


def _over(view: TaskView, stop_when_asked: bool) -> bool:
    return not view.line.open or (stop_when_asked and bool(view.line.waits_for))


@contextmanager
def _drawing(quiet: bool) -> Iterator[Draw]:
    """Give the way to show progress: a picture on a terminal, else one line per event, always beside the answer."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if quiet:
        yield lambda _view, _events: None
    elif console.is_terminal:
        from rich.live import Live

        from keelway.cli.show.track import track

        with Live(console=console, auto_refresh=False) as live:
            yield lambda view, events: live.update(track(view, events), refresh=True)
    else:
        yield _Lines().draw


class _Lines:
    """Print each event once."""

    def __init__(self) -> None:
        self._last = 0
        self._said = ""

    def draw(self, _view: TaskView, events: list[Happened]) -> None:
        """Print what is new; the same sentence twice in a row is said once."""
        from keelway.cli.show.task import event

        for each in events:
            if each.sequence > self._last and each.text != self._said:
                progress(event(each))
                self._said = each.text
            self._last = max(self._last, each.sequence)


def follow_order(remote: Remote, order: OrderView) -> OrderView:
    """Wait for an ordered rollback or deployment and return how it ended.

    Raises:
        typer.Exit: a person pressed Ctrl-C; the order goes on.
    """
    progress(order.message)
    try:
        now = remote.order(order.run)
        while not now.ended:
            time.sleep(POLL_SECONDS)
            now = remote.order(order.run)
    except KeyboardInterrupt:
        progress("The order goes on. Next: keelway status")
        raise typer.Exit(EXIT_STOPPED) from None
    return now
