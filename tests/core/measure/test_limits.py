import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelway.core.measure.limits import (
    burst_limit,
    divergence,
    new_error_limit,
    probe_limit,
    rate_limit,
    ratio_limit,
)
from keelway.core.measure.sample import Counts
from keelway.core.measure.verdict import Code, VerdictSettings

SETTINGS = VerdictSettings()


def test_divergence_by_hand():
    assert divergence(0.5, 0.25) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    assert divergence(0.0, 0.05) == pytest.approx(-math.log(0.95))
    assert divergence(1.0, 0.05) == pytest.approx(-math.log(0.05))


@given(st.floats(0, 1), st.floats(0.001, 0.999))
@settings(deadline=None)
def test_divergence_is_never_negative(rate, limit):
    assert divergence(rate, limit) >= -1e-12


@pytest.mark.parametrize(
    ("history", "after", "broken"),
    [
        (Counts(1000, 10), Counts(100, 20), True),
        (Counts(), Counts(100, 20), True),
        (Counts(1000, 10), Counts(), False),
        (Counts(1000, 10), Counts(40, 9), False),
        (Counts(1000, 10), Counts(1000, 50), False),
        (Counts(1000, 10), Counts(160, 10), False),
        (Counts(1000, 25), Counts(100, 20), False),
    ],
    ids=["broken", "no history", "no traffic", "too few", "at the limit", "may be chance", "history near it"],
)
def test_rate_limit(history, after, broken):
    reason = rate_limit(history, after, SETTINGS)
    assert (reason is not None) == broken
    if reason:
        assert reason.code is Code.RATE_LIMIT
        assert "20 of 100 requests failed (20.00%)" in reason.sentence


@pytest.mark.parametrize(
    ("history", "after", "e_value", "broken"),
    [
        (Counts(1000, 10), Counts(1000, 16), 10.0, True),
        (Counts(1000, 10), Counts(1000, 16), 9.9, False),
        (Counts(1000, 10), Counts(1000, 15), 50.0, False),
        (Counts(1000, 1), Counts(1000, 9), 50.0, False),
        (Counts(), Counts(1000, 16), 50.0, False),
        (Counts(1000, 10), Counts(), 50.0, False),
    ],
    ids=["broken", "no evidence", "at the limit", "too few", "no history", "no traffic"],
)
def test_ratio_limit(history, after, e_value, broken):
    assert (ratio_limit(history, after, e_value, SETTINGS) is not None) == broken


def test_burst_limit_counts_within_its_window_only(ticks):
    history = Counts(100_000, 10)
    spread = ticks(12, 10, 0)
    hot = ticks(1, 10, 6) + ticks(1, 10, 6, at=290)
    cold = ticks(1, 10, 6) + ticks(1, 10, 6, at=300)
    assert burst_limit(history, hot, 1.0, SETTINGS).code is Code.BURST_LIMIT
    assert burst_limit(history, cold, 1.0, SETTINGS) is None
    assert burst_limit(history, spread, 1.0, SETTINGS) is None
    assert burst_limit(history, [], 1.0, SETTINGS) is None


def test_burst_limit_expects_what_the_history_showed(ticks):
    history = Counts(36_000, 360)
    # 30 ticks of 100: 30 errors expected, sd sqrt(30), so up to 57 are allowed
    assert burst_limit(history, ticks(30, 100, 1), 1.0, SETTINGS) is None
    assert (
        "60 errors within 300 s, where at most 57"
        in burst_limit(history, ticks(30, 100, 2), 1.0, SETTINGS).sentence
    )
    assert burst_limit(history, ticks(30, 100, 2), 4.0, SETTINGS) is None
    assert burst_limit(Counts(), ticks(30, 100, 2), 1.0, SETTINGS) is None


def test_the_worst_burst_is_told(ticks):
    after = ticks(1, 10, 10) + ticks(1, 10, 10, at=10) + ticks(1, 10, 0, at=20)
    assert burst_limit(Counts(1000, 0), after, 1.0, SETTINGS).sentence.startswith("20 errors")


def test_new_errors_count_against_the_plain_limit(ticks):
    assert new_error_limit(ticks(11, 10, 0, new=1), SETTINGS).code is Code.NEW_ERROR_BURST
    assert new_error_limit(ticks(10, 10, 0, new=1), SETTINGS) is None
    assert new_error_limit(ticks(1, 10, 0, new=6) + ticks(1, 10, 0, new=6, at=300), SETTINGS) is None
    assert new_error_limit([], SETTINGS) is None


@pytest.mark.parametrize(
    ("answers", "broken"), [("", False), ("++", False), ("--+--", False), ("+---+++", True)]
)
def test_probe_limit(probes, answers, broken):
    assert (probe_limit(probes(answers), SETTINGS) is not None) == broken


def test_a_good_probe_does_not_hide_a_bad_one(probes):
    reason = probe_limit(probes("+++") + probes("---", "queue"), SETTINGS)
    assert reason.sentence.startswith("Probe queue failed 3 times")
