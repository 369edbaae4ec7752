"""Lives under one workflow schema that go on under the next: ``two_numbers.py FOLDER STORE SCENE``.

Every part of a scene is a forked process of its own; the last one leaves FOLDER/told.json.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tests.crash.plane as planes
from tests.crash.control import prepare
from tests.crash.life import ACTS
from tests.workflows.world import PROJECT

from keelway.app.config import Config
from keelway.app.sections import ConfigFile, EnvironmentSection, ProjectSection
from keelway.app.upgrade import bring_up
from keelway.core.errors import KeelwayError
from keelway.core.model.task import OWNER, Request
from keelway.core.policy import WatchPolicy
from keelway.engine import schema
from keelway.engine.run import verbs
from keelway.engine.upgrade import backlog
from keelway.routines.context import Context
from keelway.workflows import cast, stories

FOLDER, TOLD = Path(), dict[str, Any]()
SECONDS_MAX = 60.0
WATCH_SECONDS = 4.0


POLICY = replace(
    planes.POLICY, watch=WatchPolicy(watch_seconds=2 * WATCH_SECONDS, interval_seconds=WATCH_SECONDS)
)


def under(number: str) -> None:
    """Be the Keelway of a schema number."""
    schema.SCHEMA = verbs.SCHEMA = number  # type: ignore[misc]


def plane(point: str = "", worker: str = "") -> planes.Plane:
    """Begin to work."""
    return planes.Plane(planes.Setting(FOLDER, ACTS["b"], point, worker, policy=POLICY))


def config() -> Config:
    """Return the configuration of that plane."""
    file = ConfigFile(ProjectSection(PROJECT.name), EnvironmentSection(8001), EnvironmentSection(8002))
    return Config(replace(file, policy=POLICY), FOLDER / "origin" / "keelway.toml", PROJECT, POLICY)


def wait(reached: Callable[[], bool]) -> None:
    """Wait for something to happen."""
    end = time.monotonic() + SECONDS_MAX
    while not reached():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)


def ask(point: str = "", alive: int = -1) -> None:
    """Ask for a task and die at a point, or once it waits for its first approval; or tell that, and live on."""
    here = plane(point, "" if alive < 0 or not (FOLDER / "store").exists() else "crew")
    here.commands.submit(Request("Add the number two", OWNER, datetime.now(UTC)))

    def asked() -> bool:
        if not point:
            return bool(here.ledger.questions())
        here.answer()
        return False

    wait(asked)
    time.sleep(0.2)
    if alive >= 0:
        os.write(alive, b"!")
        time.sleep(SECONDS_MAX)
    os.kill(os.getpid(), signal.SIGKILL)


def go_on(until: str = "deployed", *, watched: bool = False) -> None:
    """Work until the task has a status, and also its first look is over if it is watched."""
    here = plane()
    here.commands.resubmit_unstarted()
    (row,) = here.ledger.tasks()

    def reached() -> bool:
        here.answer()
        told = here.ledger.find(row.task.id).status.value
        look = here.engine.status(f"{row.task.id}:watch-1")
        ended = {
            "deployed": look == "done" if watched else look != "absent",
            "failed": here.engine.status(f"{row.task.id}:end-1") == "done",
        }
        return told == until and ended.get(until, True)

    wait(reached)
    row = here.ledger.find(row.task.id)
    TOLD[f"end under {schema.SCHEMA}"] = [row.status.value, row.code, row.error]
    TOLD["people"] = [message.body for message in here.kept["notifier"].everything()["messages"]]
    if watched:
        here.close()
    # Without a close this is a kill: what is delayed or parked stays as it is.


def upgrade(*, dry_run: bool = False, name: str = "upgrade") -> None:
    """Upgrade and keep the report, or the refusal."""
    home = planes.Setting(FOLDER, {}).home
    try:
        done = bring_up(config(), home, lambda _: None, dry_run=dry_run)
        TOLD[f"{name} to {schema.SCHEMA}"] = asdict(done)
    except KeelwayError as refused:
        TOLD[f"{name} to {schema.SCHEMA}"] = refused.code
    there = backlog.Backlog(home.database_url)
    TOLD[f"runs after {name} to {schema.SCHEMA}"] = sorted(
        [run.workflow_id, run.app_version, run.status, run.delay_until_epoch_ms]
        for run in there._runs(backlog._UNFINISHED)
    )
    there.close()


def another_story() -> None:
    """Let the story of a task begin with a step that no record holds."""
    before = stories.deliver_under

    def deliver_under(policy: Any) -> Any:
        told = before(policy)

        async def deliver(conductor: Any, payload: Any) -> Any:
            await conductor.step("something new", lambda: True)
            return await told(conductor, payload)

        return deliver

    stories.deliver_under = deliver_under


def another_stage(name: str) -> None:
    """Let a stage begin with a step that no record holds."""

    def changed(part: cast.Part) -> cast.Part:
        @functools.wraps(part.verb)
        def verb(ctx: Context, value: Any) -> Any:
            ctx.engine.step("something new", lambda: True)
            return part.verb(ctx, value)

        return replace(part, verb=verb) if part.name == name else part

    cast.PARTS = tuple(changed(part) for part in cast.PARTS)  # type: ignore[misc]


def dying(number: int) -> None:
    """Upgrade and die at the n-th call of the engine's client that changes something, after or before it."""
    calls = [0]

    def deadly(verb: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(verb)
        def called(*words: Any, **named: Any) -> Any:
            calls[0] += 1
            if calls[0] * 2 - 1 == number:
                os.kill(os.getpid(), signal.SIGKILL)
            value = verb(*words, **named)
            if calls[0] * 2 == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return value

        return called

    client = backlog.DBOSClient
    for name in ("update_workflow_attributes", "cancel_workflow", "rewind_workflow", "enqueue"):
        setattr(client, name, deadly(getattr(client, name)))
    backlog.Backlog._readdress = deadly(backlog.Backlog._readdress)  # type: ignore[method-assign]
    upgrade()


def parked() -> None:
    """Park at an approval under 1, which nobody may upgrade while it lives, and go on under 2."""
    gate, child = os.pipe(), os.fork()
    if not child:
        under("1")
        ask(alive=gate[1])
    os.read(gate[0], 1)
    forked(lambda: upgrade(name="refused"), "2")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    forked(lambda: (upgrade(dry_run=True, name="foreseen"), upgrade(), upgrade(name="again")), "2")
    forked(lambda: go_on("developing"), "2")


def delayed() -> None:
    """Go live under 2 and be watched under 3."""
    parked()
    forked(go_on, "2")
    forked(upgrade, "3")
    forked(lambda: go_on(watched=True), "3")


def developing() -> None:
    """Be killed in the midst of development under 1 and finish under 2."""
    forked(lambda: ask("agent.work:after:2"))
    forked(upgrade, "2")
    forked(go_on, "2")


def outgrown() -> None:
    """Be killed in the midst of development under 1; under 2 the story is another one."""
    forked(lambda: ask("agent.work:after:2"))
    forked(lambda: (another_story(), upgrade(dry_run=True, name="foreseen")), "2")
    forked(lambda: (another_story(), upgrade()), "2")
    forked(lambda: (another_story(), go_on("failed")), "2")


def outgrown_stage() -> None:
    """Be killed in the midst of development under 1; under 2 that stage is another one."""
    forked(lambda: ask("agent.work:after:2"))
    forked(lambda: (another_stage("development"), upgrade()), "2")
    forked(lambda: (another_stage("development"), go_on("failed")), "2")


def interrupted(change: Callable[[], Any], until: str) -> None:
    """Kill the upgrade at every point in turn, each time a step later, and let the last one finish."""
    forked(lambda: ask("agent.work:after:2"))
    number = 1
    while forked(lambda number=number: (change(), dying(number)), "2", may_die=True):  # type: ignore[misc]
        number += 1
    TOLD["kills"] = number - 1
    keep()
    forked(upgrade, "2")
    forked(lambda: (change(), go_on(until)), "2")


def every_point(change: Callable[[], Any]) -> None:
    """Kill the upgrade at every point of its own, each time in a fresh copy, and let a second one finish."""
    global FOLDER  # noqa: PLW0603 - every part works on the folder of its copy
    forked(lambda: ask("agent.work:after:2"))
    origin, ends, number = FOLDER, [], 0
    while True:
        number += 1
        FOLDER = origin.parent / f"{origin.name}-{number}"
        shutil.copytree(origin, FOLDER)
        died = forked(lambda number=number: (change(), dying(number)), "2", may_die=True)  # type: ignore[misc]
        forked(lambda: (change(), upgrade()), "2")
        ends.append(TOLD["runs after upgrade to 2"])
        shutil.rmtree(FOLDER)
        if not died:
            break
    FOLDER = origin
    TOLD.update(kills=number - 1, ends=ends)
    keep()


SCENES: dict[str, Callable[[], None]] = {
    "prepare": lambda: None,
    "parked": parked,
    "delayed": delayed,
    "developing": developing,
    "outgrown": outgrown,
    "outgrown_stage": outgrown_stage,
    "interrupted": lambda: interrupted(lambda: None, "deployed"),
    "interrupted_close": lambda: interrupted(another_story, "failed"),
    "every_point": lambda: every_point(lambda: None),
    "every_point_close": lambda: every_point(another_story),
}


def forked(work: Callable[[], Any], number: str = "1", *, may_die: bool = False) -> bool:
    """Do something in a process of its own, and tell whether it was killed."""
    child = os.fork()
    if not child:
        try:
            under(number)
            work()
            keep()
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    end = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if end > 0 or (end < 0 and not may_die and number != "1"):
        sys.exit(f"a part ended with {end}")
    if (FOLDER / "told.json").exists():
        TOLD.update(json.loads((FOLDER / "told.json").read_text()))
    return end < 0


def keep() -> None:
    """Leave what was told for the parts that follow."""
    (FOLDER / "told.json").write_text(json.dumps(TOLD, indent=1))


if __name__ == "__main__":
    FOLDER = Path(sys.argv[1])
    if sys.argv[2] != "-":
        (FOLDER / "store").write_text(sys.argv[2])
    if not (FOLDER / "home").exists():
        forked(lambda: prepare(FOLDER))
    SCENES[sys.argv[3]]()
