"""The emergency stop reaches the homes of all workers, and in doubt it stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keelway.app.crew.freeze import SharedFreeze
from keelway.core.model.event import EventKind
from keelway.store.database import open_database, upgrade
from keelway.store.freeze import lift_freeze, set_freeze
from keelway.store.ledger import SqlLedger


@dataclass
class Host:
    """Hold a home of its own on the shared store."""

    home: Path
    ledger: SqlLedger
    shared: SharedFreeze

    @property
    def frozen(self) -> bool:
        return self.shared.look().active


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    database = open_database(f"sqlite:///{tmp_path / 'book.sqlite'}")
    upgrade(database)
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        ledger = SqlLedger(database, tmp_path / name)
        made.append(Host(tmp_path / name, ledger, SharedFreeze(ledger, tmp_path / name)))
    yield made[0], made[1]
    database.dispose()


def told(host: Host) -> list[EventKind]:
    links = host.ledger.events()
    return [link.event.kind for link in links if link.event.kind.value.startswith("freeze.")]


def test_what_one_host_does_the_others_do(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    assert not one.frozen
    assert not two.frozen
    one.ledger.set_freeze("ann@cli", "fire")
    assert two.frozen
    assert (two.ledger.freeze().by, two.ledger.freeze().reason) == ("ann@cli", "fire")
    two.ledger.lift_freeze("bob@cli")
    assert not one.frozen
    assert not two.frozen
    assert told(one) == [EventKind.FREEZE_SET, EventKind.FREEZE_LIFTED]


def test_a_worker_that_joins_later_stops_at_once(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    one.ledger.set_freeze("ann@cli", "fire")
    two.shared.start()
    assert two.ledger.freeze().active
    two.shared.stop()


def test_a_flag_that_the_book_missed_is_told_once_and_never_undone(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    one.ledger.set_freeze("ann@cli", "old")
    one.ledger.lift_freeze("ann@cli")
    set_freeze(one.home, by="ann@cli", reason="book was away", since=datetime.now(UTC) + timedelta(hours=1))
    for _ in range(4):
        assert one.frozen
    assert two.frozen
    assert two.ledger.freeze().reason == "book was away"
    assert told(one) == [EventKind.FREEZE_SET, EventKind.FREEZE_LIFTED, EventKind.FREEZE_SET]
    lift_freeze(one.home)
    for _ in range(3):
        one.shared.look()
    assert not two.frozen
    assert told(one)[-1] is EventKind.FREEZE_LIFTED


def test_a_flag_that_cannot_be_read_stays_at_the_start(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    one.ledger.set_freeze("ann@cli", "old")
    one.ledger.lift_freeze("ann@cli")
    (two.home / "FREEZE").write_text("?")
    for _ in range(3):
        assert two.frozen
    assert one.frozen
