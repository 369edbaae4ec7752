import json
import math
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelway.core.measure.health import ProbeTick
from keelway.core.measure.judge import judge_window
from keelway.core.measure.sample import Tick
from keelway.core.measure.verdict import Code, Decision, VerdictSettings

START = datetime(2030, 1, 1, tzinfo=UTC)
SETTINGS = VerdictSettings()


def codes(judgement):
    return {reason.code for reason in judgement.reasons}


@pytest.fixture
def history(ticks):
    return ticks(360, 100, 1, slow=5, at=-3600)


def test_a_healthy_release_passes_at_the_end(ticks, probes, history):
    judgement = judge_window(history, ticks(90, 100, 1, slow=5), probes("+" * 90), SETTINGS, 900)
    assert judgement.decision is Decision.PASS
    assert codes(judgement) == {Code.RATIO_BOUNDED, Code.ADDED_RATE_BOUNDED}
    assert (judgement.requests, judgement.errors, judgement.ratio) == (9000, 90, 1.0)
    assert judgement.ratio_low < 1 < judgement.ratio_high < 2
    assert judgement.rate_before == judgement.rate_after == 0.01
    assert 1.25 < judgement.detectable_ratio < 3


def test_an_early_pass_needs_both_bounds_and_a_third_of_the_window(ticks, probes, history):
    def at(count, **change):
        old = [Tick(t.at, 1000, 10, seconds=10.0) for t in history]
        looked = judge_window(
            old, ticks(count, 1000, 10), probes("+" * count), VerdictSettings(**change), 10 * count
        )
        return looked.decision

    assert at(29) is Decision.WATCH
    assert at(30) is Decision.PASS
    assert at(30, early_pass_share=1.0) is Decision.WATCH
    assert at(90, early_pass_share=1.0) is Decision.PASS


def test_one_bound_is_enough_at_the_end_only(ticks, probes):
    old, new = ticks(360, 10, 0, at=-3600), ticks(90, 20, 0)
    early = judge_window(old, new[:60], probes("+" * 60), SETTINGS, 600)
    late = judge_window(old, new, probes("+" * 90), SETTINGS, 900)
    assert (early.decision, late.decision) == (Decision.WATCH, Decision.PASS)
    assert codes(late) == {Code.ADDED_RATE_BOUNDED}
    assert late.ratio is None
    assert late.ratio_high is None
    assert late.detectable_ratio is None


def test_a_hard_failure_rolls_back_in_twenty_seconds(ticks, probes, history):
    judgement = judge_window(history, ticks(2, 100, 13), probes("++"), SETTINGS, 20)
    assert judgement.decision is Decision.ROLLBACK
    assert {Code.ERRORS_WORSE, Code.RATE_LIMIT, Code.RATIO_LIMIT, Code.BURST_LIMIT} <= codes(judgement)
    assert judgement.e_value_errors > 200


def test_slower_alone_rolls_back(ticks, probes, history):
    judgement = judge_window(history, ticks(6, 100, 1, slow=20), probes("++"), SETTINGS, 60)
    assert judgement.decision is Decision.ROLLBACK
    assert codes(judgement) == {Code.LATENCY_WORSE}


@given(stalled=st.sets(st.integers(0, 29), max_size=2), slow=st.integers(0, 100))
def test_a_stall_is_no_slow_release(stalled, slow):
    """However slow two ticks are: what the others show decides."""

    def made(count, at, slow_of):
        return [
            Tick(START + timedelta(seconds=at + 10 * i), 100, 0, slow_of(i), seconds=10.0)
            for i in range(count)
        ]

    old = made(360, -3600, lambda _: 5)
    seen = made(30, 0, lambda i: slow if i in stalled else 5)
    answers = [ProbeTick(tick.at, True, "health") for tick in seen]
    assert judge_window(old, seen, answers, SETTINGS, 300).decision is not Decision.ROLLBACK


def test_slowness_is_seen_once_it_outlasts_a_stall(ticks, probes, history):
    def looked(count):
        return judge_window(history, ticks(count, 100, 1, slow=60), probes("+" * count), SETTINGS, 10 * count)

    assert looked(2).decision is Decision.WATCH
    assert codes(looked(4)) == {Code.LATENCY_WORSE}


def test_three_failed_probes_roll_back_at_once_without_numbers(ticks, probes, history):
    judgement = judge_window(history, [], probes("---"), SETTINGS, 30)
    assert judgement.decision is Decision.ROLLBACK
    assert codes(judgement) == {Code.PROBE_FAILED}


def test_new_kinds_of_error_roll_back(ticks, probes, history):
    judgement = judge_window(history, ticks(6, 100, 1, slow=5, new=2), probes("++"), SETTINGS, 60)
    assert codes(judgement) == {Code.NEW_ERROR_BURST}


def test_a_late_regression_is_seen(ticks, probes, history):
    after = ticks(48, 100, 1) + ticks(3, 100, 13, at=480)
    assert judge_window(history, after, probes("++"), SETTINGS, 510).decision is Decision.ROLLBACK


def test_no_traffic_is_never_a_pass(ticks, probes, history):
    judgement = judge_window(history, ticks(90, 0, 0), probes("+" * 90), SETTINGS, 900)
    assert judgement.decision is Decision.INCONCLUSIVE
    assert Code.NO_TRAFFIC in codes(judgement)
    assert judgement.ratio_low is None


def test_silence_is_never_a_pass(ticks, probes, history):
    enough, short = ticks(72, 100, 1), ticks(71, 100, 1)
    assert judge_window(history, enough, probes("+" * 90), SETTINGS, 900).decision is Decision.PASS
    judgement = judge_window(history, short, probes("+" * 90), SETTINGS, 900)
    assert judgement.decision is Decision.INCONCLUSIVE
    assert codes(judgement) == {Code.MISSING_DATA}
    assert judge_window(history, short, probes("++"), SETTINGS, 890).decision is Decision.WATCH


@pytest.mark.parametrize("answers", ["", "+", "++-", "+-+-+-++"])
def test_no_sound_probe_is_never_a_pass(ticks, probes, history, answers):
    judgement = judge_window(history, ticks(90, 100, 1), probes(answers), SETTINGS, 900)
    assert judgement.decision is Decision.INCONCLUSIVE
    assert codes(judgement) == {Code.NOT_HEALTHY}


def test_little_traffic_is_inconclusive_and_says_what_could_be_seen(ticks, probes):
    old, new = ticks(360, 2, 0, at=-3600)[:-4] + ticks(4, 2, 1, at=-40), ticks(90, 1, 0)
    judgement = judge_window(old, new, probes("+" * 90), SETTINGS, 900)
    assert judgement.decision is Decision.INCONCLUSIVE
    assert codes(judgement) == {Code.NOT_EXCLUDED}
    assert judgement.detectable_ratio > 10


def test_little_traffic_after_an_errorless_history_has_no_bound(ticks, probes):
    judgement = judge_window(ticks(360, 1, 0, at=-3600), ticks(90, 1, 0), probes("++"), SETTINGS, 900)
    assert "without bound" in judgement.reasons[0].sentence


def test_without_history_limits_and_probes_decide_and_it_is_said(ticks, probes):
    good = judge_window([], ticks(90, 100, 1), probes("+" * 90), SETTINGS, 900)
    assert good.decision is Decision.PASS
    assert codes(good) == {Code.NO_HISTORY, Code.RATE_BOUNDED}
    assert good.e_value_errors is None
    assert good.ratio_high is None
    assert judge_window([], ticks(60, 100, 1), probes("++"), SETTINGS, 600).decision is Decision.WATCH
    bad = judge_window([], ticks(9, 100, 20), probes("++"), SETTINGS, 90)
    assert codes(bad) == {Code.RATE_LIMIT}
    few = judge_window([], ticks(90, 1, 0), probes("++"), SETTINGS, 900)
    assert few.decision is Decision.INCONCLUSIVE
    assert codes(few) == {Code.NO_HISTORY, Code.NOT_EXCLUDED}


def test_the_first_look_watches(ticks, probes, history):
    judgement = judge_window(history, [], [], SETTINGS, 0)
    assert judgement.decision is Decision.WATCH
    assert {Code.TOO_EARLY, Code.NO_TRAFFIC, Code.MISSING_DATA, Code.NOT_HEALTHY} <= codes(judgement)


@pytest.mark.parametrize("elapsed", [-1.0, float("nan"), float("inf")])
def test_an_elapsed_time_that_is_none_is_refused(elapsed):
    with pytest.raises(ValueError, match="elapsed"):
        judge_window([], [], [], SETTINGS, elapsed)


def test_extreme_evidence_stays_a_number(ticks, probes):
    old = ticks(360, 10_000, 1, at=-3600)
    judgement = judge_window(old, ticks(90, 10_000, 10_000, slow=10_000), probes("++"), SETTINGS, 900)
    assert math.isfinite(judgement.e_value_errors)
    assert math.isfinite(judgement.e_value_latency)


TICKS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 3)), max_size=12
)


@given(TICKS, TICKS, st.lists(st.booleans(), max_size=6), st.floats(0, 1000))
@settings(deadline=None, max_examples=60)
def test_every_judgement_is_finite_json_and_watches_only_inside_the_window(old, new, answers, elapsed):
    def build(rows, at):
        times = (START + timedelta(seconds=at + 10 * i) for i in range(len(rows)))
        return [
            Tick(t, a + b + c, a, b, d, seconds=10.0) for t, (a, b, c, d) in zip(times, rows, strict=True)
        ]

    found = [ProbeTick(START + timedelta(seconds=10 * i), healthy) for i, healthy in enumerate(answers)]
    judgement = judge_window(build(old, -600), build(new, 0), found, SETTINGS, elapsed)
    text = json.dumps(asdict(judgement), allow_nan=False)
    assert json.loads(text)["decision"] == judgement.decision
    assert judgement.reasons
    assert all(reason.sentence for reason in judgement.reasons)
    assert judgement.decision is not Decision.WATCH or elapsed < SETTINGS.window_seconds
    assert judgement.decision is not Decision.INCONCLUSIVE or elapsed >= SETTINGS.window_seconds
    if judgement.decision is Decision.PASS:
        assert judgement.requests > 0
        assert answers[-2:] == [True, True]


@given(st.permutations(range(12)))
@settings(deadline=None, max_examples=20)
def test_the_order_of_arrival_does_not_matter(order):
    rows = [Tick(START + timedelta(seconds=10 * i), 100, i % 3, seconds=10.0) for i in range(12)]
    old = [Tick(START + timedelta(seconds=10 * i - 3600), 100, 1, seconds=10.0) for i in range(120)]
    plain = judge_window(old, rows, [], SETTINGS, 120)
    assert judge_window(old, [rows[i] for i in order], [], SETTINGS, 120) == plain
