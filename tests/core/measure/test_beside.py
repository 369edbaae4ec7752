"""A release beside the old one: harm is seen, shared trouble is not harm, and nothing examined is not a pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from keelway.core.measure.beside import Beside, judge_beside
from keelway.core.measure.health import ProbeTick
from keelway.core.measure.sample import Tick
from keelway.core.measure.verdict import Code, Decision, VerdictSettings

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SETTINGS = VerdictSettings(window_seconds=180.0, tick_seconds=10.0, stall_seconds=10.0)
WELL = [ProbeTick(START + timedelta(seconds=10 * number), True) for number in range(3)]


def ticks(counts: list[tuple[int, int]], *, slow: int = 0, late: float = 0.0) -> list[Tick]:
    return [
        Tick(START + timedelta(seconds=10 * number + late), requests, errors, slow, seconds=10.0)
        for number, (requests, errors) in enumerate(counts)
    ]


def judged(
    canary: list[Tick], control: list[Tick], *, over: bool = True, probes: list[ProbeTick] | None = None
) -> Beside:
    since = 10.0 * max(1, len(canary))
    history = ticks([(1_000, 10)] * 30, slow=50)
    answers = WELL if probes is None else probes
    return judge_beside(history, control, canary, answers, SETTINGS, (since, since if over else 0.0))


def codes(seen: Beside) -> set[Code]:
    return {reason.code for reason in seen.reasons}


def test_a_healthy_share_may_grow_once_it_was_watched() -> None:
    canary, control = ticks([(50, 0)] * 6), ticks([(950, 9)] * 6)
    assert judged(canary, control, over=False).decision is Decision.WATCH
    seen = judged(canary, control)
    assert (seen.decision, seen.reasons) == (Decision.PASS, ())
    assert (seen.requests, seen.errors, seen.control_requests, seen.control_errors) == (300, 0, 5_700, 54)


def test_a_share_that_fails_more_is_taken_back_although_it_is_small() -> None:
    seen = judged(ticks([(50, 10)] * 3), ticks([(950, 9)] * 3), over=False)
    assert seen.decision is Decision.ROLLBACK
    assert Code.ERRORS_WORSE in codes(seen)
    assert seen.e_value > 200


def test_trouble_that_both_share_is_not_the_releases() -> None:
    seen = judged(ticks([(50, 10)] * 6), ticks([(950, 190)] * 6))
    assert seen.decision is Decision.PASS


def test_a_healthy_canary_is_hardly_ever_taken_back_whatever_the_shared_noise() -> None:
    rng, wrong = Random(5), 0
    for _ in range(200):
        rates = [rng.choice([0.01, 0.05, 0.3]) for _ in range(18)]
        sides = [
            ticks([(size, sum(rng.random() < rate for _ in range(size))) for rate in rates])
            for size in (20, 80)
        ]
        wrong += judged(sides[0], sides[1], over=False).decision is Decision.ROLLBACK
    assert wrong <= 6


def test_a_slow_share_is_taken_back() -> None:
    seen = judged(ticks([(50, 0)] * 6, slow=30), ticks([(950, 9)] * 6), over=False)
    assert codes(seen) == {Code.LATENCY_WORSE}


def test_without_history_slowness_cannot_be_told() -> None:
    seen = judge_beside((), ticks([(9, 0)]), ticks([(9, 0)], slow=9), WELL, SETTINGS, (10.0, 10.0))
    assert seen.decision is Decision.PASS


def test_a_failing_probe_takes_back_at_once() -> None:
    failing = [ProbeTick(START + timedelta(seconds=number), False) for number in range(3)]
    assert codes(judged(ticks([(50, 0)]), ticks([(950, 9)]), probes=failing)) >= {Code.PROBE_FAILED}


@pytest.mark.parametrize(
    ("canary", "probes", "code"),
    [
        (ticks([(0, 0)] * 6), WELL, Code.NO_TRAFFIC),
        (ticks([(50, 0)] * 6), WELL[:1], Code.NOT_HEALTHY),
    ],
)
def test_what_was_not_examined_may_not_grow(canary: list[Tick], probes: list[ProbeTick], code: Code) -> None:
    seen = judged(canary, ticks([(950, 9)] * 6), probes=probes)
    assert seen.decision is Decision.INCONCLUSIVE
    assert code in codes(seen)


def test_missing_intervals_are_no_proof() -> None:
    seen = judge_beside((), (), ticks([(50, 0)]), WELL, SETTINGS, (60.0, 60.0))
    assert codes(seen) == {Code.MISSING_DATA}
    nothing = judge_beside((), (), (), WELL, SETTINGS, (0.0, 60.0))
    assert codes(nothing) == {Code.NO_TRAFFIC, Code.MISSING_DATA}


def test_only_the_same_time_is_compared() -> None:
    canary = ticks([(50, 10)] * 3)
    assert judged(canary, ticks([(950, 9)] * 3, late=4.0), over=False).e_value > 200
    apart = [replace(tick, at=tick.at + timedelta(hours=1)) for tick in ticks([(950, 9)] * 3)]
    assert judged(canary, apart, over=False).e_value < 2
