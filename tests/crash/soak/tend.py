"""Tend many tasks until all have ended, and say what each left behind."""

from __future__ import annotations

import ast
import json
import random
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import select
from tests.conformance.git_rig import git
from tests.crash.end import LEASES
from tests.crash.fault.judge import twice
from tests.crash.plane import POLICY, Plane, Setting
from tests.crash.soak.cast import ENDS, Cast, files

from keelway.core.errors import TheirFault
from keelway.core.model.event import verify_chain
from keelway.core.model.lifecycle import CLOSED
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import OWNER, Request
from keelway.core.policy import CategoryPolicy, ReviewPolicy
from keelway.ports.ledger import TaskRow
from keelway.store.tables import ISSUES, PULLS

TRUSTING = replace(
    POLICY,
    review=ReviewPolicy(auto_merge_risk="medium"),
    category=CategoryPolicy(never_auto_deploy=()),
)
TEND_SECONDS_MAX = 900.0
ABORT_AT = ("planning", "developing", "testing", "pr_open", "staging", "observing")
FURTHER = ("end-1", "watch-1")
"""Runs that the story of a task starts for its end or after it."""


def tend(folder: Path, kinds: list[str], seed: int, worker: str = "") -> None:
    """Submit what is missing, answer, abort, and wait until every run has ended; then describe it in FOLDER/end.json."""
    plane = Plane(Setting(folder, Cast(kinds), worker=worker, policy=TRUSTING))
    with FileLock(folder / "submitting"):
        submit(plane, kinds)
    plane.commands.resubmit_unstarted()
    deadline = time.monotonic() + TEND_SECONDS_MAX
    while _round(plane, kinds, seed):
        if time.monotonic() > deadline:
            raise TimeoutError(str(unfinished(plane)))
        time.sleep(0.05)
    (folder / "end.json").write_text(json.dumps(told(plane, folder, kinds), indent=1))
    plane.close()


def _round(plane: Plane, kinds: list[str], seed: int) -> bool:
    """Answer and abort once, and tell whether something goes on.

    A server may cut a connection that a starved process left in the middle; every loop of the product goes on then.
    """
    try:
        plane.answer()
        _abort(plane, kinds, seed)
        return bool(unfinished(plane))
    except TheirFault as fault:
        if fault.code != "store_down":
            raise
        return True


def submit(plane: Plane, kinds: list[str]) -> None:
    """Ask for the tasks that are not in the book yet."""
    for number in range(len(plane.ledger.tasks()) + 1, len(kinds) + 1):
        text = f"Add the number {number} ({kinds[number - 1]})"
        plane.commands.submit(Request(text, OWNER, datetime.now(UTC)))


def unfinished(plane: Plane) -> list[str]:
    """Name the tasks that are open and the runs that go on."""
    rows = plane.ledger.tasks()
    found = [f"{row.task.name} {row.status.value}" for row in rows if row.status not in CLOSED]
    if found:
        return found
    runs = [run for row in rows for run in (row.task.id, *(f"{row.task.id}:{name}" for name in FURTHER))]
    states = {run: plane.engine.status(run) for run in runs}
    return [f"{run} {state}" for run, state in states.items() if state in {"queued", "running"}]


def _abort(plane: Plane, kinds: list[str], seed: int) -> None:
    for row in plane.ledger.tasks(open_only=True):
        if kinds[row.task.number - 1] == "abort" and not row.abort_by:
            at = random.Random(f"{seed} {row.task.number}").choice(ABORT_AT)
            if row.status.value == at:
                plane.commands.abort(row.task.id, OWNER)


def told(plane: Plane, folder: Path, kinds: list[str]) -> dict[str, Any]:
    """Return what is wrong with the ends of all tasks, by kind of wrong, and the ends themselves."""
    rows = {row.task.number: row for row in plane.ledger.tasks()}
    tree = set(plane.forge.files(plane.forge.head("main")))
    wrong: list[str] = []
    for number, kind in enumerate(kinds, 1):
        row = rows.get(number)
        if row is None:
            wrong.append(f"lost: T-{number}")
            continue
        if row.status.value not in ENDS[kind]:
            wrong.append(f"end: T-{number} {kind} {row.status.value} {row.code} {row.error[:300]}")
        if (f"number_{number}.py" in tree) != (row.status.value == "deployed"):
            wrong.append(
                f"tree: T-{number} {row.status.value}, its files are {sorted(tree & files(number, kind).keys())}"
            )
        wrong += _told_about(plane, row)
    wrong += _outside(plane, folder)
    ends = Counter(
        f"{kind} {rows[number].status.value}" for number, kind in enumerate(kinds, 1) if number in rows
    )
    return {"wrong": wrong, "ends": ends}


def _told_about(plane: Plane, row: TaskRow) -> list[str]:
    messages = [m for m in plane.kept["notifier"].everything()["messages"] if m.task == row.task.id]
    ends = [m.subject for m in messages if m.subject.startswith(f"{row.task.name} ")]
    lists = [ends, [m.question for m in messages if m.question]]
    wrong = [f"told twice: {row.task.name} {each}" for each in lists if len(set(each)) != len(each)]
    return wrong if ends else [*wrong, f"not told: {row.task.name} {row.status.value}"]


def _outside(plane: Plane, folder: Path) -> list[str]:
    """Return what is doubled or left over outside."""
    effects = Counter(ast.literal_eval(line) for line in (folder / "effects").read_text().splitlines())
    # What another task alters meanwhile, such as the base of an open pull request, looks like a second effect of
    # the call that is under way; pull requests are therefore counted in the book.
    wrong = [
        f"twice: {what} {count}"
        for what, count in twice(effects).items()
        if not what.startswith("forge.open_pull ")
    ]
    merged = git(plane.home.repository, "log", "--format=%s", "develop").splitlines()
    wrong += [
        f"merged twice: {line}" for line, count in Counter(merged).items() if count > 1 and "numb" in line
    ]
    with plane.database.connect() as connection:
        issues = Counter(row.title for row in connection.execute(select(ISSUES)).all())
        pulls = Counter((row.task, row.head, row.base) for row in connection.execute(select(PULLS)).all())
    wrong += [f"pull request opened twice: {pull} {count}" for pull, count in pulls.items() if count > 1]
    wrong += [f"opened twice: {title} {count}" for title, count in issues.items() if count > 1]
    wrong += [f"lease held: {name}" for name in LEASES if plane.ledger.lease(name, "somebody") is None]
    wrong += [f"workspace left: {path.name}" for path in plane.home.workspaces.glob("[!.]*")]
    if (broken := verify_chain(plane.ledger.events(limit=1_000_000))) is not None:
        wrong.append(f"chain broken at {broken}")
    # What another worker did last is in the file, not in what this process remembers.
    live = plane.kept["target"].everything()["places"][PRODUCTION].active
    newest = next(entry.release for entry in plane.ledger.deployments(PRODUCTION) if entry.status == "live")
    return wrong if live == newest else [*wrong, f"production runs {live}, the book says {newest}"]
