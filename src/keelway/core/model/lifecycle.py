"""Every legal transition of a task, in one table.

The workflow decides where a task goes; this table is the independent witness.
A recorded transition that is not in it stops the run.
"""

from __future__ import annotations

from enum import StrEnum

from keelway.core.errors import OurFault


class Status(StrEnum):
    """Name where a task stands."""

    RESEARCH = "research"  # requested, being checked for admission
    PLANNING = "planning"
    PLAN_PENDING_APPROVAL = "plan_pending_approval"
    DEVELOPING = "developing"
    TESTING = "testing"
    PR_OPEN = "pr_open"
    STAGING = "staging"
    OBSERVING = "observing"  # staging or production is being watched
    PROMOTING = "promoting"
    DEPLOYED = "deployed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"


_ENDS = frozenset({Status.FAILED, Status.ABORTED})

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.RESEARCH: frozenset({Status.PLANNING}) | _ENDS,
    Status.PLANNING: frozenset({Status.PLAN_PENDING_APPROVAL, Status.DEVELOPING}) | _ENDS,
    Status.PLAN_PENDING_APPROVAL: frozenset({Status.PLANNING, Status.DEVELOPING}) | _ENDS,
    Status.DEVELOPING: frozenset({Status.TESTING}) | _ENDS,
    Status.TESTING: frozenset({Status.DEVELOPING, Status.PR_OPEN}) | _ENDS,
    Status.PR_OPEN: frozenset({Status.DEVELOPING, Status.STAGING}) | _ENDS,
    Status.STAGING: frozenset({Status.OBSERVING}) | _ENDS,
    Status.OBSERVING: frozenset({Status.PROMOTING, Status.DEPLOYED, Status.ROLLED_BACK}) | _ENDS,
    Status.PROMOTING: frozenset({Status.OBSERVING, Status.ROLLED_BACK}) | _ENDS,
    Status.DEPLOYED: frozenset({Status.ROLLED_BACK}),
    Status.FAILED: frozenset(),
    Status.ROLLED_BACK: frozenset(),
    Status.ABORTED: frozenset(),
}

START = Status.RESEARCH
FINAL = frozenset(status for status, after in TRANSITIONS.items() if not after)
CLOSED = FINAL | {Status.DEPLOYED}
"""A closed task runs no workflow; a deployed one can still be rolled back."""


def advance(current: Status, target: Status) -> Status:
    """Return ``target`` when the table allows it; staying put is always allowed.

    Raises:
        OurFault: the transition is not in the table.
    """
    if target is current or target in TRANSITIONS[current]:
        return target
    raise OurFault(
        "illegal_transition",
        f"A task cannot go from {current.value} to {target.value}.",
        "keelway audit --verify, then report the task's events",
    )
