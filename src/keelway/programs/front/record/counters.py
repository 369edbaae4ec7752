"""Count what each release answered: totals that only grow, and the tally of the tick that is running."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from keelway.programs.front.record.template import route_template

_LONGEST_MS = 60_000.0
_DECADE = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
LATENCY_BOUNDS_MS: tuple[float, ...] = (
    *(
        round(step * 10**decade, 3)
        for decade in range(5)
        for step in _DECADE
        if step * 10**decade < _LONGEST_MS
    ),
    _LONGEST_MS,
)
"""Upper bounds of the latency buckets in milliseconds (preferred numbers R10, 25 % apart); one more bucket is above."""

ROUTES_MAX = 50
RELEASES_MAX = 64
OTHER_ROUTES = "other"
_SERVER_ERROR = 500
_NOT_FOUND = 404


class Miss(Enum):
    """Name the ways in which a release fails to give a whole answer."""

    UPSTREAM_ERROR = "upstream_errors"
    TIMEOUT = "timeouts"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Describe one finished request: the status the release sent, or how it missed, and the time to its headers."""

    release: str
    path: str
    answer: int | Miss
    latency_ms: float

    @property
    def is_error(self) -> bool:
        """Tell whether a verdict counts this against the release: a 5xx answer or none at all."""
        return isinstance(self.answer, Miss) or self.answer >= _SERVER_ERROR

    @property
    def route(self) -> str:
        """Guess the route; unknown paths share one name, so that scanners cannot push real routes out."""
        return OTHER_ROUTES if self.answer == _NOT_FOUND else route_template(self.path)


def latency_bucket(latency_ms: float) -> int:
    """Find the bucket of a latency: the first whose bound is not below it."""
    return bisect_left(LATENCY_BOUNDS_MS, latency_ms)


_TOTALS = (
    "requests",
    "s1xx",
    "s2xx",
    "s3xx",
    "s4xx",
    "s5xx",
    "upstream_errors",
    "timeouts",
    "client_gone",
    "retries",
    "websockets_lost",
    "bytes_in",
    "bytes_out",
)


@dataclass(slots=True)
class Totals:
    """Add up one release since its first request; nothing here ever falls."""

    numbers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_TOTALS, 0))
    latency: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_MS) + 1))

    def add(self, outcome: Outcome) -> None:
        """Count one finished request once: under its status class or under its miss."""
        answer = outcome.answer
        self.numbers["requests"] += 1
        self.numbers[answer.value if isinstance(answer, Miss) else f"s{answer // 100}xx"] += 1
        self.latency[latency_bucket(outcome.latency_ms)] += 1

    def to_json(self) -> dict[str, Any]:
        """Give the totals with the bucket bounds beside the counts."""
        return {
            **self.numbers,
            "latency": {"bounds_ms": list(LATENCY_BOUNDS_MS), "counts": list(self.latency)},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Totals:
        """Read totals that `to_json` wrote; raises ValueError when they do not fit this version."""
        latency = value["latency"]
        if (
            tuple(latency["bounds_ms"]) != LATENCY_BOUNDS_MS
            or len(latency["counts"]) != len(LATENCY_BOUNDS_MS) + 1
        ):
            raise ValueError("the latency buckets are not ours")
        return cls(
            {name: int(value.get(name, 0)) for name in _TOTALS}, [int(count) for count in latency["counts"]]
        )


@dataclass(slots=True)
class Tally:
    """Add up one release within one tick."""

    requests: int = 0
    errors: int = 0
    latency: dict[int, int] = field(default_factory=dict)
    routes: dict[str, list[int]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count one finished request, under its route while there is room for another."""
        error = int(outcome.is_error)
        self.requests += 1
        self.errors += error
        bucket = latency_bucket(outcome.latency_ms)
        self.latency[bucket] = self.latency.get(bucket, 0) + 1
        route = outcome.route
        if route not in self.routes and len(self.routes) >= ROUTES_MAX:
            route = OTHER_ROUTES
        counts = self.routes.setdefault(route, [0, 0])
        counts[0] += 1
        counts[1] += error


@dataclass(slots=True)
class Counters:
    """Hold the totals of every release and the running tick."""

    releases: dict[str, Totals] = field(default_factory=dict)
    no_backend: int = 0
    rejected: int = 0
    running: dict[str, Tally] = field(default_factory=dict)

    def finish(self, outcome: Outcome) -> None:
        """Count one finished request in the totals and in the running tick."""
        self.totals(outcome.release).add(outcome)
        self.running.setdefault(outcome.release, Tally()).add(outcome)

    def totals(self, release: str) -> Totals:
        """Give the totals of a release, making room for a new one by forgetting the oldest."""
        found = self.releases.get(release)
        if found is None:
            while len(self.releases) >= RELEASES_MAX:
                del self.releases[next(iter(self.releases))]
            found = self.releases[release] = Totals()
        return found

    def bump(self, release: str, name: str, by: int = 1) -> None:
        """Raise one plain number of a release."""
        self.totals(release).numbers[name] += by

    def take_tick(self, active: Iterable[str]) -> dict[str, Tally]:
        """End the running tick; active releases without traffic are there with zeros."""
        ended, self.running = self.running, {}
        for release in active:
            ended.setdefault(release, Tally())
        return ended

    def to_json(self) -> dict[str, Any]:
        """Give every total as JSON."""
        return {
            "releases": {release: totals.to_json() for release, totals in self.releases.items()},
            "front": {"no_backend": self.no_backend, "rejected": self.rejected},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Counters:
        """Read counters that `to_json` wrote; raises KeyError, TypeError or ValueError when they are damaged."""
        front = value["front"]
        releases = {str(release): Totals.from_json(totals) for release, totals in value["releases"].items()}
        return cls(releases, int(front["no_backend"]), int(front["rejected"]))
