"""Hold every signal to the same promises."""
# ruff: noqa: D102, S101, PLR2004  these are tests, shipped for the authors of adapters

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from keelway.core.errors import TheirFault
from keelway.core.measure.sample import in_order
from keelway.core.observe.sight import Stand
from keelway.ports.signal import Signal

TICK_SECONDS = 10.0


class Mast(Protocol):
    """Give a signal of an environment that has counted 10 requests a second since ``start``, 120 seconds long.

    Until 60 seconds release ``old`` answered all well; from then on release ``new`` answered, and one in
    ten requests failed. Nobody counted between 80 and 90 seconds.
    """

    signal: Signal
    environment: str
    start: datetime

    def log_error(self, at: datetime, words: str) -> None:
        """Let the application log an error of release ``new`` at a place of its own for each word."""
        ...

    def close_log(self) -> None:
        """Make the log unreadable."""
        ...


class SignalTests:
    """Subclass it with one fixture: ``mast``."""

    def read(self, mast: Mast, release: str, since: float, until: float) -> list[tuple[float, int, int]]:
        ticks = mast.signal.ticks(
            mast.environment,
            release,
            mast.start + timedelta(seconds=since),
            mast.start + timedelta(seconds=until),
            TICK_SECONDS,
        )
        assert all(abs(tick.seconds - TICK_SECONDS) < 0.1 for tick in in_order(ticks))
        return [((tick.at - mast.start).total_seconds(), tick.requests, tick.errors) for tick in ticks]

    def test_whole_intervals_are_counted(self, mast: Mast) -> None:
        assert self.read(mast, "old", 0, 30) == [(0, 100, 0), (10, 100, 0), (20, 100, 0)]
        assert self.read(mast, "new", 60, 80) == [(60, 100, 10), (70, 100, 10)]
        assert self.read(mast, "old", 0, 9) == []

    def test_what_nobody_counted_is_absent(self, mast: Mast) -> None:
        assert [at for at, _, _ in self.read(mast, "new", 60, 120)] == [60, 70, 90, 100, 110]
        assert self.read(mast, "old", 60, 120) == []
        assert self.read(mast, "nobody", 0, 120) == []

    def test_no_release_means_all_of_them(self, mast: Mast) -> None:
        assert self.read(mast, "", 50, 70) == [(50, 100, 0), (60, 100, 10)]

    def test_reading_on_from_the_last_tick_counts_nothing_twice(self, mast: Mast) -> None:
        whole = self.read(mast, "old", 0, 60)
        bits = [tick for since in range(0, 60, 10) for tick in self.read(mast, "old", since, since + 10)]
        assert bits == whole

    def test_errors_are_grouped(self, mast: Mast) -> None:
        assert mast.signal.exceptions(mast.environment, mast.start) == ()
        for seconds in (61, 62, 63):
            mast.log_error(mast.start + timedelta(seconds=seconds), "berth")
        mast.log_error(mast.start + timedelta(seconds=64), "crane")
        seen = mast.signal.exceptions(mast.environment, mast.start)
        assert [entry.count for entry in seen] == [3, 1]
        assert len({entry.fingerprint for entry in seen}) == 2
        berth = seen[0]
        assert (berth.first_at, berth.last_at) == (
            mast.start + timedelta(seconds=61),
            mast.start + timedelta(seconds=63),
        )
        assert (berth.release, berth.count) == ("new", 3)
        later = mast.signal.exceptions(mast.environment, mast.start + timedelta(seconds=64))
        assert [entry.count for entry in later] == [1]

    def test_an_unreadable_log_is_not_silence(self, mast: Mast) -> None:
        mast.close_log()
        with pytest.raises(TheirFault) as caught:
            mast.signal.exceptions(mast.environment, mast.start)
        assert caught.value.code == "log_unreadable"

    def test_a_look_goes_on_from_the_one_before(self, mast: Mast) -> None:
        past = mast.signal.past(mast.environment, "new", mast.start, self.at(mast, 60))
        assert past.fingerprints == ()
        mast.log_error(self.at(mast, 61), "berth")
        mast.log_error(self.at(mast, 75), "crane")
        first = mast.signal.look(mast.environment, "new", self.stand(mast, 60, 70))
        assert first.counted
        assert [(tick.requests, tick.errors) for tick in first.ticks] == [(100, 10)]
        assert first.new_errors == 1
        second = mast.signal.look(mast.environment, "new", self.stand(mast, 70, 80))
        assert [(tick.requests, tick.errors) for tick in second.ticks] == [(100, 10)]
        assert second.new_errors == 1
        assert not second.log_dropped

    def test_errors_of_before_are_none_of_its_own(self, mast: Mast) -> None:
        mast.log_error(self.at(mast, 30), "berth")
        past = mast.signal.past(mast.environment, "new", mast.start, self.at(mast, 60))
        assert len(past.fingerprints) == 1
        mast.log_error(self.at(mast, 65), "berth")
        stand = replace(self.stand(mast, 60, 70), known=past.fingerprints)
        assert mast.signal.look(mast.environment, "new", stand).new_errors == 0

    def test_a_look_at_an_unreadable_log_is_not_silence(self, mast: Mast) -> None:
        mast.close_log()
        with pytest.raises(TheirFault):
            mast.signal.look(mast.environment, "new", self.stand(mast, 60, 70))

    def at(self, mast: Mast, seconds: float) -> datetime:
        return mast.start + timedelta(seconds=seconds)

    def stand(self, mast: Mast, since: float, until: float) -> Stand:
        return Stand(self.at(mast, since), self.at(mast, since), self.at(mast, until), TICK_SECONDS)

    def test_totals_hold_everything(self, mast: Mast) -> None:
        assert mast.signal.totals(mast.environment) == (1_100, 50)
