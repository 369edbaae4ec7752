"""Numbers of an environment, made by a function over virtual time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from keelway.core.errors import TheirFault
from keelway.core.measure.sample import Tick
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

    def totals(self, environment: str) -> tuple[int, int]:
        """Return the totals that a test has set."""
        return self.counted.get(environment, (0, 0))


_check: type[Signal] = FakeSignal
