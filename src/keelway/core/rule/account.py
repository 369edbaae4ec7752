"""What a stage has used so far, read from the audit trail, so that no restart makes it forget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keelway.core.model.event import Event, EventKind
from keelway.core.rule.budget import Spent

FAULTED = "faulted"
_SEEN_BY_OTHERS = frozenset({EventKind.MERGED, EventKind.ROLLBACK_STARTED})


@dataclass(frozen=True)
class Account:
    """Sum up the earlier entries of one stage of one task."""

    began_at: datetime
    """When the present entry began; a restart does not move it."""
    spent: Spent = field(default_factory=Spent)
    """``attempts`` are the faults in a row just before; time and cost are those of all entries."""
    code: str = ""
    """How the entry before ended when that was a fault, else empty."""
    message: str = ""
    final: bool = False
    """An earlier entry merged something or walked a way back: that is not tried again."""
    hotfix: bool = False
    left: dict[str, Any] | None = None
    """What an entry knew when a cap on money held it up; gone once an agent has worked since."""


def account_of(events: Iterable[Event], stage: str, attempt: int, now: datetime, *, hotfix: bool) -> Account:
    """Sum up what a task's events say about a stage before its entry ``attempt``.

    Waiting for a person lies between two entries, and what a pause or a freeze held is noted at
    the end of each; neither is spent.
    """
    began: dict[int, datetime] = {}
    seconds, cost, faults, final = 0.0, 0.0, 0, False
    code = message = ""
    left: dict[str, Any] | None = None
    for event in (event for event in events if event.stage == stage):
        data = event.data
        if event.kind is EventKind.STAGE_STARTED:
            began.setdefault(event.attempt, event.at)
        elif event.kind is EventKind.AGENT_FINISHED:
            cost, left = cost + float(data.get("cost_usd", 0.0)), None
        elif event.kind is EventKind.BUDGET_SPENT:
            left = data.get("left")
        elif event.kind in _SEEN_BY_OTHERS:
            final = True
        elif event.kind is EventKind.STAGE_FINISHED and "end" in data and event.attempt < attempt:
            since = began.get(event.attempt, event.at)
            seconds += max(0.0, (event.at - since).total_seconds() - float(data.get("held_seconds", 0.0)))
            faulted = data.get("end") == FAULTED
            faults = faults + 1 if faulted else 0
            code, message = (str(data.get("code", "")), str(data.get("message", ""))) if faulted else ("", "")
    spent = Spent(attempts=faults, seconds=seconds, cost_usd=cost)
    return Account(began.get(attempt, now), spent, code, message, final, hotfix, left)
