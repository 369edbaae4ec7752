"""Live acts on real git and the durable engine: ``control.py [TEMPLATE FOLDER ACT POINTS STORE]...``.

POINTS are names like ``forge.merge:after:2``, joined by commas: one process dies at each, in turn,
and one more lives to the end and describes it in FOLDER/end.json, unless the last point is ``.``.
STORE is the address of a database, or ``-`` for SQLite. ``prepare FOLDER STORE`` makes a folder in
which both environments run the first release. Every life is a forked process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.conformance.git_rig import make_origin
from tests.crash.end import describe
from tests.crash.engine_points import name_the_engine
from tests.crash.life import ACTS
from tests.crash.plane import Plane, Setting
from tests.workflows.world import BASE_FILES

from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER, Request


def prepare(folder: Path) -> None:
    """Make an origin and bring it to both environments."""
    make_origin(folder / "origin", BASE_FILES)
    plane = Plane(Setting(folder, ACTS["b"]))
    for environment in (STAGING, PRODUCTION):
        run = plane.commands.deploy(environment, "", OWNER).run
        plane.wait(run)
        assert plane.engine.result(run)["ok"], plane.engine.result(run)
    for kept in plane.kept.values():
        kept.keep()
    plane.close()
    (folder / "effects").unlink()


def live(folder: Path, act: str, point: str) -> None:
    """Live one act from where it stands to its end, or to the appointed point."""
    plane = Plane(Setting(folder, ACTS[act], point))
    name_the_engine(plane.killer)
    tasks = plane.ledger.tasks()
    if not tasks:
        plane.commands.submit(Request("Add the number two", OWNER, datetime.now(UTC)))
        tasks = plane.ledger.tasks()
    plane.commands.resubmit_unstarted()
    task = tasks[0].task.id
    plane.wait(task)
    for further in ("end-1", "watch-1"):
        if plane.engine.status(run := f"{task}:{further}") != "absent":
            plane.wait(run)
    end = describe(plane.ledger, plane.forge, plane.target, plane.kept, folder)
    plane.close()
    (folder / "end.json").write_text(json.dumps(end, indent=1, sort_keys=True))


def forked(folder: Path, work: Any, *words: Any) -> int:
    """Do something in a process of its own and say how it ended: 0, 1 or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(begun(folder, work, *words), 0)[1])


def begun(folder: Path, work: Any, *words: Any) -> int:
    """Begin something in a process of its own and return its number."""
    child = os.fork()
    if child:
        return child
    os.dup2(os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    try:
        work(folder, *words)
    except BaseException:  # noqa: BLE001 - the parent reads how it ended
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _name_store(folder: Path, store: str) -> None:
    if store != "-":
        (folder / "store").write_text(store)


def main(words: list[str]) -> None:
    """Prepare a folder, or live in copies of it."""
    if words[0] == "prepare":
        folder = Path(words[1])
        _name_store(folder, words[2])
        if forked(folder, prepare):
            sys.exit((folder / "stderr").read_text())
        return
    for template, name, act, points, store in zip(*(words[part::5] for part in range(5)), strict=True):
        folder = Path(name)
        shutil.copytree(template, folder, dirs_exist_ok=True)
        _name_store(folder, store)
        began = time.monotonic()
        stops = [*points.split(), ""]
        if "." in stops:
            stops = stops[: stops.index(".")]
        ends = [forked(folder, live, act, point) for point in stops]
        (folder / "ends.json").write_text(json.dumps([ends, time.monotonic() - began]))


if __name__ == "__main__":
    main(sys.argv[1:])
