"""What a running application says about itself: counted traffic and logged exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from keelway.core.measure.sample import Tick
from keelway.core.observe.sight import Past, Sight, Stand


@dataclass(frozen=True)
class ExceptionSeen:
    """Group the occurrences of one error."""

    fingerprint: str
    title: str
    count: int
    release: str
    first_at: datetime
    last_at: datetime
    route: str = ""
    evidence: str = ""
    """A bounded stack trace: data."""
    files: tuple[str, ...] = ()
    """Files of the application that appear in the trace, innermost last."""


class Signal(Protocol):
    """Read the numbers of an environment."""

    def ticks(
        self, environment: str, release: str, since: datetime, until: datetime, tick_seconds: float
    ) -> tuple[Tick, ...]:
        """Return the counted intervals of a release; intervals nobody counted are absent.

        An empty ``release`` adds up all releases.
        """
        ...

    def exceptions(self, environment: str, since: datetime) -> tuple[ExceptionSeen, ...]:
        """Return the errors logged since an instant, grouped by fingerprint.

        Raises:
            TheirFault: the log cannot be read; the caller must not take that for silence.
        """
        ...

    def past(
        self,
        environment: str,
        release: str,
        since: datetime,
        until: datetime,
        without: tuple[str, ...] = (),
    ) -> Past:
        """Return what is known of the time before a release was deployed: routes, errors, what its predecessor uses.

        What cannot be read is absent, never zero. ``without`` names releases that are no yardstick, because they were
        taken back in that time: what they did to routes and to the log is left out.
        """
        ...

    def look(self, environment: str, release: str, stand: Stand) -> Sight:
        """Look at a release once: what was counted and logged since the look before, and what it uses now.

        Raises:
            TheirFault: the numbers cannot be read.
        """
        ...

    def totals(self, environment: str) -> tuple[int, int]:
        """Return how many requests were answered and how many of them failed since the front began."""
        ...
