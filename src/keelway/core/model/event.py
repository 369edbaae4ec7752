"""What can be recorded, and the chain that makes a later edit visible."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from keelway.core.codec import canonical

GENESIS = "0" * 64


class EventKind(StrEnum):
    """Name everything that leaves an audit record."""

    TASK_CREATED = "task.created"
    TASK_REFUSED = "task.refused"
    TASK_STATUS = "task.status"
    TASK_CLOSED = "task.closed"
    STAGE_STARTED = "stage.started"
    STAGE_FINISHED = "stage.finished"
    GATE_JUDGED = "gate.judged"
    EFFECT_INTENDED = "effect.intended"
    EFFECT_DONE = "effect.done"
    EFFECT_FAILED = "effect.failed"
    AGENT_FINISHED = "agent.finished"
    USAGE_BOOKED = "usage.booked"
    BUDGET_SPENT = "budget.spent"
    BUDGET_RAISED = "budget.raised"
    LESSON_TOLD = "lesson.told"
    LESSON_LEARNT = "lesson.learnt"
    LESSON_FORGOTTEN = "lesson.forgotten"
    TESTS_FLAKY = "tests.flaky"
    REVIEWED = "review.finished"
    MERGED = "branch.merged"
    REVERTED = "branch.reverted"
    QUESTION_ASKED = "question.asked"
    QUESTION_ESCALATED = "question.escalated"
    DECISION_MADE = "decision.made"
    DECISION_REFUSED = "decision.refused"
    LINK_ISSUED = "link.issued"
    PERSON_TOLD = "person.told"
    OBSERVED = "release.observed"
    ROLLBACK_STARTED = "rollback.started"
    ROLLBACK_STEP = "rollback.step"
    ROLLBACK_FINISHED = "rollback.finished"
    QUARANTINED = "commit.quarantined"
    INCIDENT_OPENED = "incident.opened"
    FREEZE_SET = "freeze.set"
    FREEZE_LIFTED = "freeze.lifted"
    CONTROL_CHANGED = "control.changed"
    WATCH_CHECKED = "watch.checked"
    POLICY_LOADED = "policy.loaded"
    DAEMON_STARTED = "daemon.started"
    LOCK_SET = "lock.set"
    LOCK_LIFTED = "lock.lifted"
    DRIFT_FOUND = "drift.found"
    DRIFT_SETTLED = "drift.settled"
    DRILL_FINISHED = "drill.finished"


@dataclass(frozen=True)
class Event:
    """Record one fact: what, about which task, by whom, when."""

    kind: EventKind
    at: datetime
    task: str = ""
    """Id of the task, empty for facts about the whole installation."""
    stage: str = ""
    attempt: int = 0
    actor: str = "keelway@system"
    data: dict[str, Any] = field(default_factory=dict)
    """Plain JSON."""
    key: str = ""
    """Idempotency key: an event with a key that is already recorded is not recorded again."""


def chain(previous: str, sequence: int, event: Event) -> str:
    """Return the hash of an event at its place in the chain (SHA-256 over the canonical form)."""
    text = canonical({"previous": previous, "sequence": sequence, "event": canonical(event)})
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Link:
    """Hold an event as stored: its place, its hash and the hash before it."""

    sequence: int
    event: Event
    hash: str
    previous: str


def verify_chain(links: Iterable[Link], *, start: str = GENESIS, first: int = 1) -> int | None:
    """Return the sequence number of the first link that does not fit, ``None`` when all do."""
    previous, expected = start, first
    for link in links:
        fits = link.sequence == expected and link.previous == previous
        if not fits or link.hash != chain(previous, link.sequence, link.event):
            return expected
        previous, expected = link.hash, expected + 1
    return None
