"""The fake and the front's signal keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.adapters.signal.mast import FrontMast, front_mast

from keelway.ports.signal import ExceptionSeen
from keelway.testing.conformance.signal import Mast, SignalTests
from keelway.testing.fakes.signal import FakeSignal

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontMast]:
    with front_mast(tmp_path_factory.mktemp("mast")) as made:
        yield made


class _FakeMast:
    environment, start = "production", START

    def __init__(self) -> None:
        self.signal = FakeSignal(self._traffic)
        self.signal.counted["production"] = (1_100, 50)

    @staticmethod
    def _traffic(_environment: str, release: str, at: datetime) -> tuple[int, int] | None:
        second = (at - START).total_seconds()
        serving, errors = ("old", 0) if second < 60 else ("new", 10)
        counted = 0 <= second < 120 and not 80 <= second < 90 and release in {"", serving}
        return (100, errors) if counted else None

    def log_error(self, at: datetime, words: str) -> None:
        seen = self.signal.seen.setdefault("production", [])
        old = next((entry for entry in seen if entry.fingerprint == words), None)
        if old is not None:
            seen.remove(old)
        first_at = old.first_at if old else at
        seen.append(ExceptionSeen(words, words, old.count + 1 if old else 1, "new", first_at, at))
        seen.sort(key=lambda entry: -entry.count)

    def close_log(self) -> None:
        self.signal.unreadable = True


class TestFakeSignal(SignalTests):
    @pytest.fixture
    def mast(self) -> Mast:
        return _FakeMast()


class TestFrontSignal(SignalTests):
    @pytest.fixture
    def mast(self, standing: FrontMast) -> Mast:
        standing.clean()
        return standing


def test_the_fake_reads_whole_intervals_only() -> None:
    signal = FakeSignal()
    until = START + timedelta(seconds=25)
    assert len(signal.ticks("production", "", START, until, 10.0)) == 2


def test_slow_is_measured_on_the_releases_before(standing: FrontMast) -> None:
    signal, start = standing.signal, standing.start
    old = signal.ticks("production", "", start, start + timedelta(seconds=60), 10.0)
    assert sum(tick.slow for tick in old) == 0
    new = signal.ticks(
        "production", "new", start + timedelta(seconds=60), start + timedelta(seconds=80), 10.0
    )
    assert [(tick.requests, tick.slow) for tick in new] == [(100, 20), (100, 20)]
    later = signal.ticks(
        "production", "new", start + timedelta(seconds=100), start + timedelta(seconds=120), 10.0
    )
    assert [tick.slow for tick in later] == [20, 20]
