"""Sum the short ticks of a front into the intervals that a verdict wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from keelway.clients.control import Json
from keelway.core.measure.sample import Tick, slow_bound
from keelway.core.traffic.route import release_of

_ROUNDING_SECONDS = 0.01


@dataclass
class Span:
    """Count one stretch of time without holes."""

    since: float
    """Epoch seconds, as ``until``."""
    until: float
    requests: int = 0
    errors: int = 0
    latency: list[int] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Return its length."""
        return self.until - self.since

    def lies_within(self, since: float, until: float) -> bool:
        """Tell whether it lies wholly between two instants."""
        return self.since >= since - _ROUNDING_SECONDS and self.until <= until + _ROUNDING_SECONDS

    def add(self, requests: int, errors: int, latency: Sequence[int]) -> None:
        """Count more requests of the same time."""
        self.requests += requests
        self.errors += min(errors, requests)
        longer = max(len(self.latency), len(latency))
        padded = [*self.latency, *[0] * (longer - len(self.latency))]
        self.latency = [
            a + b for a, b in zip(padded, [*latency, *[0] * (longer - len(latency))], strict=True)
        ]

    def follows(self, other: Span) -> bool:
        """Tell whether nothing is missing between the end of another span and its begin."""
        return abs(self.since - other.until) <= _ROUNDING_SECONDS


def spans_of(history: Json, release: str, *, without: str = "") -> list[Span]:
    """Return the front's ticks of one release, or of all releases added up, in the order of time."""
    found: dict[float, Span] = {}
    for tick in history["ticks"]:
        name = release_of(str(tick["release"]))
        if (release and name != release) or (without and name == without):
            continue
        until = float(tick["at"])
        span = found.setdefault(until, Span(until - float(tick["seconds"]), until))
        span.add(int(tick["requests"]), int(tick["errors"]), tick["latency_counts"])
    return [found[until] for until in sorted(found)]


def slow_limit_ms(
    spans: Iterable[Span], bounds_ms: Sequence[float], *, margin_buckets: int = 0
) -> float | None:
    """Return the bucket bound under which 95 of 100 requests lie, some buckets higher if asked.

    The margin keeps two measurements of about the same time, which may fall on neighbouring
    buckets, from turning an unchanged release into a slow one.
    """
    whole = Span(0.0, 0.0, latency=[0] * (len(bounds_ms) + 1))
    for span in spans:
        whole.add(span.requests, span.errors, span.latency)
    if not bounds_ms or len(whole.latency) != len(bounds_ms) + 1:
        return None
    bound = slow_bound(bounds_ms, whole.latency)
    if bound is None:
        return None
    return bounds_ms[min(list(bounds_ms).index(bound) + margin_buckets, len(bounds_ms) - 1)]


def gather(
    spans: Iterable[Span], tick_seconds: float, bounds_ms: Sequence[float], limit_ms: float | None
) -> tuple[Tick, ...]:
    """Join neighbouring spans until they are long enough; what a hole cuts short is left out."""
    ticks: list[Tick] = []
    whole: Span | None = None
    for span in spans:
        if whole is None or not span.follows(whole):
            whole = Span(span.since, span.since)
        whole.until = span.until
        whole.add(span.requests, span.errors, span.latency)
        if whole.seconds >= tick_seconds - _ROUNDING_SECONDS:
            ticks.append(_tick(whole, bounds_ms, limit_ms))
            whole = None
    return tuple(ticks)


def _tick(span: Span, bounds_ms: Sequence[float], limit_ms: float | None) -> Tick:
    slow = 0
    if limit_ms is not None:
        slow = sum(span.latency[list(bounds_ms).index(limit_ms) + 1 :])
    return Tick(
        datetime.fromtimestamp(span.since, UTC),
        span.requests,
        span.errors,
        min(slow, span.requests),
        seconds=span.seconds,
    )
