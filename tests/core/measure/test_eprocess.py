import math
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelway.core.measure.eprocess import (
    CUTS_MAX,
    RATIOS,
    Bet,
    Cuts,
    cut_count,
    detectable_ratio,
    log_e_value,
    log_lr,
    log_sum_exp,
    overdispersion,
    plan_cuts,
)
from keelway.core.measure.sample import Counts, Track

COUNTS = st.integers(0, 60).flatmap(lambda k: st.builds(Counts, st.integers(k, 400), st.just(k)))


def naive_e(k: int, n: int, k0: int, n0: int, tau: Fraction = Fraction(5, 4)) -> Fraction:
    """Follow the formula as written, in exact fractions, without tempering."""

    def p(r: Fraction) -> Fraction:
        return r * n / (n0 + r * n)

    grid = [Fraction(str(r)) for r in RATIOS]
    terms = [(p(tau * r) / p(tau)) ** k * ((1 - p(tau * r)) / (1 - p(tau))) ** k0 for r in grid]
    return sum(terms, Fraction(0)) / len(terms)


def naive_mixture(history: Counts, series: list[Counts], per_cut: int, cuts: int) -> float:
    """Add up deploy and minute components by hand."""

    def e(at: int) -> float:
        old = sum(series[:at], history)
        new = sum(series[at:], Counts())
        return float(naive_e(new.events, new.requests, old.events, old.requests)) if new.requests else 1.0

    value, spent = 0.5 * e(0), 0
    for at in range(per_cut, len(series), per_cut):
        value += e(at) / (2 * cuts)
        spent += 1
    return value + 0.5 - spent / (2 * cuts)


@given(COUNTS, COUNTS)
@settings(deadline=None)
def test_one_cut_equals_the_formula_in_fractions(after, history):
    if not (after.requests and history.requests):
        return
    exact = naive_e(after.events, after.requests, history.events, history.requests)
    split = (after.events, after.requests, history.events, history.requests)
    assert log_lr(split, Bet()) == pytest.approx(math.log(exact), abs=1e-9)


def test_a_value_worked_out_by_hand():
    # one ratio at a time: n = n0, so p(r) = r / (1 + r); k = 1, k0 = 0, tau = 1
    by_hand = sum(2 * r / (1 + r) for r in RATIOS) / len(RATIOS)
    assert math.exp(log_lr((1, 50, 0, 50), Bet(1.0))) == pytest.approx(by_hand)


@given(st.lists(COUNTS, min_size=1, max_size=40), COUNTS)
@settings(deadline=None)
def test_deploy_and_minute_components_add_up(series, history):
    if not history.requests:
        return
    cuts = plan_cuts([10.0 * i for i in range(len(series))], 900.0)
    measured = log_e_value(history, Track.of(series), cuts, Bet())
    assert measured == pytest.approx(math.log(naive_mixture(history, series, 6, 15)), abs=1e-9)


@given(st.lists(COUNTS, min_size=2, max_size=30), COUNTS, st.integers(1, 30))
@settings(deadline=None)
def test_a_look_equals_the_shorter_series(series, history, look):
    look = min(look, len(series))
    offsets = [10.0 * i for i in range(len(series))]
    whole = log_e_value(history, Track.of(series), plan_cuts(offsets, 300.0), Bet(), look)
    short = log_e_value(history, Track.of(series[:look]), plan_cuts(offsets[:look], 300.0), Bet())
    assert whole == pytest.approx(short, abs=1e-12)


@given(st.integers(0, 200), st.integers(1, 500), st.integers(0, 200), st.integers(1, 500), st.floats(1, 20))
@settings(deadline=None)
def test_more_errors_are_never_less_evidence(k, n, k0, n0, phi):
    bet = Bet(1.25, phi)
    assert log_lr((k + 1, n, k0, n0), bet) >= log_lr((k, n, k0, n0), bet) - 1e-12
    assert log_lr((k, n, k0 + 1, n0), bet) <= log_lr((k, n, k0, n0), bet) + 1e-12


@given(st.integers(5, 200), st.integers(1, 500), st.integers(0, 200), st.integers(1, 500), st.floats(1, 20))
@settings(deadline=None)
def test_tempering_pulls_evidence_towards_nothing(k, n, k0, n0, phi):
    plain, tempered = log_lr((k, n, k0, n0), Bet()), log_lr((k, n, k0, n0), Bet(1.25, phi))
    assert tempered <= max(plain, 0.0) + 1e-9


@given(st.permutations([Counts(10 + i, i) for i in range(6)]))
@settings(deadline=None)
def test_the_order_within_a_minute_does_not_matter(minute):
    series = [*minute, *[Counts(20, 3)] * 6]
    cuts = plan_cuts([10.0 * i for i in range(12)], 900.0)
    plain = [Counts(10 + i, i) for i in range(6)]
    history = Counts(3600, 36)
    assert log_e_value(history, Track.of(series), cuts, Bet()) == pytest.approx(
        log_e_value(history, Track.of([*plain, *[Counts(20, 3)] * 6]), cuts, Bet())
    )


@pytest.mark.parametrize(
    ("split", "expected"),
    [((0, 0, 0, 0), 0.0), ((0, 0, 5, 100), 0.0), ((0, 100, 0, 100), 0.0), ((7, 50, 0, 0), 0.0)],
)
def test_nothing_to_compare_is_no_evidence(split, expected):
    assert log_lr(split, Bet()) == pytest.approx(expected)


@pytest.mark.parametrize("after", [Counts(900_000, 0), Counts(900_000, 900_000), Counts(900_000, 9_000)])
@pytest.mark.parametrize(
    "history", [Counts(3_600_000, 0), Counts(3_600_000, 3_600_000), Counts(1, 1), Counts()]
)
def test_heavy_traffic_stays_finite(after, history):
    series = [Counts(after.requests // 90, after.events // 90)] * 90
    cuts = plan_cuts([10.0 * i for i in range(90)], 900.0)
    assert math.isfinite(log_e_value(history, Track.of(series), cuts, Bet()))


def test_cuts_take_the_planned_stakes():
    cuts = plan_cuts([10.0 * i for i in range(90)], 900.0)
    assert cuts.starts == tuple(range(6, 90, 6))
    assert cuts.weight == pytest.approx(1 / 30)
    assert cuts.unspent(0) == 0.5
    assert cuts.unspent(15) == pytest.approx(0.0)
    assert plan_cuts([], 900.0).starts == ()
    assert Cuts((), 0.6).unspent(1) == 0.0


@given(st.floats(1, 1e6))
@settings(deadline=None)
def test_stakes_never_exceed_one_and_cuts_are_bounded(window_seconds):
    assert 1 <= cut_count(window_seconds) <= CUTS_MAX
    cuts = plan_cuts([10.0 * i for i in range(2000)], window_seconds)
    assert len(cuts.starts) * cuts.weight <= 0.5 + 1e-9


def test_a_fully_spent_stake_leaves_nothing():
    series = [Counts(10, 1)] * 3
    cuts = Cuts((1, 2), 0.25)
    history = Counts(100, 1)
    by_hand = 0.5 * float(naive_e(3, 30, 1, 100))
    by_hand += 0.25 * float(naive_e(2, 20, 2, 110)) + 0.25 * float(naive_e(1, 10, 3, 120))
    assert math.exp(log_e_value(history, Track.of(series), cuts, Bet())) == pytest.approx(by_hand)


def test_a_gap_moves_cuts_to_the_tick_after_it():
    assert plan_cuts([0.0, 130.0, 140.0], 900.0).starts == (1, 1)


def test_log_sum_exp_of_nothing_but_zeros():
    assert log_sum_exp([-math.inf, -math.inf]) == -math.inf
    assert log_sum_exp([1000.0, 1000.0]) == pytest.approx(1000 + math.log(2))


@pytest.mark.parametrize(("n", "n0", "both"), [(100, 400, 20), (10, 1000, 40), (500, 500, 7)])
def test_under_the_null_the_expected_evidence_is_exactly_one(n, n0, both):
    def expected(true_ratio: float, tau: float) -> float:
        p = true_ratio * n / (n0 + true_ratio * n)
        chances = (math.comb(both, k) * p**k * (1 - p) ** (both - k) for k in range(both + 1))
        values = (math.exp(log_lr((k, n, both - k, n0), Bet(tau))) for k in range(both + 1))
        return math.fsum(chance * value for chance, value in zip(chances, values, strict=True))

    assert expected(1.0, 1.0) == pytest.approx(1.0)
    assert expected(1.25, 1.25) == pytest.approx(1.0)
    assert expected(1.0, 1.25) <= 1.0
    assert expected(2.0, 1.25) > 1.0


def test_under_the_null_looking_at_every_minute_rarely_alarms():
    rng = Random(7)
    cuts = plan_cuts([60.0 * i for i in range(5)], 300.0)
    crossed, means = 0, []
    for _ in range(600):
        history = Counts(600, sum(rng.random() < 0.05 for _ in range(600)))
        series = [Counts(40, sum(rng.random() < 0.05 for _ in range(40))) for _ in range(5)]
        values = [log_e_value(history, Track.of(series), cuts, Bet(1.0), look) for look in range(1, 6)]
        means.append(math.exp(values[-1]))
        crossed += max(values) >= math.log(20)
    assert sum(means) / len(means) < 1.5
    assert crossed / 600 <= 0.05


def test_the_detectable_ratio_is_the_point_where_it_rolls_back():
    history, bet, threshold = Counts(3_600_000, 36_000), Bet(1.25, 100.0), math.log(200)
    found = detectable_ratio(history, 900_000, 900.0, bet, threshold)
    assert found is not None
    cuts = plan_cuts([10.0 * i for i in range(90)], 900.0)

    def at(ratio: float) -> float:
        return log_e_value(history, Track.of([Counts(10_000, round(100 * ratio))] * 90), cuts, bet)

    assert at(found * 0.98) < threshold < at(found * 1.02)


def test_more_traffic_and_less_noise_detect_smaller_ratios():
    history = Counts(36_000, 360)
    few = detectable_ratio(history, 900, 900.0, Bet(), 5.0)
    many = detectable_ratio(history, 90_000, 900.0, Bet(), 5.0)
    noisy = detectable_ratio(history, 90_000, 900.0, Bet(1.25, 4.0), 5.0)
    assert many < few
    assert many < noisy


@pytest.mark.parametrize("history", [Counts(), Counts(1000, 0), Counts(1000, 1000)])
def test_no_ratio_can_be_detected_without_room(history):
    assert detectable_ratio(history, 1000, 900.0, Bet(), 5.0) is None


def test_no_traffic_detects_nothing():
    assert detectable_ratio(Counts(1000, 10), 0.0, 900.0, Bet(), 5.0) is None


def naive_phi(series: list[Counts], length: int) -> float:
    blocks = [sum(series[i : i + length], Counts()) for i in range(0, len(series) - length + 1, length)]
    p = sum(b.events for b in blocks) / sum(b.requests for b in blocks)
    return sum((b.events - b.requests * p) ** 2 / (b.requests * p * (1 - p)) for b in blocks) / (
        len(blocks) - 1
    )


def test_noise_is_the_largest_over_block_lengths():
    rng = Random(3)
    series = [Counts(100, rng.randint(0, 4) + (12 if (i // 30) % 3 == 0 else 0)) for i in range(360)]
    assert overdispersion(series) == pytest.approx(max(naive_phi(series, length) for length in (1, 6, 30)))


def test_even_history_is_no_noisier_than_chance():
    assert overdispersion([Counts(100, 2)] * 360) == 1.0


@pytest.mark.parametrize(
    "series",
    [
        [],
        [Counts(100, 4)],
        [Counts(100, 0)] * 9 + [Counts(100, 90)],
        [Counts(10, 0)] * 359 + [Counts(10, 5)],
        [Counts(10, 10)] * 360,
        [Counts(0, 0)] * 360 + [Counts(10, 5)],
    ],
    ids=["empty", "few", "ten", "rare", "always", "mostly idle"],
)
def test_too_little_history_gives_one_or_more(series):
    assert overdispersion(series) >= 1.0
