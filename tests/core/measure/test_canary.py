import math
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelway.core.measure.canary import canary_log_e_value
from keelway.core.measure.eprocess import RATIOS
from keelway.core.measure.sample import Counts

COUNTS = st.integers(0, 5).flatmap(lambda k: st.builds(Counts, st.integers(k, 50), st.just(k)))


def naive(pairs, ticks, tau=Fraction(5, 4)):
    """Follow the recursion as written, in exact fractions."""
    stakes = [Fraction(1, 2)] * len(RATIOS)
    grid = [Fraction(str(r)) for r in RATIOS]
    for index, (new, old) in enumerate(pairs):
        weight = Fraction(1, 2 * ticks) if index < ticks else Fraction(0)
        for i, r in enumerate(grid):
            factor = Fraction(1)
            if new.requests and old.requests:
                n, nc = new.requests, old.requests
                high, low = tau * r * n / (nc + tau * r * n), tau * n / (nc + tau * n)
                factor = (high / low) ** new.events * ((1 - high) / (1 - low)) ** old.events
            stakes[i] = (stakes[i] + weight) * factor
    unspent = Fraction(1, 2) - Fraction(min(len(pairs), ticks), 2 * ticks)
    return sum(stakes, Fraction(0)) / len(stakes) + unspent


@given(st.lists(st.tuples(COUNTS, COUNTS), max_size=8))
@settings(deadline=None)
def test_the_recursion_in_fractions(pairs):
    assert canary_log_e_value(pairs, 6, 1.25) == pytest.approx(math.log(naive(pairs, 6)), abs=1e-9)


def test_no_tick_is_no_evidence():
    assert canary_log_e_value([], 90, 1.25) == pytest.approx(0.0)


def test_a_window_without_ticks_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        canary_log_e_value([], 0, 1.25)


def test_under_the_null_it_rarely_crosses_whatever_the_shared_noise():
    rng = Random(11)
    crossed = 0
    for _ in range(300):
        pairs, worst = [], -math.inf
        for _ in range(30):
            p = 0.02 * rng.choice((0.2, 1.0, 8.0))
            new = Counts(20, sum(rng.random() < p for _ in range(20)))
            old = Counts(180, sum(rng.random() < p for _ in range(180)))
            pairs.append((new, old))
        worst = max(canary_log_e_value(pairs[:look], 30, 1.0) for look in range(5, 31, 5))
        crossed += worst >= math.log(20)
    assert crossed / 300 <= 0.06


def test_a_bad_canary_is_seen_and_a_shared_outage_is_not():
    bad = [(Counts(100, 5), Counts(900, 9))] * 90
    shared = [(Counts(100, 50), Counts(900, 450))] * 90
    assert canary_log_e_value(bad, 90, 1.25) > math.log(100)
    assert canary_log_e_value(shared, 90, 1.25) < math.log(2)


def test_the_latency_series_of_a_heavy_canary_stays_finite():
    pairs = [(Counts(1000, 1000), Counts(9000, 0))] * 200
    assert math.isfinite(canary_log_e_value(pairs, 90, 1.25))
