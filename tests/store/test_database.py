"""Opening, upgrading, refusing, and living beside the tables of others."""

from __future__ import annotations

from datetime import datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import StatementError

from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.lifecycle import Status
from keelway.store.chain.audit import verify
from keelway.store.database import (
    COMPATIBLE_FROM,
    VERSION,
    check_schema,
    open_database,
    schema_version,
    upgrade,
)
from keelway.store.dialect import append_only, seconds_of, translate, writable_view
from keelway.store.ledger import SqlLedger
from keelway.store.lesson.search import is_ours
from keelway.store.tables import METADATA
from keelway.testing.conformance.ledger import some_request


def run(engine, *statements):
    with engine.connect() as connection, connection.begin():
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_sqlite_is_opened_safely(engine):
    with engine.connect() as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    assert told == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 30_000, "foreign_keys": 1}


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://u:secret@h/d"])
def test_other_addresses_are_refused_without_their_password(url):
    with pytest.raises(YourFault) as caught:
        open_database(url)
    assert caught.value.code == "bad_database_url"
    assert caught.value.hint
    assert "secret" not in str(caught.value)


def test_the_migrations_make_what_the_code_expects(engine):
    with engine.connect() as connection:
        options = {"include_name": lambda name, kind, _: is_ours(name, kind)}
        options |= {"version_table": "keel_schema"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []


def test_upgrading_twice_changes_nothing(engine, ledger):
    ledger.create(some_request(), "app", "k")
    assert upgrade(engine) == schema_version(engine) == VERSION
    assert ledger.find("T-1").task.request == some_request()


def test_tables_of_others_are_left_alone(url):
    engine = open_database(url)
    run(engine, "CREATE TABLE workflow_status (id TEXT)", "INSERT INTO workflow_status VALUES ('w')")
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM workflow_status")).scalar() == "w"
    ours = [name for name in inspect(engine).get_table_names() if name != "workflow_status"]
    assert all(name.startswith("keel_") for name in ours)
    engine.dispose()


def test_a_database_that_was_never_upgraded_is_refused(url, home):
    engine = open_database(url)
    assert schema_version(engine) == 0
    with pytest.raises(YourFault) as caught:
        SqlLedger(engine, home)
    assert caught.value.code == "database_too_old"
    engine.dispose()


def test_a_database_that_is_too_new_is_refused_and_left_as_it_is(engine, home):
    newer = VERSION + 5
    run(
        engine,
        f"UPDATE keel_schema SET version_num = '{newer}'",
        f"UPDATE keel_counters SET value = {newer} WHERE name = '{COMPATIBLE_FROM}'",
    )
    for use in (upgrade, check_schema, lambda engine: SqlLedger(engine, home)):
        with pytest.raises(YourFault) as caught:
            use(engine)
        assert caught.value.code == "database_too_new"
        assert "newer" in caught.value.hint
    assert schema_version(engine) == newer


def test_a_newer_and_compatible_schema_stays_readable(engine, home):
    ledger = SqlLedger(engine, home)
    ledger.create(some_request(), "app", "k")
    run(
        engine,
        f"UPDATE keel_schema SET version_num = '{VERSION + 1}'",
        "ALTER TABLE keel_tasks ADD COLUMN mood TEXT",
        "UPDATE keel_tasks SET mood = 'good', request = json_set(request, '$.mood', 'good', "
        "'$.requested_by.team', 'red')",
    )
    older = SqlLedger(engine, home)
    assert upgrade(engine) == VERSION + 1
    assert older.find("T-1").task.request == some_request()
    assert older.move("T-1", Status.PLANNING).status is Status.PLANNING
    older.create(some_request(), "app", "k2")


def test_rows_without_optional_fields_are_readable(engine, ledger):
    ledger.create(some_request(), "app", "k")
    run(
        engine,
        "UPDATE keel_tasks SET request = json_remove(request, '$.evidence', '$.files', '$.hotfix', "
        "'$.requested_by.channel')",
        "UPDATE keel_tasks SET request = json_set(request, '$.severity', NULL), plan = NULL",
    )
    request = ledger.find("T-1").task.request
    assert (request.evidence, request.files, request.hotfix, request.severity.value) == ("", (), False, "low")
    assert request.requested_by.channel == "cli"


def test_statements_of_the_other_database_are_translated():
    assert translate("SELECT 1") == "SELECT 1"
    assert translate("x > now() - interval '5 minutes'") == "x > now_minus('5 minutes')"
    assert translate("SET value = value::int + 1") == "SET value = CAST(value AS INTEGER) + 1"
    assert [seconds_of(words) for words in ("1 hour", "5 minutes", "2 days")] == [3600, 300, 172_800]
    for bad in ("", "hour", "1 fortnight", "1 2 3"):
        with pytest.raises(ValueError):
            seconds_of(bad)


def test_postgresql_gets_its_own_guards():
    function, trigger = append_only("postgresql", "keel_events")
    assert "plpgsql" in function
    assert "TRUNCATE" in trigger
    assert writable_view("postgresql", "v", "t", ("a",)) == ()


def test_a_file_that_is_no_database_is_told_with_a_next_step(url, home):
    home.mkdir()
    (home / "keelway.sqlite").write_bytes(b"not a database" * 100)
    engine = open_database(url)
    for use in (upgrade, schema_version, check_schema, verify):
        with pytest.raises(TheirFault) as caught:
            use(engine)
        assert caught.value.hint
    engine.dispose()


def test_a_server_that_is_not_there_is_told_with_a_next_step(tmp_path):
    engine = open_database(f"postgresql+psycopg://nobody@/none?host={tmp_path}")
    with pytest.raises(TheirFault):
        upgrade(engine)
    engine.dispose()


def test_an_instant_without_a_zone_is_refused(engine, ledger):
    with pytest.raises(StatementError, match="time zone"):
        ledger.tasks_since(datetime(2026, 1, 1))  # noqa: DTZ001
