"""Send one bad release to production under load, and see what becomes of it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.releases.during import ACTS
from tests.releases.kinds.kind import End, Kind
from tests.releases.load import SECONDS_MAX
from tests.releases.pier import Pier, pier
from tests.releases.row import Row, row_of

from keelway.core.errors import KeelwayError
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import OWNER
from keelway.routines.rollout import newest_of
from keelway.workflows.closing import closing_run

BASELINE_SECONDS = 12.0
INTO_SECONDS = 2.0
"""How long a release is observed before the world goes wrong around it."""
SETTLE_SECONDS = 2.5
DISK_MEGABYTES = 96
DISK_LEFT_BYTES = 600_000


class CannotMount(Exception):
    """Say that this machine does not let us have a small disk."""


def trial(pier: Pier, kind: Kind, number: int = 1) -> Row:
    """Send a bad release and return what it cost."""
    pier.users.rate = kind.rate
    merged = pier.land(kind, number=number)
    task = merged.task
    if kind.during == "fill_disk":
        fill(pier.home.root)
    act, told = ACTS.get(kind.during), {}
    observed_at = 0.0

    def meanwhile() -> None:
        nonlocal act, observed_at
        for question in pier.app.ledger.questions(task=task.id):
            with suppress(KeelwayError):
                pier.commands.reject(question.task, OWNER)
        mine = newest_of(pier.app.ledger.deployments(PRODUCTION), task.id)
        if act is None or mine is None or mine.status != "observing":
            return
        observed_at = observed_at or time.monotonic()
        if time.monotonic() - observed_at >= INTO_SECONDS:
            act(pier, mine)
            act = None

    run = pier.send(merged, staging=kind.staging)
    pier.wait(run, 4 * kind.window_seconds + 120, meanwhile)
    told = pier.engine.result(run) or {
        "ok": False,
        "code": pier.engine.status(run),
        "message": "",
        "findings": [],
    }
    if kind.during == "fill_disk":
        (pier.home.root / "filler").unlink()
    if not told["ok"]:
        pier.wait(closing_run(task.id), 120)
    elif End.WATCHED in kind.ends:
        end = time.monotonic() + 60
        while pier.app.ledger.find(task.id).status is not Status.ROLLED_BACK and time.monotonic() < end:
            pier.turn()
    settle(pier)
    return row_of(pier, kind, merged, told, time.time())


def settle(pier: Pier) -> None:
    """Let the requests on their way end, and the good release be counted again."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        pier.turn()
    last = next((one for one in reversed(pier.users.sent) if one.wrong), None)
    if last is not None and time.time() - last.done_at < 1.0:
        time.sleep(SECONDS_MAX - SETTLE_SECONDS)


@contextmanager
def world(root: Path, kind: Kind | None = None) -> Iterator[Pier]:
    """Open a pier with a history: two good releases, and a while of being used."""
    with _disk(root, kind), pier(root, kind) as made:
        made.users.rate = 60.0 if kind is None else kind.rate
        origin = root / "pier"
        text = (origin / "web.py").read_text()
        made.second = second(made, origin, text)  # type: ignore[attr-defined]
        end = time.monotonic() + BASELINE_SECONDS
        while time.monotonic() < end:
            made.turn()
        yield made


def second(pier: Pier, origin: Path, text: str) -> str:
    """Deploy another good release, so that there are two to go back to."""
    from tests.conformance.git_rig import git

    (origin / "web.py").write_text(f"{text}\n# again\n")
    git(origin, "commit", "-q", "-a", "-m", "Build the pier again")
    done = pier.deploy(PRODUCTION)
    assert done["ok"], done
    return str(done["release"])


@contextmanager
def _disk(root: Path, kind: Kind | None) -> Iterator[None]:
    """Give the home a small disk of its own when a kind fills it."""
    if kind is None or kind.during != "fill_disk":
        yield
        return
    home = root / "home"
    home.mkdir(parents=True)
    words = ("mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m,mode=700", "tmpfs", str(home))
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode != 0:
        raise CannotMount
    try:
        yield
    finally:
        subprocess.run(("umount", "-l", str(home)), capture_output=True, check=False)


def fill(home: Path) -> None:
    """Leave so little room that the release does not fit, and the book just does."""
    room = os.statvfs(home)
    free = room.f_bavail * room.f_frsize
    with (home / "filler").open("wb") as out:
        out.write(bytes(max(0, free - DISK_LEFT_BYTES)))
