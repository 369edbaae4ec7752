"""Traffic in memory: shares, epochs and counts, with requests that a test sends itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keelway.core.errors import StaleEpoch, TheirFault, YourFault
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.ports.traffic import Counted, Route, Routed, Traffic, TrafficState


@dataclass
class FakeStreet:
    """Hold one environment, open to tests."""

    up: bool = False
    epoch: int = 0
    table: dict[str, Route] = field(default_factory=dict)
    inflight: dict[str, int] = field(default_factory=dict)
    counts: dict[str, Counted] = field(default_factory=dict)
    credit: dict[str, int] = field(default_factory=dict)


class FakeTraffic:
    """Keep ``streets`` by environment; ``ask`` is a user, ``inflight`` of a street what has not ended."""

    def __init__(self, environments: tuple[str, ...] = (STAGING, PRODUCTION)) -> None:
        self.streets = {name: FakeStreet() for name in environments}

    def ask(self, environment: str, *, errors: int = 0) -> str:
        """Send one request and return the release that answers, empty when none does."""
        street = self.streets[environment]
        if not street.up or not street.table:
            return ""
        for release, route in street.table.items():
            street.credit[release] = street.credit.get(release, 0) + route.weight
        chosen = max(street.table, key=lambda release: street.credit[release])
        street.credit[chosen] -= sum(route.weight for route in street.table.values())
        old = street.counts.get(chosen, Counted(0, 0))
        street.counts[chosen] = Counted(old.requests + 1, old.errors + errors)
        return chosen

    def ensure(self, environment: str) -> bool:
        """Come up; tell whether it was down."""
        street = self._street(environment)
        was, street.up = street.up, True
        return not was

    def state(self, environment: str) -> TrafficState:
        """Read the shares."""
        street = self._up(environment)
        names = sorted({*street.table, *(name for name, left in street.inflight.items() if left)})
        routes = tuple(
            Routed(name, route.weight, route.urls, street.inflight.get(name, 0))
            for name in names
            for route in (street.table.get(name, Route(0, ())),)
        )
        return TrafficState(street.epoch, routes)

    def route(self, environment: str, routes: Mapping[str, Route], *, epoch: int) -> TrafficState:
        """Replace the shares."""
        street = self._up(environment)
        if epoch < street.epoch:
            raise StaleEpoch("stale_epoch", f"Epoch {epoch} is older than {street.epoch}.")
        street.epoch = epoch
        street.table = {name: route for name, route in routes.items() if route.weight}
        return self.state(environment)

    def drain(self, environment: str, release: str, seconds_max: float) -> int:
        """Say what is left; nothing ends by itself here, so no time is waited."""
        del seconds_max
        street = self._up(environment)
        if release in street.table:
            raise TheirFault("still_routed", f"{release} takes new requests.")
        return street.inflight.get(release, 0)

    def counters(self, environment: str) -> dict[str, Counted]:
        """Return what was asked."""
        return dict(self._up(environment).counts)

    def stop(self, environment: str, seconds_max: float) -> None:
        """Go down."""
        del seconds_max
        self._street(environment).up = False

    def _up(self, environment: str) -> FakeStreet:
        street = self._street(environment)
        if not street.up:
            raise TheirFault("unreachable", f"Nothing carries the traffic of {environment}.")
        return street

    def _street(self, environment: str) -> FakeStreet:
        if environment not in self.streets:
            raise YourFault("no_environment", f"There is no environment {environment!r}.")
        return self.streets[environment]


_check: type[Traffic] = FakeTraffic
