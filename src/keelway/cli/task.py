"""Ask for tasks and look at them."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from keelway.app.desk import Reader
from keelway.app.view.task import TaskLine
from keelway.cli import shared
from keelway.cli.follow import POLL_SECONDS, exit_code_of, follow
from keelway.cli.shared import EXIT_STOPPED, Json, Task, out

group = typer.Typer()


@group.command("ask")
def ask(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="What the application should do differently.")],
    *,
    hotfix: Annotated[bool, typer.Option(help="Take the fast track; no gate is left out.")] = False,
    severity: Annotated[str, typer.Option(help="low, medium, high or critical.")] = "low",
    by: Annotated[str, typer.Option(help="Whose wish it is, as name@channel; the owner's by default.")] = "",
    wait: Annotated[
        bool, typer.Option("--wait", "--watch", help="Follow it to its end, or to a question.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask for a change of the application; a task is opened and works its way to production."""
    from keelway.cli.show.task import opened, task_page

    remote = shared.act(ctx)
    line = remote.submit(text, hotfix=hotfix, severity=severity, by=by)
    if not wait:
        out(line, as_json, opened)
        return
    view = follow(remote, line.name, stop_when_asked=True, quiet=as_json)
    out(view, as_json, task_page)
    raise typer.Exit(exit_code_of(view))


@group.command("status")
def status(
    ctx: typer.Context,
    task: Annotated[str, typer.Argument(help="Only this task.", autocompletion=shared.complete_task)] = "",
    link: Annotated[
        bool, typer.Option("--link", help="Print a link that opens the status page once.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the installation at a glance, or one task."""
    from keelway.cli.show.system import status_page
    from keelway.cli.show.text import say

    if task:
        show(ctx, task, as_json)
    elif link:
        remote = shared.act(ctx)
        out({"url": remote.server.url + remote.page_link()}, as_json, lambda shown: say(shown["url"]))
    else:
        out(shared.ask(ctx).status(), as_json, status_page)


@group.command("tasks")
def tasks(
    ctx: typer.Context,
    open_only: Annotated[bool, typer.Option("--open", help="Only tasks that still run.")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only tasks that wait for a person.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List tasks, newest first."""
    from keelway.cli.show.task import task_table

    lines: tuple[TaskLine, ...] = shared.ask(ctx).tasks(open_only=open_only or waiting, limit=limit)
    out(tuple(line for line in lines if line.waits_for or not waiting), as_json, task_table)


@group.command("show")
def show(ctx: typer.Context, task: Task, as_json: Json = False) -> None:
    """Show everything about a task."""
    from keelway.cli.show.task import task_page

    who = shared.ask(ctx)
    out(who.task(shared.named(who, task)), as_json, task_page)


@group.command("watch")
def watch(ctx: typer.Context, task: Task = "@last", as_json: Json = False) -> None:
    """Follow a task live until it ends."""
    from keelway.cli.show.task import task_page

    who = shared.act(ctx)
    view = follow(who, shared.named(who, task), stop_when_asked=False, quiet=as_json)
    out(view, as_json, task_page)
    raise typer.Exit(exit_code_of(view))


@group.command("logs")
def logs(
    ctx: typer.Context,
    task: Task,
    stage: Annotated[str, typer.Option(help="Only this stage.")] = "",
    follow_on: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with every event as it happens.")
    ] = False,
    artefact: Annotated[
        str, typer.Option(help="Print one thing that is kept, such as dev-1/transcript.jsonl, in full.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show what stages, checks and agents said, and what is kept of it."""
    from keelway.cli.show.costs import artefact_text
    from keelway.cli.show.task import log_page

    who = shared.ask(ctx)
    name = shared.named(who, task)
    if artefact:
        out(who.artefact(name, artefact), as_json, artefact_text)
        return
    out(who.logs(name, stage=stage), as_json, log_page)
    if follow_on:
        _go_on(shared.act(ctx), name)


@group.command("costs")
def costs(
    ctx: typer.Context,
    *,
    by: Annotated[
        list[str], typer.Option(help="task, role, agent, model or day; may be given more than once.")
    ] = ["task"],  # noqa: B006 - typer copies it
    since: Annotated[str, typer.Option(help="24h, 7d, 4w, or a day such as 2026-01-31 (UTC).")] = "",
    task: Annotated[
        str, typer.Option(help="Only this task: T-142, 142 or @last.", autocompletion=shared.complete_task)
    ] = "",
    as_json: Json = False,
) -> None:
    """Show what models and agents used and what it cost."""
    from keelway.cli.show.costs import costs_page

    who = shared.ask(ctx)
    name = shared.named(who, task) if task else ""
    out(who.costs(by=tuple(by), since=since, task=name), as_json, costs_page)


def _go_on(who: Reader, name: str) -> None:
    from keelway.cli.show.task import event

    after = 0
    try:
        while True:
            page = who.timeline(after=after, task=name)
            for each in page:
                typer.echo(event(each))
                after = each.sequence
            if not page and not who.task(name).line.open:
                return
            time.sleep(0 if page else POLL_SECONDS)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_STOPPED) from None


@group.command("diff")
def diff(ctx: typer.Context, task: Task, as_json: Json = False) -> None:
    """Show the patch of a task."""
    from keelway.cli.show.task import patch

    who = shared.ask(ctx)
    out(who.diff(shared.named(who, task)), as_json, patch)


@group.command("plan")
def plan(ctx: typer.Context, task: Task, as_json: Json = False) -> None:
    """Show the plan of a task and the question about it."""
    from keelway.cli.show.task import plan_page

    who = shared.ask(ctx)
    out(who.plan(shared.named(who, task)), as_json, plan_page)


@group.command("explain")
def explain(ctx: typer.Context, task: Task, as_json: Json = False) -> None:
    """Say why a task is where it is: the gate, its value, its rule, and what comes next."""
    from keelway.cli.show.task import explanation

    who = shared.ask(ctx)
    out(who.explain(shared.named(who, task)), as_json, explanation)
