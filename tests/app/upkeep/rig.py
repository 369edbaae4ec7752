"""What the tests of the upkeep write into a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from keelway.app.home import Home
from keelway.core.model.lifecycle import Status
from keelway.engine.run.verbs import STORY
from keelway.store.database import open_database
from keelway.store.ledger import SqlLedger
from keelway.testing.conformance.ledger import some_request

LONG_AGO = datetime.now(UTC) - timedelta(days=400)
NOTHING = 0


def at(ledger: SqlLedger, instant: datetime) -> SqlLedger:
    """Let the ledger write as of an instant."""
    ledger._journal.clock = lambda: instant
    return ledger


def end(ledger: SqlLedger, key: str) -> str:
    row, _ = ledger.create(some_request(), "fake", key)
    ledger.move(row.task.id, Status.ABORTED)
    return row.task.id


def engine_run(home: Home, run: str, status: str, ended_at: datetime) -> None:
    """Put a row of the engine where its library would."""
    engine = open_database(home.database_url)
    place = "" if engine.dialect.name == "sqlite" else "dbos."
    moment = int(ended_at.timestamp() * 1000)
    names = "workflow_uuid, status, name, created_at, updated_at, completed_at, priority"
    with engine.connect() as connection, connection.begin():
        row = {"run": run, "status": status, "at": moment}
        statement = (
            f"INSERT INTO {place}workflow_status ({names}) VALUES (:run, :status, :name, :at, :at, :at, 0)"
        )
        connection.execute(text(statement), {**row, "name": STORY})
    engine.dispose()


def engine_runs(home: Home) -> set[str]:
    engine = open_database(home.database_url)
    place = "" if engine.dialect.name == "sqlite" else "dbos."
    with engine.connect() as connection:
        found = set(connection.execute(text(f"SELECT workflow_uuid FROM {place}workflow_status")).scalars())
    engine.dispose()
    return found
