"""Numbers of an environment, made by a function over virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from keelway.core.errors import TheirFault
from keelway.core.measure.sample import Tick
from keelway.core.observe.sight import Past, Sight, Stand
from keelway.ports.signal import ExceptionSeen, Signal

Traffic = Callable[[str, str, datetime], tuple[int, int] | None]
"""Return requests and errors of (environment, release, start of the interval); None when nobody counted."""

_TICKS_MAX = 100_000


def _steady(_environment: str, _release: str, _at: datetime) -> tuple[int, int] | None:
    return 100, 0


class FakeSignal:
    """Cut time into intervals and ask ``traffic`` for each; ``seen`` holds the logged errors by environment."""

    def __init__(self, traffic: Traffic = _steady) -> None:
        self.traffic = traffic
        self.seen: dict[str, list[ExceptionSeen]] = {}
        self.counted: dict[str, tuple[int, int]] = {}
        self.before = Past()
        self.sight: Callable[[str, str, datetime], Sight] = lambda _environment, _release, _at: Sight()
        self.unreadable = False
        """Make the log (and with it ``exceptions``) fail."""

    def ticks(
        self, environment: str, release: str, since: datetime, until: datetime, tick_seconds: float
    ) -> tuple[Tick, ...]:
        """Return the intervals that lie wholly between two instants."""
        length, found, at = timedelta(seconds=tick_seconds), [], since
        for _ in range(_TICKS_MAX):
            if at + length > until:
                break
            counts = self.traffic(environment, release, at)
            if counts is not None:
                found.append(Tick(at, *counts, seconds=tick_seconds))
            at += length
        return tuple(found)

    def exceptions(self, environment: str, since: datetime) -> tuple[ExceptionSeen, ...]:
        """Return the errors seen since an instant."""
        if self.unreadable:
            raise TheirFault("log_unreadable", f"The log of {environment} cannot be read.")
        return tuple(entry for entry in self.seen.get(environment, []) if entry.last_at >= since)

    def past(
        self,
        environment: str,
        release: str,
        since: datetime,
        until: datetime,
        without: tuple[str, ...] = (),
    ) -> Past:
        """Return the time before as a test has set it, with the errors that were seen until then."""
        del release, without
        known = tuple(
            entry.fingerprint
            for entry in self.seen.get(environment, [])
            if entry.last_at >= since and entry.first_at < until
        )
        return replace(self.before, fingerprints=(*self.before.fingerprints, *known))

    def look(self, environment: str, release: str, stand: Stand) -> Sight:
        """Return the intervals, the new errors, and what ``sight`` adds to them."""
        ticks = self.ticks(environment, release, stand.counted_until, stand.now, stand.tick_seconds)
        logged = self.exceptions(environment, stand.seen_until)
        fresh = [
            entry for entry in logged if entry.fingerprint not in stand.known and entry.last_at < stand.now
        ]
        seen = self.sight(environment, release, stand.now)
        return replace(
            seen,
            ticks=ticks if seen.counted else (),
            new_errors=sum(entry.count for entry in fresh),
            new_titles=tuple(entry.title for entry in fresh),
        )

    def totals(self, environment: str) -> tuple[int, int]:
        """Return the totals that a test has set."""
        return self.counted.get(environment, (0, 0))


_check: type[Signal] = FakeSignal
