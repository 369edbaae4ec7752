"""Time that nobody watched is missing, and time that runs backwards is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.core.observe.make import START, at

from keelway.core.measure.sample import Tick
from keelway.core.model.project import ProbeSpec
from keelway.core.observe.clock import Passed, missing_share, one_after_another, passed_between
from keelway.core.observe.synthetic import is_synthetic, synthetic, tick_of


def tick(seconds, length=10.0):
    return Tick(at(seconds), 1, 0, seconds=length)


def test_plain_time_adds_up():
    assert passed_between([at(0), at(10), at(20)], 10.0) == Passed(20.0)
    assert passed_between([], 10.0) == Passed(0.0)
    assert Passed(20.0).sentence == ""


def test_a_long_pause_counts_as_a_tick_and_a_step_back_as_nothing():
    passed = passed_between([at(0), at(10), at(700), at(690), at(700)], 10.0)
    assert passed == Passed(30.0, 680.0, 1)
    assert "680 s passed in which nobody looked" in passed.sentence
    assert passed_between([at(0), at(50)], 10.0, 30.0) == Passed(50.0)


@given(st.lists(st.floats(-1e5, 1e5), max_size=30))
def test_never_more_than_the_clock_shows_and_never_less_than_nothing(steps):
    instants, now = [START], 0.0
    for step in steps:
        now += step
        instants.append(at(now))
    passed = passed_between(instants, 10.0)
    forward = sum(max(0.0, step) for step in steps)
    assert 0.0 <= passed.watched_seconds <= forward + 1e-3 * len(steps) + 1e-6
    assert passed.watched_seconds <= 30.0 * len(steps)


def test_intervals_that_overlap_are_counted_once():
    assert one_after_another([tick(0), tick(10), tick(3), tick(20), tick(24)]) == [
        tick(0),
        tick(10),
        tick(20),
    ]
    assert one_after_another([]) == []


def test_missing_is_what_no_interval_covers():
    assert missing_share([tick(0), tick(30)], at(0), 40.0) == 0.5
    assert missing_share([tick(0), tick(30)], at(20), 20.0) == 0.5
    assert missing_share([tick(0)], at(0), 5.0) == 0.0
    assert missing_share([], at(0), 0.0) == 0.0


def test_requests_of_our_own_are_harmless_bounded_and_known_again():
    specs = [ProbeSpec("a"), ProbeSpec("b", method="POST"), ProbeSpec("c", kind="sql"), ProbeSpec("d")]
    asked = synthetic(specs, 5)
    assert [spec.path for spec in asked] == ["/healthz"] * 5
    assert len({spec.name for spec in asked}) == 5
    assert all(is_synthetic(spec.name) for spec in asked)
    assert not is_synthetic("health")
    assert len(synthetic(specs, 10_000)) == 100
    assert synthetic(specs, 0) == synthetic(specs[1:3], 5) == ()


def test_requests_of_our_own_count_where_nobody_counts():
    assert tick_of(at(0), at(10), 5, 1) == (Tick(at(0), 5, 1, seconds=10.0),)
    assert tick_of(at(10), at(10), 5, 1) == ()
