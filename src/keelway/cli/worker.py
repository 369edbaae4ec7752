"""Add hands to an installation: a worker on any host."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from keelway.cli import shared
from keelway.cli.shared import progress

if TYPE_CHECKING:
    from keelway.app.worker import Said

group = typer.Typer()

Roles = Annotated[
    list[str] | None,
    typer.Option("--role", help="dev, plan, review, ops or all; repeat it for more than one."),
]
Drain = Annotated[
    float, typer.Option("--drain-seconds", min=0.0, help="How long stages under way may go on when leaving.")
]
Lines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@group.command("worker")
def worker(
    ctx: typer.Context, role: Roles = None, drain_seconds: Drain = 60.0, as_json: Lines = False
) -> None:
    """Work beside a control plane on a PostgreSQL store until Ctrl-C; a second Ctrl-C hands everything back."""
    from keelway.app.worker import Crewman  # costs two seconds, which --help should not

    leave, at_once = threading.Event(), threading.Event()

    def asked(_number: int, _frame: object) -> None:
        if leave.is_set():
            at_once.set()
        leave.set()

    man = Crewman.join(shared.place_of(ctx), tuple(role or ()), _json if as_json else _text)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked)
    man.work(leave, at_once, drain_seconds)


def _text(said: Said) -> None:
    progress(said.text)


def _json(said: Said) -> None:
    from keelway.core.codec import to_json

    plain = {name: value for name, value in to_json(said).items() if value not in (None, "", [], ())}
    sys.stdout.write(json.dumps(plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()
