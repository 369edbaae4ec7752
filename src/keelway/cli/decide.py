"""Decide about a task and control it."""

from __future__ import annotations

from typing import Annotated

import typer

from keelway.cli import shared
from keelway.cli.shared import Json, Task, Yes, confirm, out
from keelway.core.errors import RequestRefused

group = typer.Typer()

Note = Annotated[str, typer.Option("--note", help="Kept with the answer.")]
Digest = Annotated[
    str,
    typer.Option("--digest", help="Only if exactly this is asked: the digest that `keelway show` prints."),
]
LinkFor = Annotated[
    str, typer.Option("--link", help="Do not answer: print a link with which this person can, once.")
]


def _answer(ctx: typer.Context, task: str, verb: str, note: str, as_json: bool, about: str = "") -> None:
    from keelway.cli.show.task import answered

    remote = shared.act(ctx)
    out(remote.answer(shared.named(remote, task), verb, note, about=about), as_json, answered)


def _answer_shown(ctx: typer.Context, task: str, verb: str, note: str, as_json: bool, digest: str) -> None:
    """Answer exactly the question that is shown: one that changed meanwhile is refused."""
    from keelway.cli.show.task import answered, bound

    remote = shared.act(ctx)
    name = shared.named(remote, task)
    asked = next((each for each in reversed(remote.task(name).questions) if each.commands), None)
    if asked is not None and digest and not _begins(asked.digest, digest):
        raise RequestRefused(
            "void", f"{name} asks about {asked.digest}, not about {digest}.", f"keelway show {name}"
        )
    if asked is not None and not as_json:
        bound(asked)
    shown = remote.answer(name, verb, note, question=asked.id if asked else "")
    out(shown, as_json, answered)


def _begins(digest: str, given: str) -> bool:
    return digest.removeprefix("sha256:").startswith(given.removeprefix("sha256:").lower())


def _link(ctx: typer.Context, task: str, person: str, answer: str, as_json: bool) -> None:
    from keelway.cli.show.text import say

    remote = shared.act(ctx)
    issued = remote.answer_link(shared.named(remote, task), person, answer)
    out(issued, as_json, lambda link: say(remote.server.url + link.path))


def _control(ctx: typer.Context, task: str, verb: str, as_json: bool) -> None:
    from keelway.cli.show.task import opened

    remote = shared.act(ctx)
    out(remote.control(shared.named(remote, task), verb), as_json, opened)


@group.command("approve")
def approve(
    ctx: typer.Context,
    task: Task,
    *,
    note: Note = "",
    digest: Digest = "",
    link: LinkFor = "",
    as_json: Json = False,
) -> None:
    """Say yes to what a task asks; what exactly, and what changed since it asked before, is printed."""
    if link:
        _link(ctx, task, link, "yes", as_json)
    else:
        _answer_shown(ctx, task, "approve", note, as_json, digest)


@group.command("revise")
def revise(
    ctx: typer.Context,
    task: Task,
    remarks: Annotated[str, typer.Argument(help="What the plan should do differently.")],
    as_json: Json = False,
) -> None:
    """Send a plan back with remarks."""
    _answer(ctx, task, "revise", remarks, as_json)


@group.command("reject")
def reject(
    ctx: typer.Context,
    task: Task,
    *,
    note: Note = "",
    digest: Digest = "",
    link: LinkFor = "",
    as_json: Json = False,
) -> None:
    """Say no to what a task asks; the task ends."""
    if link:
        _link(ctx, task, link, "no", as_json)
    else:
        _answer_shown(ctx, task, "reject", note, as_json, digest)


@group.command("promote")
def promote(ctx: typer.Context, task: Task, note: Note = "", as_json: Json = False) -> None:
    """Say yes to the deployment to production that a task asks for, and to nothing else."""
    _answer(ctx, task, "approve", note, as_json, about="production")


@group.command("pause")
def pause(ctx: typer.Context, task: Task, as_json: Json = False) -> None:
    """Hold a task at its next effect."""
    _control(ctx, task, "pause", as_json)


@group.command("resume")
def resume(ctx: typer.Context, task: Task, as_json: Json = False) -> None:
    """Let a paused task go on."""
    _control(ctx, task, "resume", as_json)


@group.command("abort")
def abort(ctx: typer.Context, task: Task, yes: Yes = False, as_json: Json = False) -> None:
    """End a task at its next effect and undo what it did."""
    remote = shared.act(ctx)
    name = shared.named(remote, task)
    confirm(f"End {remote.task(name).line.name} and undo what it did?", yes)
    _control(ctx, name, "abort", as_json)


@group.command("retry")
def retry(ctx: typer.Context, task: Task, as_json: Json = False) -> None:
    """Try a task that did not get through again, as a new task."""
    _control(ctx, task, "retry", as_json)
