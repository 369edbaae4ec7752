"""Go back: the menu, a dry run of every step, and the rollback itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from keelway.cli import shared
from keelway.cli.deliver import DryRun, NoWait
from keelway.cli.follow import follow_order
from keelway.cli.shared import Json, Yes, confirm, out
from keelway.core.errors import YourFault

if TYPE_CHECKING:
    from keelway.app.remote import Remote
    from keelway.app.view.system import OrderView

group = typer.Typer()

ENVIRONMENTS = frozenset({"staging", "production"})

To = Annotated[
    str,
    typer.Option(
        "--to", help="Release, number of the list, branch, tag or commit; empty for the one before."
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Kept with the rollback and told to people.")]
Restore = Annotated[
    bool, typer.Option("--restore", help="Accept that the backup is restored; the dry run says what is lost.")
]
FeatureOnly = Annotated[
    bool, typer.Option("--feature", help="Only what this task brought; what came later stays.")
]
Prepare = Annotated[
    bool, typer.Option("--prepare", help="Only open the branch and the pull request that bring git back.")
]
Land = Annotated[int, typer.Option("--land", help="Merge this pull request of a rollback.")]


@group.command("rollback")
def rollback(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(help="A task, or staging or production.")] = "",
    *,
    to: To = "",
    reason: Reason = "",
    feature: FeatureOnly = False,
    restore: Restore = False,
    prepare: Prepare = False,
    land: Land = 0,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Take back a task, or an environment to an earlier release; alone it shows the menu of ways back."""
    from keelway.cli.back import show

    remote = shared.act(ctx)
    if land:
        confirm(f"Merge the pull request #{land} of a rollback?", yes)
        end(remote, remote.land(land), no_wait, as_json)
    if not what:
        out(remote.menu(), as_json, show.menus)
        return
    what = shared.named(remote, what)
    if feature:
        _feature(remote, what, reason, yes, as_json)
        return
    if prepare:
        end(remote, remote.prepare(what, to, reason), no_wait, as_json)
    if not to and not yes and not dry_run and what in ENVIRONMENTS and sys.stdin.isatty():
        to = _choice(remote, what)
    preview = remote.rollback_preview(what, to, restore=restore)
    if dry_run:
        out(preview, as_json, show.back_preview)
        return
    if not yes and sys.stdin.isatty():
        show.back_preview(preview)
    loss = f" Data is lost: {preview.loss or 'unknown'}." if preview.loses_data else ""
    confirm(f"Take {preview.environment} back to {preview.to_release or 'nothing'}?{loss}", yes)
    end(remote, remote.rollback(what, to_release=to, reason=reason, restore=restore), no_wait, as_json)


def _choice(remote: Remote, environment: str) -> str:
    """Show the menu and return what a person chose from it."""
    from keelway.cli.back import show

    show.menus(remote.menu(environment))
    said: str = typer.prompt("Which one? (A, a tag, a branch, a commit, or a number)", default="A", err=True)
    return "" if said.strip().upper() == "A" else said.strip()


def _feature(remote: Remote, task: str, reason: str, yes: bool, as_json: bool) -> None:
    from keelway.cli.show.task import opened

    if task in ENVIRONMENTS:
        raise YourFault("no_feature", f"{task} is no feature.", "keelway rollback T-5 --feature")
    confirm(f"Open a task that takes back {task} and nothing else?", yes)
    out(remote.undo_feature(task, reason), as_json, opened)


def end(remote: Remote, order: OrderView, no_wait: bool, as_json: bool) -> None:
    """Wait for the end of an order, show it, and leave with its code.

    Raises:
        typer.Exit: always.
    """
    from keelway.cli.show import system

    done = order if no_wait else follow_order(remote, order)
    out(done, as_json, system.order)
    raise typer.Exit(1 if done.ok is False else 0)
