"""Say before a promotion whether the way back was drilled lately."""

from __future__ import annotations

from collections.abc import Iterable

from keelway.core.codec import from_json
from keelway.core.model.event import Event, EventKind
from keelway.core.model.project import STAGING
from keelway.core.model.verdict import Ruling
from keelway.core.release.drill import Drill, DrillResult, judge_drills, subject_of
from keelway.routines.context import Context

DRILLS_MAX = 10_000


def why_not_drilled(ctx: Context) -> str:
    """Return why a person has to be asked, empty when drills are fresh or the policy demands none."""
    hours_max = ctx.policy.rollback.drill_hours_max
    if hours_max <= 0:
        return ""
    links = ctx.read("drills", ctx.ledger.events, task=subject_of(STAGING), limit=DRILLS_MAX)
    found = judge_drills(drills_in(link.event for link in links), ctx.now(), hours_max)
    return "" if found.ruling is Ruling.PASS else found.message


def drills_in(events: Iterable[Event]) -> tuple[Drill, ...]:
    """Return the drills that events record, in their order."""
    return tuple(_drill_of(event) for event in events if event.kind is EventKind.DRILL_FINISHED)


def _drill_of(event: Event) -> Drill:
    data = event.data
    results = tuple(from_json(DrillResult, plain) for plain in data["results"])
    return Drill(str(data["drill"]), str(data["environment"]), event.at, event.actor, results)
