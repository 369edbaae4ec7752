"""Answer for one project: its fronts' counters and its log files."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from keelway.adapters.signal.front.intervals import Span, gather, slow_limit_ms, spans_of
from keelway.adapters.signal.front.logfile import exceptions_in
from keelway.adapters.signal.front.sight import look_at, past_of
from keelway.adapters.signal.front.told import Told, told
from keelway.clients.control import Front, Json
from keelway.clients.places import Places
from keelway.core.measure.sample import Tick
from keelway.core.model.project import Project
from keelway.core.observe.sight import Past, Sight, Stand
from keelway.core.traffic.route import read_counts
from keelway.ports.signal import ExceptionSeen, Signal

_REFERENCE_SECONDS = 3_600.0


class FrontSignal:
    """Read ticks and totals from the fronts, errors from the project's log."""

    def __init__(self, project: Project, home: str) -> None:
        self._project = project
        self._places = Places(Path(home).resolve())
        self._limits: dict[tuple[str, str], tuple[float, float | None]] = {}

    def ticks(
        self, environment: str, release: str, since: datetime, until: datetime, tick_seconds: float
    ) -> tuple[Tick, ...]:
        """Return the counted intervals that lie wholly between two instants.

        ``slow`` counts what was slower than 95 of 100 requests before: for all releases together in
        the time asked for, for one release in the hour before with the other releases.

        Raises:
            TheirFault: the front does not answer.
        """
        if not self._project.environment(environment).target.local:
            return ()  # no front of ours counts there
        counted = told(self._project, self._places, environment, since)
        return self._ticks(counted, environment, release, (since, until), tick_seconds)

    def _ticks(
        self,
        counted: Told,
        environment: str,
        release: str,
        between: tuple[datetime, datetime],
        tick_seconds: float,
    ) -> tuple[Tick, ...]:
        began, ended = (instant.timestamp() for instant in between)
        bounds, spans = _bounds_ms(counted.counters), spans_of(counted.history, release)
        within = [span for span in spans if span.lies_within(began, ended)]
        limit = self._limit(environment, release, began, bounds) if release else slow_limit_ms(within, bounds)
        return gather(within, tick_seconds, bounds, limit)

    def exceptions(self, environment: str, since: datetime) -> tuple[ExceptionSeen, ...]:
        """Return the errors logged since an instant, grouped by fingerprint.

        Raises:
            TheirFault: the log cannot be read (``log_unreadable``).
        """
        if not self._project.log:
            return ()
        path = Path(self._places.fill(self._project.log, environment))
        return exceptions_in(path, since)

    def past(
        self,
        environment: str,
        release: str,
        since: datetime,
        until: datetime,
        without: tuple[str, ...] = (),
    ) -> Past:
        """Return what is known of the time before a release was deployed; what cannot be read is absent."""
        return past_of(self._project, self._places, environment, release, (since, until), without)

    def look(self, environment: str, release: str, stand: Stand) -> Sight:
        """Look at a release once: intervals, routes, new errors, and what it uses now.

        Raises:
            TheirFault: the front does not answer, or the log cannot be read.
        """
        project, places = self._project, self._places
        since = min(stand.counted_until, stand.seen_until)
        counted = told(project, places, environment, since)
        sight = look_at(project, places, environment, release, stand, counted)
        if not project.environment(environment).target.local:
            return replace(sight, counted=False, answers=None)
        between = (stand.counted_until, stand.now)
        return replace(sight, ticks=self._ticks(counted, environment, release, between, stand.tick_seconds))

    def totals(self, environment: str) -> tuple[int, int]:
        """Return requests and failures since the front began; what nobody could answer is a failure."""
        if not self._project.environment(environment).target.local:
            return 0, 0
        counters = self._front(environment).counters()
        lost, counts = int(counters["front"]["no_backend"]), read_counts(counters).values()
        return sum(one.requests for one in counts) + lost, sum(one.errors for one in counts) + lost

    def _front(self, environment: str) -> Front:
        return Front(self._places.front_socket(environment))

    def _limit(self, environment: str, release: str, since: float, bounds: tuple[float, ...]) -> float | None:
        """Return what is slow for a release, measured on the others; kept, so that a watch has one yardstick."""
        known = self._limits.get((environment, release))
        if known is not None and known[0] <= since <= known[0] + 2 * _REFERENCE_SECONDS:
            return known[1]
        history = self._front(environment).history(max(0.0, since - _REFERENCE_SECONDS))
        others: list[Span] = spans_of(history, "", without=release)
        before = [span for span in others if span.lies_within(since - _REFERENCE_SECONDS, since)]
        limit = slow_limit_ms(before, bounds, margin_buckets=2)
        self._limits[environment, release] = (since, limit)
        return limit


def _bounds_ms(counters: Json) -> tuple[float, ...]:
    """Return the bounds of the latency buckets; none before the first request."""
    for one in counters["releases"].values():
        return tuple(float(bound) for bound in one["latency"]["bounds_ms"])
    return ()


_check: type[Signal] = FrontSignal
ADAPTER = FrontSignal
