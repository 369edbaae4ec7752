"""Hold what was counted of a running release, one interval at a time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate, pairwise

SLOW_SHARE = 0.95
"""Share of the old release's requests that count as fast enough: slower than this bound is slow."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Count one interval of one release; `at` is its aware start, `seconds` its length.

    `slow` counts requests slower than the history's bound, `new_errors` counts error records whose fingerprint
    the history never showed (they come from logs, so they may exceed `errors`). Raises ValueError on counts
    that contradict each other.
    """

    at: datetime
    requests: int
    errors: int
    slow: int = 0
    new_errors: int = 0
    seconds: float = field(kw_only=True)

    def __post_init__(self) -> None:
        if self.at.utcoffset() is None:
            raise ValueError("A tick needs an aware time: without a zone two machines disagree; pass UTC.")
        if not (math.isfinite(self.seconds) and self.seconds > 0):
            raise ValueError(f"A tick lasts {self.seconds} s; it must last a positive, finite time.")
        if min(self.requests, self.errors, self.slow, self.new_errors) < 0:
            raise ValueError(
                "A tick holds a negative count; take the difference of counters after a restart as zero."
            )
        if max(self.errors, self.slow) > self.requests:
            raise ValueError(
                f"A tick counts {self.errors} errors and {self.slow} slow of {self.requests} requests; "
                "each must be at most the requests, so count distinct requests."
            )


@dataclass(frozen=True, slots=True)
class Counts:
    """Pair requests with those among them that went wrong (errors or slow ones)."""

    requests: int = 0
    events: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.events <= self.requests:
            raise ValueError(
                f"{self.events} of {self.requests} requests cannot have gone wrong; check the counters."
            )

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.requests + other.requests, self.events + other.events)

    @property
    def rate(self) -> float | None:
        """Give the share of requests that went wrong, None when there were none."""
        return self.events / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class Track:
    """Keep running totals (first entry 0), so that any cut of a series costs two subtractions."""

    requests: tuple[int, ...]
    events: tuple[int, ...]

    @classmethod
    def of(cls, series: Sequence[Counts]) -> "Track":
        """Add up a series in its order."""
        requests = accumulate((counts.requests for counts in series), initial=0)
        events = accumulate((counts.events for counts in series), initial=0)
        return cls(tuple(requests), tuple(events))


def errors_of(ticks: Sequence[Tick]) -> list[Counts]:
    """Read the error series of some ticks."""
    return [Counts(tick.requests, tick.errors) for tick in ticks]


def slow_of(ticks: Sequence[Tick]) -> list[Counts]:
    """Read the latency series of some ticks: requests slower than the history's bound."""
    return [Counts(tick.requests, tick.slow) for tick in ticks]


def slow_beyond_stalls(ticks: Sequence[Tick], stall_seconds: float) -> list[Counts]:
    """Read the latency series without its slowest ticks, which together last at least `stall_seconds`.

    The bet takes requests as independent, but one stall (a full disk queue, a pause, a busy neighbour) makes all
    requests of its moment slow at once. Slowness that is the release's own is there in the other ticks too.
    """
    left: set[int] = set()
    stalled_seconds = 0.0
    for index in sorted(range(len(ticks)), key=lambda index: (-ticks[index].slow, index)):
        if stalled_seconds >= stall_seconds or not ticks[index].slow:
            break
        left.add(index)
        stalled_seconds += ticks[index].seconds
    return [Counts() if index in left else counts for index, counts in enumerate(slow_of(ticks))]


def total(series: Sequence[Counts]) -> Counts:
    """Sum a series."""
    return Counts(sum(counts.requests for counts in series), sum(counts.events for counts in series))


def outside(ticks: Sequence[Tick], spans: Sequence[tuple[datetime, datetime]]) -> tuple[Tick, ...]:
    """Leave out the ticks that overlap one of these times, so that no bad release is the yardstick of the next."""
    return tuple(tick for tick in ticks if not any(_overlap(tick, *span) for span in spans))


def _overlap(tick: Tick, began: datetime, ended: datetime) -> bool:
    return tick.at < ended and tick.at + timedelta(seconds=tick.seconds) > began


def in_order(ticks: Sequence[Tick]) -> list[Tick]:
    """Sort ticks by time; raises ValueError when two overlap by over half a tick: requests would count twice."""
    ordered = sorted(ticks, key=lambda tick: tick.at)
    for earlier, later in pairwise(ordered):
        gap_seconds = (later.at - earlier.at).total_seconds()
        if gap_seconds < earlier.seconds / 2:
            raise ValueError(
                f"Ticks at {earlier.at.isoformat()} and {later.at.isoformat()} overlap, so requests would count twice; "
                "sum several sources into one tick first."
            )
    return ordered


def slow_bound(
    bounds_seconds: Sequence[float], counts: Sequence[int], share: float = SLOW_SHARE
) -> float | None:
    """Find the smallest bucket bound under which `share` of a latency histogram lies, None when there is none.

    `counts` has one entry per bound (not cumulative) and one more for everything slower than the last bound.
    Raises ValueError when the lengths or the order do not fit.
    """
    _check_histogram(bounds_seconds, counts)
    wanted = share * sum(counts)
    if not wanted:
        return None
    seen = 0
    for bound, count in zip(bounds_seconds, counts, strict=False):
        seen += count
        if seen >= wanted:
            return bound
    return None


def slow_count(bounds_seconds: Sequence[float], counts: Sequence[int], bound_seconds: float) -> int:
    """Count the requests of a latency histogram that were slower than one of its bounds.

    Raises ValueError when the bound is not one of the histogram's own: between bounds nothing is known.
    """
    _check_histogram(bounds_seconds, counts)
    if bound_seconds not in bounds_seconds:
        raise ValueError(
            f"{bound_seconds} s is no bucket bound of this histogram; use the same buckets before and after."
        )
    return sum(counts[list(bounds_seconds).index(bound_seconds) + 1 :])


def _check_histogram(bounds_seconds: Sequence[float], counts: Sequence[int]) -> None:
    if len(counts) != len(bounds_seconds) + 1 or list(bounds_seconds) != sorted(set(bounds_seconds)):
        raise ValueError(
            "A latency histogram needs rising bounds and one count more than bounds (the last is the rest)."
        )
    if counts and min(counts) < 0:
        raise ValueError("A latency histogram holds a negative count; take it from one process's counters.")
