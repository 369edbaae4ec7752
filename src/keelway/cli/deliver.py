"""Deploy, look at releases and at health."""

from __future__ import annotations

from typing import Annotated

import typer

from keelway.cli import shared
from keelway.cli.follow import follow_order
from keelway.cli.shared import Json, Yes, confirm, out

group = typer.Typer()

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and do nothing.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return as soon as it is ordered.")]


@group.command("deploy")
def deploy(
    ctx: typer.Context,
    environment: Annotated[str, typer.Argument(help="staging or production.")],
    ref: Annotated[str, typer.Argument(help="Branch or commit on a protected branch.")] = "",
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Deploy a branch or commit by hand."""
    from keelway.cli.show import system

    remote = shared.act(ctx)
    shown = remote.deploy_preview(environment, ref)
    if dry_run:
        out(shown, as_json, system.deploy_preview)
        return
    confirm(f"Deploy {shown.release} ({shown.ref}) to {environment}?", yes or environment != "production")
    order = remote.deploy(environment, ref)
    done = order if no_wait else follow_order(remote, order)
    out(done, as_json, system.order)
    raise typer.Exit(1 if done.ok is False else 0)


@group.command("confirm")
def confirm_deployed(
    ctx: typer.Context,
    environment: Annotated[str, typer.Argument(help="Environment that is deployed by hand.")],
    release: Annotated[str, typer.Argument(help="Release that you deployed, as you were told.")],
    *,
    failed: Annotated[str, typer.Option("--failed", help="It could not be deployed: say why.")] = "",
    as_json: Json = False,
) -> None:
    """Say that a release which you deployed by hand is live, or why it is not."""
    from keelway.cli.show import system

    out(shared.act(ctx).confirm(environment, release, failed), as_json, system.order)


@group.command("releases")
def releases(
    ctx: typer.Context,
    environment: Annotated[str, typer.Argument(help="Only this environment.")] = "",
    sbom: Annotated[
        str, typer.Option("--sbom", help="Print what this release is made of (CycloneDX 1.6).")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show what was deployed where, and the ways back with their evidence."""
    from keelway.cli.show.system import releases_page

    if sbom:
        out(shared.ask(ctx).sbom(sbom), True, lambda _: None)
        return
    out(shared.ask(ctx).releases(environment), as_json, releases_page)


@group.command("metrics")
def metrics(
    ctx: typer.Context,
    environment: Annotated[str, typer.Argument(help="Whose deployments.")] = "production",
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days back.")] = 30,
    as_json: Json = False,
) -> None:
    """Show how well delivery works: each deployment, the five figures of DORA, targets, and what is out of bounds."""
    from keelway.cli.show.delivery import delivery_page

    out(shared.ask(ctx).metrics(environment, days=days), as_json, delivery_page)


@group.command("health")
def health(
    ctx: typer.Context,
    environment: Annotated[str, typer.Argument(help="Only this environment.")] = "",
    as_json: Json = False,
) -> None:
    """Ask running applications their health questions now; 0 when every answer is good."""
    from keelway.cli.show.system import health_page

    remote = shared.act(ctx)
    names = [environment] if environment else [place.name for place in remote.status().environments]
    views = tuple(remote.health(name) for name in names)
    out(views, as_json, health_page)
    raise typer.Exit(0 if views and all(view.ok for view in views) else 1)
