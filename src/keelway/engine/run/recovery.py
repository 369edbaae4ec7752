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
"""The others wait at most so long for the ways back to end."""

HEAD_START_STORIES = 20
"""So many stories are waited for; more of them begin all the same."""

HEAD_START_LOOK_SECONDS = 0.1

_ACTIVE = ("PENDING", "ENQUEUED")
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
        return subject_of(self.run)

    @property
    def rank(self) -> int:
        """Return 0 for a way back, more for what has time."""
        if self.story in _WAYS_BACK:
            return 0
        return _rank(self.queue)

    @property
    def pause_seconds(self) -> float:
        """Return how long after the death of its process a run that kills processes stays where it is."""
        if self.kind != STAGE or self.attempts < POISON_ATTEMPTS:
            return 0.0
        return min(PAUSE_SECONDS_MAX, 2.0 ** (self.attempts - POISON_ATTEMPTS))


def subject_of(run: str) -> str:
    """Return the story that a run is, or belongs to."""
    return run.split("/", 1)[0]


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
    stories = list(dict.fromkeys(stray.subject for stray in first))
    board.first = frozenset(stories)
    taken = sum(requeue(stray) for stray in first)
    _give_head_start(board, stories[:HEAD_START_STORIES])
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


def _rank(queue: str) -> int:
    return _RANKS.get(queue.partition("@")[0], _LAST)


def _give_head_start(board: Board, stories: Sequence[str]) -> None:
    deadline = time.monotonic() + HEAD_START_SECONDS
    while stories and not board.closing and time.monotonic() < deadline:
        stories = _under_way(board, stories)
        time.sleep(HEAD_START_LOOK_SECONDS if stories else 0)


def _under_way(board: Board, stories: Sequence[str]) -> list[str]:
    """Return those of some stories that still are at an environment or on a way back.

    Between two stages a story is under way too: the next may be its way back.
    """
    under = [f"{story}/" for story in stories]
    stages = DBOS.list_workflows(
        workflow_id_prefix=under, name=STAGE, status=list(_ACTIVE), load_input=False, load_output=False
    )
    ranks: dict[str, int] = {}
    for stage in stages:
        story = subject_of(stage.workflow_id)
        ranks[story] = min(ranks.get(story, _LAST), _rank(stage.queue_name or ""))
    rest = [story for story in stories if story not in ranks and board.topic_of(story) is None]
    between = (
        DBOS.list_workflows(workflow_ids=rest, status=list(_ACTIVE), load_input=False, load_output=False)
        if rest
        else []  # DBOS takes an empty list for no condition
    )
    return [story for story, rank in ranks.items() if rank < _LAST] + [one.workflow_id for one in between]
