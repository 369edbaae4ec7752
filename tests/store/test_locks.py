"""A lock keeps new holders out, never the one who is there, never a way back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from keelway.core.errors import RequestRefused
from keelway.store.ledger import SqlLedger
from keelway.testing.clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def book(engine: Engine, home, clock: VirtualClock) -> SqlLedger:
    return SqlLedger(engine, home, clock=clock.now)


def test_nobody_new_gets_in_and_who_is_there_goes_on(book):
    mine = book.lease("production", "task-1")
    lock = book.lock("production", "ann@cli", "the fair")
    assert (lock.by, lock.reason) == ("ann@cli", "the fair")
    assert book.lease("production", "task-1") == mine
    book.release(mine)
    assert book.lease("production", "task-1") is None
    assert book.lease("staging", "task-1") is not None
    assert book.unlock("production", "owner@cli") == lock
    assert book.lease("production", "task-1").epoch == mine.epoch + 1


def test_a_way_back_passes_and_the_lock_stays(book):
    book.lock("production", "ann@cli")
    settled = book.lease("production", "undo-1", past_lock=True)
    assert settled is not None
    book.release(settled)
    ordered = book.lease("production", "rollback-1", take_over=True)
    assert ordered.epoch > settled.epoch
    book.release(ordered)
    assert [lock.environment for lock in book.locks()] == ["production"]
    assert book.lease("production", "task-2") is None


def test_another_person_does_not_lock_over_it_and_the_same_one_may(book):
    first = book.lock("production", "ann@cli", "the fair")
    with pytest.raises(RequestRefused) as refused:
        book.lock("production", "bob@cli")
    assert "ann@cli" in refused.value.message
    again = book.lock("production", "ann@cli", "the fair goes on")
    assert (again.since, again.reason) == (first.since, "the fair goes on")
    assert len(book.locks()) == 1


def test_a_lock_ends_by_itself(book, clock):
    until = clock.now() + timedelta(hours=1)
    book.lock("production", "ann@cli", until=until)
    assert book.lease("production", "task-1") is None
    clock.jump(until)
    assert book.locks() == ()
    assert book.lease("production", "task-1") is not None
    assert book.unlock("production", "ann@cli") is None


def test_locks_are_no_leases_and_leave_their_events(book):
    book.lock("production", "ann@cli", "the fair")
    assert book.leases() == ()
    book.unlock("production", "bob@cli")
    assert book.unlock("production", "bob@cli") is None
    kinds = [link.event.kind.value for link in book.events()]
    assert [kind for kind in kinds if kind.startswith("lock")] == ["lock.set", "lock.lifted"]


def test_the_epoch_of_an_environment_is_known_when_nobody_holds_it(book):
    assert book.epoch("production") == 0
    book.release(book.lease("production", "task-1"))
    assert book.epoch("production") == 1
