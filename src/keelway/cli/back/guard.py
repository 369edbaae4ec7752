"""Keep the way back open: locks, drills, drift, and what may not be deployed again."""

from __future__ import annotations

from typing import Annotated

import typer

from keelway.cli import shared
from keelway.cli.back.rollback import end
from keelway.cli.deliver import NoWait
from keelway.cli.shared import Json, Yes, confirm, out
from keelway.core.errors import RequestRefused, YourFault

group = typer.Typer()

Environment = Annotated[str, typer.Argument(help="staging or production.")]
Hours = Annotated[float, typer.Option("--for", min=0, help="Hours after which it ends by itself; 0 never.")]


@group.command("lock")
def lock(
    ctx: typer.Context,
    environment: Environment = "",
    reason: Annotated[str, typer.Argument(help="Told to everybody who is kept out.")] = "",
    *,
    hours: Hours = 0.0,
    as_json: Json = False,
) -> None:
    """Keep deployments out of an environment, except a way back; alone it shows the locks."""
    from keelway.cli.back import show

    remote = shared.act(ctx)
    if not environment:
        out(remote.locks(), as_json, show.locks)
        return
    out(remote.lock(environment, reason, hours), as_json, lambda made: show.locks((made,)))


@group.command("unlock")
def unlock(ctx: typer.Context, environment: Environment, as_json: Json = False) -> None:
    """Let deployments into an environment again, whoever locked it."""
    from keelway.cli.back import show

    out(shared.act(ctx).unlock(environment), as_json, show.lifted)


@group.command("drill")
def drill(
    ctx: typer.Context,
    environment: Environment = "staging",
    *,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="deploy, rollback or restore; may be repeated.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Show the drills that were.")] = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Walk the way back as if it were needed: deploy a no-op change, take it back, check that backups restore."""
    from keelway.cli.back import show
    from keelway.core.release.drill import PARTS

    remote = shared.act(ctx)
    if history:
        out(remote.drills(environment), as_json, show.drills)
        return
    end(remote, remote.drill(environment, tuple(only or PARTS)), no_wait, as_json)


@group.command("drift")
def drift(
    ctx: typer.Context,
    environment: Environment = "",
    *,
    adopt: Annotated[bool, typer.Option("--adopt", help="What runs is right: record it.")] = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="What is recorded is right: put it back.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Kept with the decision.")] = "",
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Compare what runs with what is recorded; 0 when they are the same, 3 when somebody changed it by hand."""
    from keelway.cli.back import show

    remote = shared.act(ctx)
    if not (adopt or restore):
        views = remote.drift(environment)
        out(views, as_json, show.drifts)
        if any(view.ruling == "fail" for view in views):
            raise typer.Exit(RequestRefused.exit_code)
        return
    if (adopt and restore) or not environment:
        said = "Name one environment, and either --adopt or --restore."
        raise YourFault("which_drift", said, "keelway drift production --adopt")
    word = "Record what runs in" if adopt else "Put back what is recorded for"
    confirm(f"{word} {environment}?", yes)
    end(remote, remote.settle_drift(environment, "adopt" if adopt else "restore", reason), no_wait, as_json)


@group.command("quarantine")
def quarantine(
    ctx: typer.Context,
    sha: Annotated[str, typer.Argument(help="Beginning of a quarantined commit; empty lists them.")] = "",
    *,
    cured_by: Annotated[
        str, typer.Option("--cured-by", help="Later commit or branch that undoes or cures it.")
    ] = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Show the commits that no deployment may carry, or say which later commit makes one harmless."""
    from keelway.cli.back import show

    remote = shared.act(ctx)
    if not sha:
        out(remote.quarantine(), as_json, show.quarantine)
        return
    if not cured_by:
        raise YourFault("no_cure", f"Say what cures {sha}.", f"keelway quarantine {sha} --cured-by COMMIT")
    confirm(f"Let deployments carry {sha} again, together with {cured_by}?", yes)
    out(remote.cure(sha, cured_by), as_json, lambda entry: show.quarantine((entry,)))
