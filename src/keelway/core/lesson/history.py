"""What gates and people said about a task, read from its recorded events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from keelway.core.codec import from_json
from keelway.core.lesson.strategy import Strategy, strategy_of
from keelway.core.model.event import Event, EventKind
from keelway.core.model.plan import Plan
from keelway.core.model.role import Stage
from keelway.core.model.verdict import Finding, Verdict, failed
from keelway.core.rule.approval import NO, REVISE

T = TypeVar("T")

REPEATED = "failed_before"
"""Code of a finding that refuses what is known to have failed."""


@dataclass(frozen=True)
class Judged:
    """Hold one verdict with what was judged."""

    verdict: Verdict
    at: datetime
    strategy: Strategy | None = None

    @property
    def gate(self) -> str:
        """Return which gate spoke."""
        return self.verdict.gate


def history_of(events: Iterable[Event]) -> tuple[Judged, ...]:
    """Return every verdict in its order; a person's no to a plan is one of the gate ``plan``.

    An event of another version that cannot be read is passed over.
    """
    found: list[Judged] = []
    plan: Plan | None = None
    for event in events:
        match event.kind:
            case EventKind.CONTROL_CHANGED:
                fields = event.data.get("fields")
                if isinstance(fields, dict) and "plan" in fields:
                    plan = plan_in(fields["plan"])
            case EventKind.GATE_JUDGED:
                findings = _read(tuple[Finding, ...], event.data.get("findings"))
                if findings:
                    verdict = Verdict(str(event.data.get("gate", "")), findings)
                    found.append(Judged(verdict, event.at, _read(Strategy, event.data.get("strategy"))))
            case EventKind.DECISION_MADE if event.stage == Stage.PLANNING and plan is not None:
                found += _decided(event, plan)
    return tuple(found)


def plan_in(plain: Any) -> Plan | None:
    """Return the plan that a row or an event holds, ``None`` when it holds none that can be read."""
    return _read(Plan, plain)


def told_in(events: Iterable[Event]) -> tuple[int, ...]:
    """Return the numbers of the lessons that the agents of a task were told."""
    lists = (event.data.get("lessons") for event in events if event.kind is EventKind.LESSON_TOLD)
    numbers = {number for told in lists for number in _read(tuple[int, ...], told) or ()}
    return tuple(sorted(numbers))


def _decided(event: Event, plan: Plan) -> list[Judged]:
    said = event.data.get("approval")
    if not isinstance(said, dict) or said.get("answer") not in {NO, REVISE}:
        return []
    word = "said no" if said["answer"] == NO else "wanted another plan"
    why = f"{event.actor} {word}: {said.get('remarks') or 'no reason given'}"
    return [Judged(Verdict("plan", (failed("approval_denied", why),)), event.at, strategy_of(plan))]


def _read(kind: type[T], plain: Any) -> T | None:
    if plain is None:
        return None
    try:
        return from_json(kind, plain)
    except Exception:  # noqa: BLE001 - a record of another version must not hide the others
        return None
