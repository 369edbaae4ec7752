"""What a release is compared with: the past without its bad whiles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keelway.core.measure.sample import Tick, outside

BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)


def tick(second: int) -> Tick:
    return Tick(BEGAN + timedelta(seconds=second), 100, 0, seconds=10)


def span(since: int, until: int) -> tuple[datetime, datetime]:
    return BEGAN + timedelta(seconds=since), BEGAN + timedelta(seconds=until)


TICKS = tuple(map(tick, range(0, 50, 10)))


@pytest.mark.parametrize(
    ("spans", "left"),
    [
        ([], [0, 10, 20, 30, 40]),
        ([span(10, 20)], [0, 20, 30, 40]),
        ([span(15, 25)], [0, 30, 40]),
        ([span(-5, 1), span(49, 90)], [10, 20, 30]),
        ([span(50, 60), span(-9, 0)], [0, 10, 20, 30, 40]),
        ([span(-1, 60)], []),
    ],
)
def test_what_overlaps_a_bad_while_is_left_out(spans: list[tuple[datetime, datetime]], left: list[int]):
    assert outside(TICKS, spans) == tuple(map(tick, left))
