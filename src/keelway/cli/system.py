"""Set up, start, stop, check and audit an installation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from keelway.app.desk import Place, Reader, freeze, unfreeze
from keelway.cli import shared
from keelway.cli.shared import Json, Yes, confirm, out, progress
from keelway.core.errors import KeelwayError, RequestRefused, YourFault

group = typer.Typer()

EXPORT_PAGE, EXPORT_EVENTS_MAX = 1_000, 10_000_000


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


@group.command("audit")
def audit(
    ctx: typer.Context,
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Walk the whole chain; 1 when it is broken.")
    ] = False,
    task: Annotated[str, typer.Option("--task", help="Only this task.")] = "",
    after: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")] = 200,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write every event as JSON lines to a new file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show, verify or export the record of everything that happened."""
    from keelway.cli.show.system import audit_report
    from keelway.cli.show.task import event_lines
    from keelway.cli.show.text import say

    who = shared.ask(ctx)
    name = shared.named(who, task)
    if verify:
        report = who.verify_audit()
        out(report, as_json, audit_report)
        raise typer.Exit(0 if report.ok else 1)
    if export is not None:
        count = _export(who, name, export)
        out(
            {"events": count, "file": str(export)}, as_json, lambda _: say(f"{count} events are in {export}.")
        )
        return
    out(who.timeline(after=after, task=name, limit=limit), as_json, event_lines)


@group.command("flaky")
def flaky(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the tests that fail by chance, as the judge saw it, so that somebody repairs them."""
    from keelway.cli.show.system import flaky_page

    out(shared.ask(ctx).flaky(), as_json, flaky_page)


def _export(who: Reader, task: str, path: Path) -> int:
    from keelway.core.codec import to_json

    count, after = 0, 0
    try:
        with path.open("x", encoding="utf-8") as stream:
            while count < EXPORT_EVENTS_MAX and (
                page := who.timeline(after=after, task=task, limit=EXPORT_PAGE)
            ):
                for each in page:
                    stream.write(json.dumps(to_json(each), ensure_ascii=False) + "\n")
                count, after = count + len(page), page[-1].sequence
    except OSError as error:
        raise YourFault(
            "export_failed", f"{path} cannot be written: {error.strerror}.", "name a new file"
        ) from error
    return count
