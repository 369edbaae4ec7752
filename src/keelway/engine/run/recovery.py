"""Take up what the dead left unfinished: ways back first, what kills its process later and later.

DBOS counts how often a run was taken up and gives it up by itself after ``STAGE_ATTEMPTS_MAX``
(``schema``); its story then hears ``stage_given_up``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dbos import DBOS

from keelway.engine import schema
from keelway.engine.run.board import Board
from keelway.engine.run.verbs import STAGE, STORY

POISON_ATTEMPTS = 3
"""A stage that was taken up so often without an end is taken up after a pause."""

PAUSE_SECONDS_MAX = 60.0

HEAD_START_SECONDS = 5.0
"""The others wait at most so long for the ways back to have done something."""

HEAD_START_RUNS = 20
"""So many ways back are waited for; more of them begin all the same."""

_RANKS = {schema.ROLLBACK: 0, "ops": 1, "watch": 1}
_LAST = 2
_WAYS_BACK = frozenset({schema.ROLLBACK, "close_out"})
_log = logging.getLogger("keelway.engine")

Absence = Callable[[str], float | None]
"""Say how many seconds ago an executor ended, or ``None`` when it works."""


@dataclass(frozen=True)
class Stray:
    """Hold a run whose process is gone."""

    run: str
    executor: str
    queue: str
    kind: str
    story: str
    """Name of the story, empty for a stage."""
    attempts: int

    @property
    def subject(self) -> str:
        """Return the story that this run is, or belongs to."""
        return self.run.split("/", 1)[0]

    @property
    def rank(self) -> int:
        """Return 0 for a way back, more for what has time."""
        if self.story in _WAYS_BACK:
            return 0
        return _RANKS.get(self.queue.partition("@")[0], _LAST)

    @property
    def pause_seconds(self) -> float:
        """Return how long after the death of its process a run that kills processes stays where it is."""
        if self.kind != STAGE or self.attempts < POISON_ATTEMPTS:
            return 0.0
        return min(PAUSE_SECONDS_MAX, 2.0 ** (self.attempts - POISON_ATTEMPTS))


def requeue(stray: Stray) -> bool:
    """Put one run back into its queue, unless somebody else was faster.

    This is the only place that uses the private door of DBOS; it keeps the count of attempts.
    """
    try:
        from dbos._dbos import _get_dbos_instance
        from dbos._utils import INTERNAL_QUEUE_NAME

        door = _get_dbos_instance()._sys_db.reenqueue_for_recovery  # noqa: SLF001
        return bool(door(stray.run, [stray.executor], INTERNAL_QUEUE_NAME))
    except (ImportError, AttributeError, TypeError):
        return requeue_publicly(stray)


def requeue_publicly(stray: Stray) -> bool:
    """Do the same through the public door, which forgets the attempts and does not ask who was faster."""
    mine = DBOS.list_workflows(
        workflow_ids=[stray.run],
        status="PENDING",
        executor_id=stray.executor,
        load_input=False,
        load_output=False,
    )
    if mine:
        DBOS.resume_workflow(stray.run, queue_name=stray.queue or None)
    return bool(mine)


def take_up(board: Board, absence: Absence, executors: Sequence[str] | None = None) -> bool:
    """Put every stray run back that is ripe, and say whether others have to wait.

    Args:
        board: where the runs of this process are kept back until the ways back are under way.
        absence: tells who is dead, and since when.
        executors: look at these only.
    """
    strays = [stray for stray in _strays(executors) if absence(stray.executor) is not None]
    ripe = [stray for stray in strays if (absence(stray.executor) or 0.0) >= stray.pause_seconds]
    first, others = in_order(ripe)
    counts = {stray.run: _progress(stray.run) for stray in first[:HEAD_START_RUNS] if stray.kind == STAGE}
    taken = sum(requeue(stray) for stray in first)
    _give_head_start(board, counts)
    board.way.set()
    for stray in others:
        if board.closing:
            break
        taken += requeue(stray)
    if taken:
        _log.info(
            "took up %d unfinished runs, %d of them first: ways back and what was at an environment",
            taken,
            len(first),
        )
    return len(ripe) < len(strays)


def in_order(strays: Sequence[Stray]) -> tuple[list[Stray], list[Stray]]:
    """Part what may be about to take a release back from the others, and sort both by urgency.

    A story goes with its most urgent stage. What was under way at an environment belongs to the
    first: its verdict may have been recorded without the way back having begun.
    """
    ranks: dict[str, int] = {}
    for stray in strays:
        ranks[stray.subject] = min(ranks.get(stray.subject, _LAST), stray.rank)
    urgency = {stray.run: ranks[stray.subject] if stray.kind == STORY else stray.rank for stray in strays}
    ordered = sorted(strays, key=lambda stray: urgency[stray.run])
    first = [stray for stray in ordered if urgency[stray.run] < _LAST]
    return first, ordered[len(first) :]


def _strays(executors: Sequence[str] | None) -> list[Stray]:
    found = []
    if executors is not None and not executors:
        return []
    for kind in (STAGE, STORY):
        runs = DBOS.list_workflows(
            name=kind,
            status="PENDING",
            app_version=schema.SCHEMA,
            executor_id=None if executors is None else list(executors),
            load_input=kind == STORY,
            load_output=False,
        )
        for run in runs:
            told = run.input["args"] if run.input else ()
            story = str(told[0]) if told else ""
            queue, attempts = run.queue_name or "", run.recovery_attempts or 0
            found.append(Stray(run.workflow_id, run.executor_id or "", queue, kind, story, attempts))
    return found


def _give_head_start(board: Board, counts: dict[str, int]) -> None:
    deadline = time.monotonic() + HEAD_START_SECONDS
    while counts and not board.closing and time.monotonic() < deadline:
        counts = {run: steps for run, steps in counts.items() if 0 <= _progress(run) <= steps}
        time.sleep(0.1 if counts else 0)


def _progress(run: str) -> int:
    """Count the recorded steps of a run, -1 once it has ended."""
    found = DBOS.list_workflows(workflow_ids=[run], load_input=False, load_output=False)
    if not found or found[0].status not in {"PENDING", "ENQUEUED"}:
        return -1
    return len(DBOS.list_workflow_steps(run))
