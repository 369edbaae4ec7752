"""The emergency stop is one file: it is pulled and heeded while the database cannot be reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keelway.app.desk import freeze, unfreeze
from keelway.app.home import Home
from keelway.core.errors import TheirFault
from keelway.core.model.project import Project
from keelway.core.model.task import OWNER, Request
from keelway.core.policy import Policy
from keelway.routines.context import Context, Doors, Scene
from keelway.routines.outcome import Aborted
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Parked(Exception):
    """Stand for the wait of an effect that is held."""


class Straight:
    """Run every step at once and refuse to wait."""

    def step(self, name: str, effect: Callable[[], Any]) -> Any:
        return effect()

    def sleep(self, seconds: float) -> None:
        raise Parked

    def now(self) -> datetime:
        return NOW

    def wall(self) -> datetime:
        return NOW

    def fence(self) -> None:
        return None


def context(ledger: SqlLedger, task: str, stage: str = "review") -> Context:
    doors = Doors(**dict.fromkeys(Doors.__dataclass_fields__, None) | {"ledger": ledger})
    return Context(Straight(), doors, Project("fake"), Policy(), Scene(task, stage, 1))


def effect() -> int:
    done.append(1)
    return 1


done: list[int] = []


@pytest.fixture
def book(tmp_path: Path) -> tuple[Home, SqlLedger, str]:
    done.clear()
    home = Home(tmp_path)
    database = open_database(home.database_url)
    upgrade(database)
    ledger = SqlLedger(database, tmp_path)
    row, _ = ledger.create(Request("Add two", OWNER, NOW), "fake", "key")
    yield home, ledger, row.task.id
    database.dispose()


def damage(home: Home, ledger: SqlLedger) -> None:
    """Leave a file in which no database can be read."""
    ledger._journal.engine.dispose()
    for path in home.root.glob("keelway.sqlite*"):
        path.unlink()
    (home.root / "keelway.sqlite").write_bytes(b"this is no database" * 1_000)


def test_a_freeze_holds_an_effect_although_the_book_is_damaged(book):
    home, ledger, task = book
    ctx = context(ledger, task)
    assert ctx.act("merge", effect) == 1
    damage(home, ledger)
    assert freeze(home, "owner@cli", "the disk is dying").active
    with pytest.raises(Parked):
        ctx.act("deploy", effect)
    assert len(done) == 1
    assert unfreeze(home, "owner@cli")
    with pytest.raises(TheirFault):
        ctx.act("deploy", effect)
    assert len(done) == 1, "without a freeze a book that cannot be read lets nothing through either"


def test_a_freeze_is_pulled_while_the_server_of_the_book_is_away(tmp_path):
    home = Home(tmp_path / "home", f"postgresql+psycopg://keelway@/keelway?host={tmp_path}")
    began = datetime.now(UTC)
    assert freeze(home, "owner@cli", "all stop").active
    assert (home.root / "FREEZE").is_file()
    assert (datetime.now(UTC) - began).total_seconds() < 30
    assert unfreeze(home, "owner@cli")


@pytest.mark.soak
def test_a_freeze_is_pulled_and_heeded_while_postgresql_is_stopped(make_cluster, tmp_path):
    done.clear()
    cluster = make_cluster()
    home = Home(tmp_path, cluster.url("postgres"))
    database = open_database(home.database_url)
    upgrade(database)
    ledger = SqlLedger(database, tmp_path)
    row, _ = ledger.create(Request("Add two", OWNER, NOW), "fake", "key")
    ctx = context(ledger, row.task.id)
    assert ctx.act("merge", effect) == 1
    cluster.stop()
    assert freeze(home, "owner@cli", "the server is gone").active
    with pytest.raises(Parked):
        ctx.act("deploy", effect)
    cluster.start()
    with pytest.raises(Parked):
        ctx.act("deploy", effect)
    assert unfreeze(home, "owner@cli")
    assert ctx.act("deploy", effect) == 1
    assert len(done) == 2
    database.dispose()


def test_an_abort_counts_also_while_everything_is_frozen(book):
    home, ledger, task = book
    freeze(home, "owner@cli", "")
    ledger.amend(task, abort_by="ann@chat")
    with pytest.raises(Aborted):
        context(ledger, task).act("deploy", effect)
    assert done == []


def test_a_way_back_goes_on_whatever_is_frozen_paused_or_aborted(book):
    home, ledger, task = book
    ctx = context(ledger, task, "unwind")
    ctx.enter()
    freeze(home, "owner@cli", "")
    ledger.amend(task, abort_by="ann@chat", paused=True)
    assert ctx.act("switch", effect) == 1


def test_an_abort_after_the_intent_is_in_the_book_keeps_the_effect_from_happening(book):
    _, ledger, task = book
    ctx = context(ledger, task)
    record = ledger.record

    def noted(event: Any) -> int:
        sequence = record(event)
        if event.kind.value == "effect.intended":
            ledger.amend(task, abort_by="ann@chat")
        return sequence

    ledger.record = noted
    with pytest.raises(Aborted):
        ctx.act("merge", effect)
    assert done == []
    assert [link.event.kind.value for link in ledger.events(task=task) if link.event.stage == "review"] == [
        "effect.intended",
        "effect.failed",
    ]
