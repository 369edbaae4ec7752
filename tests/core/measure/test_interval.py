import math
from decimal import Decimal, getcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelway.core.measure.interval import rate_interval, ratio_interval, ratio_of
from keelway.core.measure.sample import Counts

COUNTS = st.integers(0, 500).flatmap(lambda k: st.builds(Counts, st.integers(max(k, 1), 5000), st.just(k)))


def naive_mixture(k: int, m: int) -> Decimal:
    """Give B(1/2 + k, 1/2 + m) / B(1/2, 1/2) as a product of exact factors."""
    getcontext().prec = 60
    value = Decimal(1)
    for i in range(k):
        value *= (Decimal(i) + Decimal("0.5")) / Decimal(i + 1)
    for j in range(m):
        value *= (Decimal(j) + Decimal("0.5")) / Decimal(k + j + 1)
    return value


@pytest.mark.parametrize(("k", "n", "k0", "n0"), [(5, 100, 10, 1000), (0, 50, 8, 400), (40, 900, 200, 36000)])
def test_both_ends_are_where_the_mixture_reaches_one_over_alpha(k, n, k0, n0):
    low, high = ratio_interval(Counts(n, k), Counts(n0, k0), 0.01)
    for end in filter(None, (low, high)):
        p = Decimal(end) * n / (Decimal(n0) + Decimal(end) * n)
        bet = naive_mixture(k, k0) / (p**k * (1 - p) ** k0)
        assert float(bet) == pytest.approx(100, rel=1e-6)
    assert (low > 0) == (k > 0)


@pytest.mark.parametrize(("k", "n"), [(3, 100), (0, 900), (20, 20)])
def test_rate_ends_are_where_the_mixture_reaches_one_over_alpha(k, n):
    low, high = rate_interval(Counts(n, k), 0.01)
    for end in (end for end in (low, high) if 0 < end < 1):
        p = Decimal(end)
        assert float(naive_mixture(k, n - k) / (p**k * (1 - p) ** (n - k))) == pytest.approx(100, rel=1e-6)


@given(COUNTS, COUNTS, st.floats(1e-4, 0.2))
@settings(deadline=None)
def test_the_interval_contains_the_estimate(after, history, alpha):
    low, high = ratio_interval(after, history, alpha)
    ratio = ratio_of(after, history)
    if ratio is not None:
        assert low <= ratio
        assert high is not None
        assert ratio <= high
        assert math.isfinite(high)
    rate_low, rate_high = rate_interval(after, alpha)
    assert rate_low <= after.rate <= rate_high


@given(COUNTS, COUNTS)
@settings(deadline=None)
def test_less_doubt_makes_a_wider_interval(after, history):
    low, high = ratio_interval(after, history, 0.05)
    wide_low, wide_high = ratio_interval(after, history, 0.001)
    assert wide_low <= low * (1 + 1e-9)
    if high is not None:
        assert wide_high >= high * (1 - 1e-9)


def test_ends_that_data_cannot_set():
    assert ratio_interval(Counts(), Counts(10, 1), 0.01) == (0.0, None)
    assert ratio_interval(Counts(10, 1), Counts(), 0.01) == (0.0, None)
    assert ratio_interval(Counts(10, 0), Counts(10, 0), 0.01) == (0.0, None)
    low, high = ratio_interval(Counts(100, 50), Counts(100, 0), 0.01)
    assert high is None
    assert low > 1
    assert rate_interval(Counts(), 0.01) == (0.0, 1.0)
    assert rate_interval(Counts(10, 0), 0.01)[0] == 0.0
    assert rate_interval(Counts(10, 10), 0.01)[1] == 1.0


def test_no_ratio_without_an_old_or_new_rate():
    assert ratio_of(Counts(), Counts(10, 1)) is None
    assert ratio_of(Counts(10, 1), Counts(10, 0)) is None
    assert ratio_of(Counts(10, 1), Counts()) is None
    assert ratio_of(Counts(10, 2), Counts(10, 1)) == 2.0
