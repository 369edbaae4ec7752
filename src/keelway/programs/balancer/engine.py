"""What the keeper asks of a balancer, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from signal import Signals
from typing import Protocol

from keelway.programs.front.table import Routes


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold what a balancer has counted of one of its backends since it began."""

    release: str
    numbers: Mapping[str, int]
    """By the names of the front's own totals: ``requests``, ``s5xx``, ``upstream_errors`` and the like."""
    latency: tuple[int, ...] = ()
    """Requests by latency bucket of the front; empty when the balancer does not measure it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Hold one look at a balancer."""

    boot: str
    """Changes whenever the balancer starts to count from zero."""
    readings: Mapping[str, Reading] = field(default_factory=dict)
    """By the balancer's own name of the backend."""
    inflight: Mapping[str, int] = field(default_factory=dict)
    """Unfinished requests by release."""
    no_backend: int = 0
    """Requests that no release answered, since it began."""
    wrong: str = ""
    """How its routes differ from what it was told; empty when they hold."""


class Engine(Protocol):
    """Drive one balancer; the keeper calls one verb at a time."""

    kind: str
    soft_stop: Signals
    """Signal on which it takes no new connections and ends after the last request."""

    def argv(self) -> list[str]:
        """Return the command that starts it on the files that `configure` wrote."""
        ...

    def configure(self, routes: Routes) -> None:
        """Write its files so that a start comes up with these routes."""
        ...

    async def answers(self) -> bool:
        """Tell whether it takes orders."""
        ...

    async def route(self, before: Routes, routes: Routes, *, patient: bool) -> None:
        """Move from one table to another in one step and read it back.

        Args:
            before: what holds now.
            routes: what shall hold.
            patient: wait until new backends answer before they get traffic, and refuse those that do not.

        Raises:
            NotTaken: it did not do it; what held before holds still.
        """
        ...

    async def look(self, routes: Routes) -> Picture:
        """Read counts, what is in flight, and whether the routes hold.

        Raises:
            OSError: it does not answer.
        """
        ...

    async def put_away(self, release: str) -> None:
        """Let go of a release that has no traffic and nothing in flight."""
        ...
