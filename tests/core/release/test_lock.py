"""A lock says who keeps deployments out, and ends when its time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from keelway.core.release.lock import Lock, is_lock, lease_name, read_lock, write_lock

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_lock_holds_until_its_time_is_over() -> None:
    assert Lock("production", "ann@cli").holds(AT)
    short = Lock("production", "ann@cli", until=AT)
    assert short.holds(AT - timedelta(seconds=1))
    assert not short.holds(AT)


def test_what_is_kept_is_read_again() -> None:
    lock = Lock("production", "ann@cli", "the fair", AT, AT + timedelta(hours=2))
    assert read_lock("production", write_lock(lock)) == lock
    assert read_lock("production", "") is None


def test_a_record_that_cannot_be_read_still_locks() -> None:
    for kept in ("{", "[]", '{"by": 7}'):
        lock = read_lock("production", kept)
        assert lock is not None
        assert lock.holds(AT)
        assert "cannot be read" in lock.sentence


def test_the_sentence_names_the_cure() -> None:
    lock = Lock("production", "ann@cli", "the fair", AT, AT + timedelta(hours=2))
    assert lock.sentence == (
        "production is locked by ann@cli since 2026-01-05 12:00 UTC until 2026-01-05 14:00 UTC: the fair. "
        "Lift it: keelway unlock production"
    )
    assert Lock("staging", "").sentence == (
        "staging is locked by an unknown person. Lift it: keelway unlock staging"
    )


def test_locks_are_told_from_leases_by_their_names() -> None:
    assert is_lock(lease_name("production"))
    assert not is_lock("production")
    assert not is_lock("lane:fake")
