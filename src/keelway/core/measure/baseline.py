"""Choose from the past what a release may be compared with."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from keelway.core.measure.sample import Tick

Span = tuple[datetime, datetime]


def outside(ticks: Sequence[Tick], spans: Sequence[Span]) -> tuple[Tick, ...]:
    """Leave out the ticks that overlap one of these times, so that no bad release is the yardstick of the next."""
    return tuple(tick for tick in ticks if not any(_overlap(tick, span) for span in spans))


def _overlap(tick: Tick, span: Span) -> bool:
    began, ended = span
    return tick.at < ended and tick.at + timedelta(seconds=tick.seconds) > began
