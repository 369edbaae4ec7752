"""Short ticks become long intervals without inventing or doubling a request."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.adapters.signal.front.intervals import Span, gather, slow_limit_ms, spans_of
from keelway.core.measure.sample import in_order

BOUNDS = (1.0, 2.0, 4.0, 8.0)


def tick(at: float, release: str = "a", requests: int = 2, errors: int = 0) -> dict[str, object]:
    return {
        "at": at,
        "seconds": 1.0,
        "release": release,
        "requests": requests,
        "errors": errors,
        "latency_counts": [requests, 0, 0, 0, 0],
        "routes": {},
    }


def test_releases_of_one_tick_are_added_up_or_told_apart() -> None:
    history = {"ticks": [tick(11.0), tick(11.0, "b", 3, 1), tick(12.0)]}
    assert [(span.until, span.requests) for span in spans_of(history, "")] == [(11.0, 5), (12.0, 2)]
    assert [(span.until, span.requests, span.errors) for span in spans_of(history, "b")] == [(11.0, 3, 1)]
    assert [span.requests for span in spans_of(history, "", without="b")] == [2, 2]


def test_more_errors_than_requests_are_never_claimed() -> None:
    (span,) = spans_of({"ticks": [tick(1.0, requests=2, errors=5)]}, "")
    assert (span.requests, span.errors) == (2, 2)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=60),
    st.integers(1, 7),
    st.floats(1.6e9, 1.8e9),
)
def test_every_interval_is_a_sum_of_neighbours(
    seconds: list[tuple[int, bool]], length: int, began: float
) -> None:
    spans = [
        Span(began + number, began + number + 1, requests, requests // 2, [requests])
        for number, (requests, counted) in enumerate(seconds)
        if counted
    ]
    ticks = gather(spans, float(length), (), None)
    assert in_order(ticks) == list(ticks)
    assert all(abs(one.seconds - length) < 0.01 for one in ticks)
    by_start = {round(span.since - began): span for span in spans}
    for one in ticks:
        first = round(one.at.timestamp() - began)
        parts = [by_start[first + offset] for offset in range(length)]
        assert one.requests == sum(part.requests for part in parts)
        assert one.errors == sum(part.errors for part in parts)
    runs = (len(list(run)) for counted, run in itertools.groupby(seconds, lambda one: one[1]) if counted)
    assert len(ticks) == sum(run // length for run in runs)


@pytest.mark.parametrize(
    ("counts", "margin", "limit"),
    [
        ([95, 5, 0, 0, 0], 0, 1.0),
        ([94, 6, 0, 0, 0], 0, 2.0),
        ([94, 6, 0, 0, 0], 2, 8.0),
        ([0, 0, 0, 9, 0], 2, 8.0),
        ([0, 0, 0, 0, 0], 0, None),
        ([0, 0, 0, 0, 9], 0, None),
    ],
)
def test_the_slow_limit_is_a_bucket_bound(counts: list[int], margin: int, limit: float | None) -> None:
    spans = [Span(0, 1, sum(counts), 0, counts)]
    assert slow_limit_ms(spans, BOUNDS, margin_buckets=margin) == limit


def test_without_bounds_nothing_is_slow() -> None:
    span = Span(0, 1, 3, 0, [3])
    assert slow_limit_ms([span], ()) is None
    (one,) = gather([span], 1.0, (), None)
    assert (one.slow, one.at) == (0, datetime.fromtimestamp(0, UTC))


def test_slow_requests_are_those_above_the_limit() -> None:
    (one,) = gather([Span(0, 1, 10, 0, [1, 2, 3, 4, 0])], 1.0, BOUNDS, 2.0)
    assert one.slow == 7
