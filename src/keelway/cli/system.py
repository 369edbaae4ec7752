"""Set up, start, stop and check an installation."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from keelway.app.desk import Place, freeze, unfreeze
from keelway.cli import shared
from keelway.cli.shared import Json, Yes, confirm, out, progress
from keelway.core.errors import KeelwayError, RequestRefused, YourFault

group = typer.Typer()


@group.command("doctor")
def doctor(
    ctx: typer.Context,
    *,
    what: Annotated[
        str, typer.Argument(help="Nothing for every wire; `sandbox` to attack the sandbox of agents.")
    ] = "",
    agent: Annotated[bool, typer.Option(help="Start the coding agent and greet it.")] = True,
    cage: Annotated[
        str, typer.Option("--cage", help="Sandbox to attack; the configured one, if none is named.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Check every wire; 0 when nothing is broken. `doctor sandbox` ends with 3 when an attack got through."""
    from keelway.app.doctor.check import FAIL
    from keelway.app.doctor.examine import examine
    from keelway.cli.show.system import checks

    if what == "sandbox":
        _attack(ctx, cage, as_json)
    if what:
        raise YourFault("unknown_check", f"There is no check called {what!r}.", "keelway doctor sandbox")
    found = examine(shared.place_of(ctx), probe_agent=agent)
    out(found, as_json, checks)
    raise typer.Exit(1 if any(check.state == FAIL for check in found) else 0)


def _attack(ctx: typer.Context, cage: str, as_json: bool) -> NoReturn:
    """Run the battery; it needs no project, but heeds the one that is there."""
    from keelway.app.doctor.sandbox import attack
    from keelway.app.sections import SandboxSection
    from keelway.cli.show.trial import trial_page

    try:
        section = shared.place_of(ctx).config.file.sandbox
    except YourFault as fault:
        if fault.code != "no_config":
            raise
        section = SandboxSection()
    trial = attack(section, cage, progress)
    out(trial, as_json, trial_page)
    raise typer.Exit(0 if trial.passed else RequestRefused.exit_code)


@group.command("up")
def up(
    ctx: typer.Context,
    background: Annotated[bool, typer.Option("--detach", "-d", help="Start in the background.")] = False,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Loopback port; 0 takes a free one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start the control plane, and bring a first release up where none runs."""
    from keelway.app.control import begin
    from keelway.cli.show.text import say

    place = shared.place_of(ctx)
    if not background:
        begin.become(place, port)
    server = begin.detach(place, port, progress)
    shown = {"url": server.url, "pid": server.pid}
    out(shown, as_json, lambda told: say(f"The control plane runs as pid {told['pid']} on {told['url']}."))


@group.command("down")
def down(
    ctx: typer.Context,
    server_only: Annotated[
        bool, typer.Option("--server-only", help="Leave fronts and releases running.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """End the control plane, then every release, front and daemon."""
    from keelway.app.control import end
    from keelway.cli.show.text import say

    place = shared.place_of(ctx)
    if not server_only:
        confirm("End the control plane and all releases? Users get no answer any more.", yes)
    pid = end.end_server(place)
    ended = not server_only and end.end_releases(place)
    text = f"The control plane (pid {pid}) has ended." if pid else "No control plane was running."
    kept = (
        " Releases, fronts and daemons have ended."
        if ended
        else " Fronts and releases were left as they are."
    )
    out({"server_pid": pid, "releases_ended": ended}, as_json, lambda _: say(text + kept))


@group.command("freeze")
def freeze_all(
    ctx: typer.Context,
    reason: Annotated[str, typer.Argument(help="Told to everybody who is held.")] = "",
    as_json: Json = False,
) -> None:
    """Pull the emergency stop: every effect waits, except a way back that has begun."""
    from keelway.cli.show.system import frozen_line
    from keelway.cli.show.text import say

    place = shared.place_of(ctx)
    out(freeze(place.home, _me(place), reason), as_json, lambda pulled: say(frozen_line(pulled)))


@group.command("unfreeze")
def unfreeze_all(ctx: typer.Context, as_json: Json = False) -> None:
    """Release the emergency stop."""
    from keelway.cli.show.text import say

    place = shared.place_of(ctx)
    lifted = unfreeze(place.home, _me(place))
    text = "The freeze is lifted; effects go on." if lifted else "No freeze was in force."
    out({"active": False, "lifted": lifted}, as_json, lambda _: say(text))


def _me(place: Place) -> str:
    """Return who acts; the emergency stop has to work with a broken configuration as well."""
    try:
        return f"{place.config.project.owner}@cli"
    except KeelwayError:
        return "owner@cli"


@group.command("flaky")
def flaky(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the tests that fail by chance, as the judge saw it, so that somebody repairs them."""
    from keelway.cli.show.system import flaky_page

    out(shared.ask(ctx).flaky(), as_json, flaky_page)
