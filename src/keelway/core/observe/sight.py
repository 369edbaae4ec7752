"""Hold what one look at a release saw, and what is known of the time before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keelway.core.measure.sample import Counts, Tick


@dataclass(frozen=True)
class RouteCount:
    """Count what one route served in the time of a look."""

    route: str
    requests: int
    errors: int


@dataclass(frozen=True)
class Answers:
    """Count what one release answered since its first request."""

    requests: int = 0
    served: int = 0
    """Answers below 300."""
    redirected: int = 0
    """Answers of 3xx."""
    refused: int = 0
    """Answers of 4xx."""

    def since(self, earlier: Answers) -> Answers:
        """Return what came on top of an earlier count; counters that fell were begun anew."""
        if earlier.requests > self.requests:
            return self
        return Answers(
            self.requests - earlier.requests,
            max(0, self.served - earlier.served),
            max(0, self.redirected - earlier.redirected),
            max(0, self.refused - earlier.refused),
        )


@dataclass(frozen=True)
class RoutePast:
    """Sum up what one route served before the deploy."""

    route: str
    requests: int
    errors: int
    phi: float = 1.0
    """How much noisier than chance its errors came."""
    present_share: float = 1.0
    """Share of the minutes in which it was asked at all."""

    @property
    def counts(self) -> Counts:
        """Return its requests and errors."""
        return Counts(self.requests, self.errors)


@dataclass(frozen=True)
class Vitals:
    """Say what the processes of a release use, all together, at an instant."""

    at: datetime
    processes: int
    memory_mb: float
    cpu_seconds: float
    """Processor time since they began."""
    descriptors: int
    """Open descriptors of the process that holds most of its limit."""
    descriptors_max: int
    """That limit; 0 for unknown."""
    restarts: int
    written_mb: float
    """Size of the environment's data and of the release's own logs."""
    disk_free_mb: float
    memory_free_mb: float
    cores: int = 1


@dataclass(frozen=True)
class Past:
    """Hold what is known of the time before a deploy."""

    requests: int = 0
    routes: tuple[RoutePast, ...] = ()
    fingerprints: tuple[str, ...] = ()
    """Errors that were logged then."""
    log_bytes_per_second: float = 0.0
    vitals: Vitals | None = None
    """What the release before uses now."""
    answers: Answers = Answers()
    """What the release before answered."""
    own_answers: Answers = Answers()
    """What the release itself had answered already, in an earlier life or since the switch."""
    log_size: int = -1
    """Bytes of the log when the watch began; -1 for unknown."""


@dataclass(frozen=True)
class Stand:
    """Say how far a release was read, so that the next look goes on from there and counts nothing twice."""

    counted_until: datetime
    """End of the last counted interval."""
    seen_until: datetime
    """Instant of the look before."""
    now: datetime
    tick_seconds: float
    known: tuple[str, ...] = ()
    """Fingerprints of errors that are none of its own."""
    log_size: int = -1
    """Bytes of the log at the look before, whatever times its lines tell; -1 for unknown."""


@dataclass(frozen=True)
class Sight:
    """Hold one look."""

    ticks: tuple[Tick, ...] = ()
    routes: tuple[RouteCount, ...] = ()
    vitals: Vitals | None = None
    new_errors: int = 0
    """Records of errors whose fingerprint the time before never showed."""
    new_titles: tuple[str, ...] = ()
    log_bytes: int = 0
    """What the application logged since the look before."""
    log_size: int = -1
    """Bytes of the log at this look; -1 for unknown."""
    log_dropped: bool = False
    """More was logged than could be read, so errors may be missing."""
    counted: bool = True
    """False where nobody counts requests, so that only our own can be counted."""
    answers: Answers | None = None
    """What the release answered until now; None where nobody tells."""
