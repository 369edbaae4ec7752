"""What fills up, and what only looks like it."""

from __future__ import annotations

import math
from random import Random

import pytest
from tests.core.observe.make import at, vitals

from keelway.core.observe.saturation import SaturationLimits, fullness
from keelway.core.observe.sight import Vitals
from keelway.core.observe.trend import Trend, trend_of

LIMITS = SaturationLimits()


def row(count=60, **by_look):
    """Make looks ten seconds apart; a value may be a function of the look's number."""
    return [
        vitals(10.0 * n, **{name: value(n) if callable(value) else value for name, value in by_look.items()})
        for n in range(count)
    ]


def test_nothing_seen_and_nothing_wrong_say_nothing():
    for seen in ([], row(), row(3)):
        found = fullness(seen, None, LIMITS)
        assert (found.harm, found.doubt) == ([], [])


def test_restarts_condemn():
    assert fullness(row(3, restarts=1), None, LIMITS).harm == []
    assert "restarted 2 times" in fullness(row(3, restarts=2), None, LIMITS).harm[0]


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("600 MB of memory; 512 are allowed", {"memory_mb": 600.0}),
        ("holds 900 of 1024 descriptors", {"descriptors": 900}),
    ],
)
def test_a_limit_that_is_reached_condemns(said, changed):
    assert said in fullness(row(3, **changed), None, SaturationLimits(memory_mb_max=512.0)).harm[0]


@pytest.mark.parametrize(
    ("said", "changed"),
    [("disk has 5 MB", {"disk_free_mb": 5.0}), ("9 MB of memory left", {"memory_free_mb": 9.0})],
)
def test_what_others_may_have_filled_is_for_a_person(said, changed):
    found = fullness(row(3, **changed), None, LIMITS)
    assert not found.harm
    assert said in found.doubt[0]


def test_an_unknown_limit_of_descriptors_says_nothing():
    assert fullness(row(descriptors=lambda n: 100 * n, descriptors_max=0), None, LIMITS).harm == []


def test_processors_that_stay_busy_condemn():
    busy = row(40, cpu_seconds=lambda n: 19.8 * n)
    assert "All 2 processors were busy with it for 390 s" in fullness(busy, None, LIMITS).harm[0]
    assert fullness(busy[:30], None, LIMITS).harm == []
    rested = [*busy, vitals(400.0, cpu_seconds=busy[-1].cpu_seconds)]
    assert fullness(rested, None, LIMITS).harm == []
    assert fullness([busy[0], busy[0]], None, LIMITS).harm == []


def test_memory_that_runs_out_soon_condemns_and_later_asks():
    fast = fullness(row(memory_mb=lambda n: 100 + 50 * n, memory_free_mb=4_000.0), None, LIMITS)
    assert "memory (MB) grows by 18000 an hour" in fast.harm[0]
    slow = fullness(row(memory_mb=lambda n: 100 + 2.0 * n, memory_free_mb=4_000.0), None, LIMITS)
    assert not slow.harm
    assert "hours" in slow.doubt[0]
    never = fullness(row(memory_mb=lambda n: 100 + 2.0 * n, memory_free_mb=1e9), None, LIMITS)
    assert (never.harm, never.doubt) == ([], [])


def test_descriptors_and_files_that_grow_are_seen():
    leak = fullness(row(descriptors=lambda n: 20 + 5 * n), None, LIMITS)
    assert "open descriptors" in leak.harm[0]
    eater = fullness(row(written_mb=lambda n: 10 + 40 * n, disk_free_mb=2_000.0), None, LIMITS)
    assert "What it writes" in eater.harm[0]


def test_what_warms_up_and_then_stays_is_no_leak():
    warm = row(memory_mb=lambda n: 100 + 300 * (1 - math.exp(-n / 5)), memory_free_mb=1_000.0)
    assert fullness(warm, None, LIMITS).harm == []


def alarmed(seed, echo):
    """Tell whether any of sixty looks takes memory that swings for growth."""
    rng, swing, swings = Random(seed), 0.0, []
    for _ in range(60):
        swing = echo * swing + rng.uniform(-200, 200)
        swings.append(300 + swing)
    seen = row(memory_mb=lambda n: swings[n], memory_free_mb=500.0)
    return any(fullness(seen[: n + 1], None, LIMITS).harm for n in range(len(seen)))


@pytest.mark.parametrize(("echo", "most"), [(0.0, 0), (0.3, 1), (0.5, 2), (0.8, 5)])
def test_what_swings_or_wanders_is_no_leak(echo, most):
    """Of a hundred whole watches; what wanders cannot always be told from growth."""
    assert sum(alarmed(seed, echo) for seed in range(100)) <= most


def test_a_release_that_needs_far_more_than_the_one_before_is_for_a_person():
    before = vitals(0.0, memory_mb=100.0)
    assert "the release before 100 MB" in fullness(row(3, memory_mb=400.0), before, LIMITS).doubt[0]
    assert fullness(row(3, memory_mb=340.0), before, LIMITS).doubt == []
    assert fullness(row(3, memory_mb=100.0), before, LIMITS).doubt == []


def test_a_trend_needs_points_and_certainty():
    line = [(float(n), 2.0 * n) for n in range(12)]
    trend = trend_of(line)
    assert trend is not None
    assert trend.per_second == 2.0
    assert trend.seconds_to(40.0) == (40.0 - trend.last) / 2.0
    assert trend_of(line[:11]) is None
    assert trend_of([(0.0, 1.0)] * 12) is None
    assert trend_of([(float(n), -1.0 * n) for n in range(20)]) is None


def test_what_a_value_repeats_of_the_one_before_counts_for_less():
    """A wave on a slope: its whole rise is told, the same wave with less slope is not."""
    steep, flat = ([(float(n), grows * n + 10 * math.sin(n / 4)) for n in range(40)] for grows in (2.0, 0.35))
    assert trend_of(steep) is not None
    assert trend_of(flat) is None


def test_when_a_limit_is_reached():
    assert Trend(1.0, 5.0).seconds_to(5.0) == 0.0
    assert Trend(0.0, 5.0).seconds_to(6.0) == math.inf


def test_vitals_are_plain():
    assert isinstance(vitals(1.0), Vitals)
    assert at(0).tzinfo is not None
