"""Die in the middle of a way back while many tasks begin, and see who acts first: ``first_back.py TEMPLATE FOLDER POINT OTHERS STORE``.

The order of the tasks' effects after the kill is in FOLDER/order.json.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

from tests.crash.control import forked
from tests.crash.engine_points import name_the_engine
from tests.crash.plane import Plane, Setting
from tests.crash.soak.cast import Cast
from tests.crash.soak.tend import TRUSTING, submit

from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import CLOSED
from keelway.store.database import open_database
from keelway.store.ledger import SqlLedger

SECONDS_MAX = 240.0
UNDER_WAY = frozenset({"pr_open", "staging", "observing", "promoting"})


def begin(folder: Path, kinds: list[str], point: str) -> None:
    """Live the first task to the appointed point; the others are asked for when it is being merged."""
    plane = Plane(Setting(folder, Cast(kinds), point, policy=TRUSTING))
    name_the_engine(plane.killer)
    submit(plane, kinds[:1])
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        first = next(row for row in plane.ledger.tasks() if row.task.number == 1)
        if first.status.value in UNDER_WAY:
            submit(plane, kinds)
        time.sleep(0.01)


def go_on(folder: Path, kinds: list[str], mark: int) -> None:
    """Take everything up again until the first task is closed, and write down whose effects came in which order."""
    plane = Plane(Setting(folder, Cast(kinds), policy=TRUSTING))
    plane.commands.resubmit_unstarted()
    first = next(row.task for row in plane.ledger.tasks() if row.task.number == 1)
    deadline = time.monotonic() + SECONDS_MAX
    while plane.ledger.find(first.id).status not in CLOSED and time.monotonic() < deadline:
        time.sleep(0.02)
    begun = [link.event for link in plane.ledger.events(limit=100_000)][mark:]
    acts = {
        EventKind.EFFECT_INTENDED,
        EventKind.EFFECT_DONE,
    }  # what was intended before the kill is not noted again
    order = [event.task == first.id for event in begun if event.kind in acts]
    end = plane.ledger.find(first.id).status.value
    said = {"first_is_back": order[:1] == [True], "others_later": order.count(False), "end": end}
    (folder / "order.json").write_text(json.dumps({**said, "tasks": len(plane.ledger.tasks())}))


def main(words: list[str]) -> None:
    """Do both in processes of their own."""
    template, folder, point, others, store = words[0], Path(words[1]), words[2], int(words[3]), words[4]
    shutil.copytree(template, folder, dirs_exist_ok=True)
    if store != "-":
        (folder / "store").write_text(store)
    kinds = ["c", *["question"] * others]
    codes = [forked(folder, begin, kinds, point)]
    home = Setting(folder, Cast(kinds)).home
    book = SqlLedger(open_database(home.database_url), home.root)
    codes.append(forked(folder, go_on, kinds, len(book.events(limit=100_000))))
    (folder / "codes.json").write_text(json.dumps(codes))


if __name__ == "__main__":
    main(sys.argv[1:])
