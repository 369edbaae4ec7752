"""Drills count when every part passed, looked at something, and is fresh."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keelway.core.model.verdict import Ruling
from keelway.core.release.drill import (
    PARTS,
    Drill,
    DrillResult,
    judge_drills,
    slot_of,
    subject_of,
)

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
GOOD = Drill("d1", "staging", AT, "keelway@system", tuple(DrillResult(part, True, 1.0, 2) for part in PARTS))


def with_part(drill: Drill, kind: str, **change: object) -> Drill:
    results = tuple(
        replace(each, **change) if each.kind == kind else each  # type: ignore[arg-type]
        for each in drill.results
    )
    return replace(drill, results=results)


def test_a_drill_passes_as_a_whole_or_not() -> None:
    assert GOOD.passed
    assert not with_part(GOOD, "restore", passed=False).passed
    assert not with_part(GOOD, "restore", examined=0).passed
    assert not replace(GOOD, results=()).passed


def test_no_drill_is_demanded_by_default() -> None:
    assert judge_drills((), AT, 0).code == "drill_not_demanded"


@pytest.mark.parametrize(
    ("drills", "hours", "code"),
    [
        ((GOOD,), 1, "drilled"),
        ((), 1, "drill_missing"),
        ((replace(GOOD, results=GOOD.results[:2]),), 1, "drill_missing"),
        ((with_part(GOOD, "rollback", passed=False),), 1, "drill_failed"),
        ((with_part(GOOD, "rollback", passed=False, detail="slow"),), 1, "drill_failed"),
        ((with_part(GOOD, "deploy", examined=0),), 1, "drill_failed"),
        ((replace(GOOD, at=AT - timedelta(hours=2)),), 1, "drill_stale"),
        ((replace(GOOD, at=AT - timedelta(hours=2)), GOOD), 1, "drilled"),
        ((GOOD, with_part(replace(GOOD, at=AT - timedelta(hours=2)), "deploy", passed=False)), 1, "drilled"),
    ],
)
def test_anything_but_fresh_and_good_asks_a_person(
    drills: tuple[Drill, ...], hours: float, code: str
) -> None:
    found = judge_drills(drills, AT, hours)
    assert found.code == code
    assert found.ruling is (Ruling.PASS if code == "drilled" else Ruling.HOLD)


def test_each_stretch_of_time_has_one_drill() -> None:
    assert slot_of("staging", 0, AT) == ""
    first = slot_of("staging", 24, AT)
    assert first.startswith(subject_of("staging"))
    assert slot_of("staging", 24, AT + timedelta(hours=1)) == first
    assert slot_of("staging", 24, AT + timedelta(hours=24)) != first
