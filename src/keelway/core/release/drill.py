"""Drills of the way back: what they show, and whether the last ones are fresh enough to go on without a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from keelway.core.model.verdict import Finding, held, passed

DEPLOY, ROLLBACK, RESTORE = "deploy", "rollback", "restore"
PARTS = (DEPLOY, ROLLBACK, RESTORE)
"""A no-op change travels to the environment; it is taken back; backups are checked for a restore."""

HOUR_SECONDS = 3_600.0


@dataclass(frozen=True)
class DrillSpec:
    """Drill the way back by the clock, and look for what was changed by hand."""

    every_hours: float = 0.0
    """How often a drill begins by itself; 0 waits for ``keelway drill``."""
    environment: str = "staging"
    """Where; never production."""
    parts: tuple[str, ...] = PARTS
    """``deploy`` brings a change there that changes nothing, ``rollback`` takes it back, ``restore`` checks backups."""
    drift_seconds: float = 300.0
    """How often what runs is compared with what is recorded; 0 compares on demand and before deployments only."""


@dataclass(frozen=True)
class DrillResult:
    """State how one part of a drill ended."""

    kind: str
    passed: bool
    seconds: float = 0.0
    examined: int = 0
    """How many things were looked at; with none it did not pass, whatever it says."""
    detail: str = ""


@dataclass(frozen=True)
class Drill:
    """Record one drill."""

    id: str
    environment: str
    at: datetime
    by: str
    results: tuple[DrillResult, ...]

    @property
    def passed(self) -> bool:
        """Tell whether every part passed and looked at something."""
        return bool(self.results) and all(map(counts, self.results))


def counts(result: DrillResult) -> bool:
    """Tell whether a part proves anything."""
    return result.passed and result.examined > 0


def subject_of(environment: str) -> str:
    """Return under what name the drills of an environment are kept in the audit trail."""
    return f"drill:{environment}"


def slot_of(environment: str, every_hours: float, now: datetime) -> str:
    """Return the key of the stretch of time in which one drill begins by itself; empty when none ever does."""
    if every_hours <= 0:
        return ""
    return f"{subject_of(environment)}/{int(now.timestamp() // (every_hours * HOUR_SECONDS))}"


def judge_drills(drills: Iterable[Drill], now: datetime, hours_max: float) -> Finding:
    """Decide whether drills are fresh and good; anything else asks a person before a promotion.

    Args:
        drills: of the environment that rehearses, in any order.
        now: the present instant.
        hours_max: how old the last drill of each part may be; 0 demands none.
    """
    if hours_max <= 0:
        return passed("drill_not_demanded", "The policy demands no drills.")
    newest: dict[str, tuple[Drill, DrillResult]] = {}
    for drill in sorted(drills, key=lambda each: each.at):
        newest |= {result.kind: (drill, result) for result in drill.results}
    for part in PARTS:
        wrong = _wrong(part, newest.get(part), now, hours_max)
        if wrong is not None:
            return wrong
    return passed("drilled", f"All {len(PARTS)} parts of the drill passed in time.", examined=len(PARTS))


def _wrong(
    part: str, last: tuple[Drill, DrillResult] | None, now: datetime, hours_max: float
) -> Finding | None:
    if last is None:
        return held("drill_missing", f"The way back was never drilled ({part}).")
    drill, result = last
    if not counts(result):
        said = result.detail or "it looked at nothing"
        return held("drill_failed", f"The last drill failed ({part}): {said}.")
    age_seconds = (now - drill.at).total_seconds()
    if age_seconds > hours_max * HOUR_SECONDS:
        age_hours = age_seconds / HOUR_SECONDS
        said = f"The last drill ({part}) is {age_hours:.1f} hours old; {hours_max:g} are allowed."
        return held("drill_stale", said)
    return None
