"""What tasks cost before there was a book of usage is in it after the upgrade."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from alembic import command
from sqlalchemy import text

from keelway.core.model.usage import UsageEntry
from keelway.store import database as schema
from keelway.store.database import open_database, upgrade
from keelway.store.dialect import WRITE
from keelway.store.ledger import SqlLedger

OLD = (
    "INSERT INTO keel_tasks (id, number, project, key, intent, request, status, cost_usd, created_at, updated_at) "
    "VALUES (:id, :number, 'app', :id, 'x', :request, 'developing', :cost, :at, :at)"
)
REQUEST = (
    '{"requested_at":"2026-01-31T23:30:00+00:00","requested_by":{"channel":"cli","name":"ann"},"text":"x"}'
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_old_costs_are_booked_by_the_upgrade(kind, home, request):
    home.mkdir()
    url = f"sqlite:///{home / 'k.sqlite'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(url)
    with engine.connect().execution_options(**WRITE) as connection, connection.begin():
        command.upgrade(schema._config(connection), "3")
        for number, cost in enumerate([0.0, 1.25, 3.5], 1):
            at = "2026-01-31 23:30:00.000000" + ("" if kind == "sqlite" else "+00")
            row = {"id": f"t{number}", "number": number, "cost": cost, "at": at, "request": REQUEST}
            connection.execute(text(OLD), row)
    upgrade(engine)
    ledger = SqlLedger(engine, home)
    assert {each.task: each.cost_usd for each in ledger.usage(by=("task",))} == {"t2": 1.25, "t3": 3.5}
    assert ledger.spent_usd() == 4.75
    assert ledger.usage(by=("day",))[0].day in {"2026-01-31", "2026-02-01"}
    ledger.book_usage(UsageEntry("new", "T-2", "dev", 1, datetime.now(UTC), cost_usd=0.5))
    assert ledger.find("t2").cost_usd == 1.75, "what comes later is added to it"
    engine.dispose()
