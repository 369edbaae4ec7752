"""Hold every list of workers to the same promises."""
# ruff: noqa: D102, PLR2004, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from keelway.core.errors import YourFault
from keelway.ports.roster import Roster, Worker

LEASE = 30.0


def worker(name: str, schema: str = "1") -> Worker:
    """Describe a worker."""
    return Worker(name, "host-1", ("dev", "ops"), schema, "hub", "m1", 4_711, 1_700_000_000.25)


class RosterTests:
    """Subclass it with two fixtures: ``roster``, which is empty, and ``pass_seconds``.

    ``pass_seconds(n)`` makes the clock of the store go on, or everything in it older, by n seconds.
    """

    def test_who_joins_is_seen_as_it_is(self, roster: Roster) -> None:
        roster.join(worker("a"), LEASE)
        (seen,) = roster.workers()
        assert seen.worker == worker("a")
        assert (seen.state(LEASE), seen.dead_by, seen.left_at, seen.dead_at) == ("alive", "", None, None)
        assert seen.joined_at.utcoffset() is not None
        assert 0 <= seen.silent_seconds < LEASE
        assert roster.alive("a", LEASE)
        assert not roster.alive("b", LEASE)

    def test_an_id_is_used_once(self, roster: Roster) -> None:
        roster.join(worker("a"), LEASE)
        with pytest.raises(YourFault) as caught:
            roster.join(worker("a"), LEASE)
        assert caught.value.code == "worker_known"
        roster.leave("a")
        with pytest.raises(YourFault):
            roster.join(worker("a"), LEASE)

    def test_two_schemas_do_not_work_together(
        self, roster: Roster, pass_seconds: Callable[[float], None]
    ) -> None:
        roster.join(worker("old"), LEASE)
        with pytest.raises(YourFault) as caught:
            roster.join(worker("new", "2"), LEASE)
        assert caught.value.code == "schema_mixed"
        pass_seconds(LEASE + 1)
        roster.join(worker("new", "2"), LEASE)

    def test_only_who_is_silent_for_a_lease_is_claimed(
        self, roster: Roster, pass_seconds: Callable[[float], None]
    ) -> None:
        for name in "abc":
            roster.join(worker(name), LEASE)
        assert roster.claim_dead("a", LEASE) == ()
        pass_seconds(LEASE + 1)
        assert not roster.alive("b", LEASE)
        assert {seen.worker.id: seen.state(LEASE) for seen in roster.workers()}["b"] == "silent"
        assert roster.beat("a")
        assert roster.beat("c")
        assert roster.claim_dead("a", LEASE) == ("b",)
        assert roster.claim_dead("c", LEASE) == ()
        dead = {seen.worker.id: seen for seen in roster.workers()}["b"]
        assert (dead.state(LEASE), dead.dead_by) == ("dead", "a")
        pass_seconds(5)
        dead = {seen.worker.id: seen for seen in roster.workers()}["b"]
        assert 5 <= dead.dead_seconds < LEASE

    def test_the_dead_hear_it_and_stay_dead(
        self, roster: Roster, pass_seconds: Callable[[float], None]
    ) -> None:
        roster.join(worker("a"), LEASE)
        pass_seconds(LEASE + 1)
        assert roster.beat("a"), "nobody has claimed it yet"
        pass_seconds(LEASE + 1)
        roster.join(worker("b"), LEASE)
        assert roster.claim_dead("b", LEASE) == ("a",)
        assert not roster.beat("a")
        assert not roster.alive("a", LEASE)
        assert not roster.beat("nobody")

    def test_who_leaves_or_is_gone_is_claimed_at_once(self, roster: Roster) -> None:
        for name in "abcd":
            roster.join(worker(name), LEASE)
        roster.leave("b")
        roster.leave("nobody")
        assert not roster.beat("b")
        assert not roster.alive("b", LEASE)
        assert roster.claim_dead("a", LEASE, ("c", "a", "nobody")) == ("b", "c")
        assert [seen.state(LEASE) for seen in roster.workers()] == ["alive", "left", "dead", "alive"]

    def test_every_dead_worker_is_claimed_by_exactly_one(
        self, roster: Roster, pass_seconds: Callable[[float], None]
    ) -> None:
        for number in range(12):
            roster.join(worker(f"dead-{number:02}"), LEASE)
        pass_seconds(LEASE + 1)
        claims: list[str] = []
        begin = threading.Barrier(4)

        def claim(name: str) -> None:
            begin.wait(10)
            claims.extend(roster.claim_dead(name, LEASE))

        threads = [threading.Thread(target=claim, args=(f"live-{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(claims) == [f"dead-{number:02}" for number in range(12)]
