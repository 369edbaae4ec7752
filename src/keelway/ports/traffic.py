"""How users reach releases: who takes which share, and what each was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from keelway.core.traffic.route import Counted, Route, Routed, TrafficState

__all__ = ["Counted", "Route", "Routed", "Traffic", "TrafficState"]


class Traffic(Protocol):
    """Keep the port of each environment, and spread what comes in over releases.

    Every verb is safe to repeat. What was ordered outlives the program that carries it out: once that
    runs again, it has the same routes and the same epoch.
    """

    def ensure(self, environment: str) -> bool:
        """Start what carries the traffic of an environment unless it serves; tell whether it had to be.

        Raises:
            YourFault: there is no such environment, a program is missing, or another balancer holds it.
            TheirFault: it does not come up.
        """
        ...

    def state(self, environment: str) -> TrafficState:
        """Read which release takes which share now.

        Raises:
            TheirFault: nothing answers there.
        """
        ...

    def route(self, environment: str, routes: Mapping[str, Route], *, epoch: int) -> TrafficState:
        """Replace all shares in one step and return what was read back; in-flight requests end where they began.

        Raises:
            StaleEpoch: a newer holder of the environment has acted since; nothing was changed.
            TheirFault: it was not taken (``switch_not_taken``, or the balancer's own reason).
        """
        ...

    def drain(self, environment: str, release: str, seconds_max: float) -> int:
        """Wait for the last request of a release without a share; return how many are left at the deadline.

        Raises:
            TheirFault: it takes new requests (``still_routed``).
        """
        ...

    def counters(self, environment: str) -> dict[str, Counted]:
        """Return what each release was asked, as counted until about a second ago."""
        ...

    def stop(self, environment: str, seconds_max: float) -> None:
        """Let it finish what is in flight and end it; users get no answer any more.

        Raises:
            TheirFault: it could not be ended.
        """
        ...
