from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelway.core.measure.sample import (
    Counts,
    Tick,
    Track,
    errors_of,
    in_order,
    slow_bound,
    slow_count,
    slow_of,
    total,
)

AT = datetime(2030, 1, 1, tzinfo=UTC)
BOUNDS = (0.1, 0.5, 1.0)


def test_a_tick_keeps_what_was_counted():
    tick = Tick(AT, 10, 2, 3, seconds=10.0)
    assert errors_of([tick]) == [Counts(10, 2)]
    assert slow_of([tick]) == [Counts(10, 3)]
    assert (tick.new_errors, tick.seconds) == (0, 10.0)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"errors": 11}, "at most the requests"),
        ({"slow": 11}, "at most the requests"),
        ({"errors": -1}, "negative"),
        ({"new_errors": -1}, "negative"),
        ({"seconds": 0.0}, "positive"),
        ({"seconds": float("nan")}, "positive"),
        ({"at": datetime(2030, 1, 1)}, "aware"),  # noqa: DTZ001 - the refused case
    ],
)
def test_a_contradicting_tick_is_refused(change, word):
    fields = {"at": AT, "requests": 10, "errors": 0, "seconds": 10.0} | change
    with pytest.raises(ValueError, match=word):
        Tick(**fields)


@pytest.mark.parametrize(("requests", "events"), [(1, 2), (1, -1)])
def test_impossible_counts_are_refused(requests, events):
    with pytest.raises(ValueError, match="cannot have gone wrong"):
        Counts(requests, events)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=20))
@settings(deadline=None)
def test_totals_and_running_totals_agree(pairs):
    series = [Counts(a + b, a) for a, b in pairs]
    track = Track.of(series)
    assert total(series) == sum(series, Counts()) == Counts(track.requests[-1], track.events[-1])
    assert len(track.requests) == len(series) + 1


def test_rates():
    assert Counts().rate is None
    assert Counts(4, 1).rate == 0.25


def test_ticks_are_put_in_order_and_overlaps_refused():
    first, second = Tick(AT, 1, 0, seconds=10.0), Tick(AT + timedelta(seconds=10), 2, 0, seconds=10.0)
    assert in_order([second, first]) == [first, second]
    with pytest.raises(ValueError, match="overlap"):
        in_order([first, first])


def test_the_slow_bound_is_where_95_percent_lie():
    assert slow_bound(BOUNDS, [90, 5, 3, 2]) == 0.5
    assert slow_bound(BOUNDS, [90, 4, 3, 3]) == 1.0
    assert slow_bound(BOUNDS, [0, 0, 0, 5]) is None
    assert slow_bound(BOUNDS, [0, 0, 0, 0]) is None
    assert slow_bound(BOUNDS, [50, 50, 0, 0], share=0.5) == 0.1


def test_slow_requests_are_those_beyond_the_bound():
    assert slow_count(BOUNDS, [90, 5, 3, 2], 0.5) == 5
    with pytest.raises(ValueError, match="no bucket bound"):
        slow_count(BOUNDS, [90, 5, 3, 2], 0.7)


@pytest.mark.parametrize("counts", [[1, 2, 3], [1, 2, 3, -4]])
def test_a_broken_histogram_is_refused(counts):
    with pytest.raises(ValueError, match="histogram"):
        slow_bound(BOUNDS, counts)


def test_falling_bounds_are_refused():
    with pytest.raises(ValueError, match="rising"):
        slow_count((1.0, 0.5), [1, 2, 3], 0.5)
