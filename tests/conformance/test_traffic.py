"""The fake and everything that carries traffic keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.traffic.balancers import needed
from tests.adapters.traffic.street import RealStreet, real_street

from keelway.adapters.traffic.front import FrontTraffic
from keelway.adapters.traffic.haproxy import HaproxyTraffic
from keelway.adapters.traffic.traefik import TraefikTraffic
from keelway.ports.traffic import Route
from keelway.testing.conformance.traffic import Street, TrafficTests
from keelway.testing.fakes.traffic import FakeTraffic


class _FakeStreet:
    environment = "production"

    def __init__(self) -> None:
        self.traffic = FakeTraffic()

    def open(self, release: str) -> Route:
        return Route(100, (f"http://{release}",))

    def ask(self, *, wrong: bool = False) -> str:
        return self.traffic.ask(self.environment, errors=int(wrong))

    def hold(self, release: str, seconds: float) -> None:
        del seconds
        self.traffic.streets[self.environment].inflight[release] = 1

    def crash(self) -> None:
        self.traffic.streets[self.environment].up = False


class TestFakeTraffic(TrafficTests):
    @pytest.fixture
    def street(self) -> Street:
        return _FakeStreet()


class TestFrontTraffic(TrafficTests):
    @pytest.fixture
    def street(self, tmp_path: Path) -> Iterator[RealStreet]:
        with real_street(FrontTraffic, tmp_path) as made:
            yield made


@pytest.mark.deploys
class TestHaproxyTraffic(TrafficTests):
    @pytest.fixture
    def street(self, tmp_path: Path) -> Iterator[RealStreet]:
        with real_street(needed(HaproxyTraffic), tmp_path) as made:
            yield made


@pytest.mark.deploys
class TestTraefikTraffic(TrafficTests):
    @pytest.fixture
    def street(self, tmp_path: Path) -> Iterator[RealStreet]:
        with real_street(needed(TraefikTraffic), tmp_path) as made:
            yield made
