"""Hold everything that carries traffic to the same promises."""
# ruff: noqa: D102, S101, PLR2004  these are tests, shipped for the authors of adapters

from __future__ import annotations

import time
from collections import Counter
from typing import Protocol

import pytest

from keelway.core.errors import KeelwayError, StaleEpoch, TheirFault, YourFault
from keelway.ports.traffic import Counted, Route, Traffic

_WAIT_SECONDS = 15.0


class Street(Protocol):
    """Give what carries the traffic, releases behind it, and the view of a user."""

    @property
    def traffic(self) -> Traffic:
        """Return it, each time as a new control plane would make it."""
        ...

    environment: str

    def open(self, release: str) -> Route:
        """Run a release and return the route to it, with all the traffic; it is there at once the second time."""
        ...

    def ask(self, *, wrong: bool = False) -> str:
        """Ask as a user and return the release that answers, empty when none does; ``wrong`` is answered by 500."""
        ...

    def hold(self, release: str, seconds: float) -> None:
        """Send a request that takes so long, and return once the release works on it."""
        ...

    def crash(self) -> None:
        """Kill everything that carries the traffic."""
        ...


class TrafficTests:
    """Subclass it with one fixture: ``street``, where nothing serves yet."""

    def shares(self, street: Street, requests: int = 100) -> Counter[str]:
        return Counter(street.ask() for _ in range(requests))

    def refused(self, code: str, kind: type[KeelwayError], act: object) -> None:
        assert callable(act)
        with pytest.raises(kind) as caught:
            act()
        assert caught.value.code == code

    def begin(self, street: Street, *releases: str) -> None:
        street.traffic.ensure(street.environment)
        for release in releases:
            street.traffic.route(street.environment, {release: street.open(release)}, epoch=1)

    def test_an_environment_without_releases_is_said_to_be_empty(self, street: Street) -> None:
        self.refused("unreachable", TheirFault, lambda: street.traffic.state(street.environment))
        assert street.traffic.ensure(street.environment)
        assert not street.traffic.ensure(street.environment)
        state = street.traffic.state(street.environment)
        assert (state.epoch, state.routes, state.active, state.detail) == (0, (), "", "")
        assert street.ask() == ""
        self.refused("no_environment", YourFault, lambda: street.traffic.ensure("nowhere"))

    def test_all_traffic_moves_in_one_step(self, street: Street) -> None:
        self.begin(street, "old")
        assert self.shares(street, 20) == {"old": 20}
        new = street.open("new")
        assert self.shares(street, 5) == {"old": 5}
        for _ in range(2):
            state = street.traffic.route(street.environment, {"new": new}, epoch=2)
            assert (state.active, state.epoch, state.table) == ("new", 2, {"new": new})
        assert self.shares(street, 20) == {"new": 20}
        assert street.traffic.state(street.environment).of("old").weight == 0

    def test_shares_are_kept(self, street: Street) -> None:
        self.begin(street, "old")
        routes = {"old": Route(90, street.open("old").urls), "new": Route(10, street.open("new").urls)}
        street.traffic.route(street.environment, routes, epoch=1)
        assert street.traffic.state(street.environment).table == routes
        found = self.shares(street, 200)
        assert set(found) == {"old", "new"}
        assert 10 <= found["new"] <= 30

    def test_a_release_without_a_share_gets_nothing(self, street: Street) -> None:
        self.begin(street, "old")
        routes = {"old": street.open("old"), "new": Route(0, street.open("new").urls)}
        state = street.traffic.route(street.environment, routes, epoch=1)
        assert set(state.table) == {"old"}
        assert self.shares(street, 20) == {"old": 20}

    def test_an_older_holder_is_fenced_off(self, street: Street) -> None:
        self.begin(street, "old")
        street.traffic.route(street.environment, {"old": street.open("old")}, epoch=5)
        new = street.open("new")
        route = street.traffic.route
        self.refused("stale_epoch", StaleEpoch, lambda: route(street.environment, {"new": new}, epoch=4))
        assert self.shares(street, 5) == {"old": 5}
        assert street.traffic.state(street.environment).epoch == 5

    def test_a_drain_waits_for_the_last_request(self, street: Street) -> None:
        self.begin(street, "old")
        drain = street.traffic.drain
        self.refused("still_routed", TheirFault, lambda: drain(street.environment, "old", 1.0))
        street.hold("old", 2.0)
        assert street.traffic.state(street.environment).of("old").inflight == 1
        street.traffic.route(street.environment, {"new": street.open("new")}, epoch=1)
        assert drain(street.environment, "old", 0.1) == 1
        assert self.shares(street, 5) == {"new": 5}
        assert drain(street.environment, "never seen", 5.0) == 0

    def test_requests_are_counted_by_release(self, street: Street) -> None:
        self.begin(street, "old")
        self.shares(street, 10)
        street.traffic.route(street.environment, {"new": street.open("new")}, epoch=1)
        self.shares(street, 5)
        street.ask(wrong=True)
        wanted = {"old": Counted(10, 0), "new": Counted(6, 1)}
        deadline = time.monotonic() + _WAIT_SECONDS
        while (found := street.traffic.counters(street.environment)) != wanted:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    def test_what_was_ordered_outlives_a_crash(self, street: Street) -> None:
        self.begin(street, "old")
        routes = {"old": Route(50, street.open("old").urls), "new": Route(50, street.open("new").urls)}
        street.traffic.route(street.environment, routes, epoch=7)
        street.crash()
        self.refused("unreachable", TheirFault, lambda: street.traffic.state(street.environment))
        assert street.traffic.ensure(street.environment)
        state = street.traffic.state(street.environment)
        assert (state.table, state.epoch) == (routes, 7)
        found = self.shares(street, 40)
        assert 15 <= found["old"] <= 25
        assert found["old"] + found["new"] == 40

    def test_it_stops_and_comes_back(self, street: Street) -> None:
        self.begin(street, "old")
        for _ in range(2):
            street.traffic.stop(street.environment, 2.0)
        assert street.ask() == ""
        street.traffic.ensure(street.environment)
        assert self.shares(street, 5) == {"old": 5}
