"""Upgrade, backup and check of a real store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.app.upkeep.rig import at, end, engine_run

from keelway.app.home import Home
from keelway.app.upkeep import backup
from keelway.app.upkeep.check import check
from keelway.app.upkeep.schemas import bring_up
from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import Status
from keelway.store.chain.audit import verify
from keelway.store.chain.journal import Journal
from keelway.store.chain.seal import Seal
from keelway.store.database import VERSION, open_database, schema_version
from keelway.store.ledger import SqlLedger
from keelway.testing.conformance.ledger import some_request


class TestUpgrade:
    def test_both_schemas_are_made_and_then_left_alone(self, home, said):
        planned = bring_up(home, said.append, dry_run=True)
        assert (planned.before.book, planned.before.engine, planned.after.current, said) == (0, 0, False, [])
        done = bring_up(home, said.append)
        assert (done.before.current, done.after.current, len(said)) == (False, True, 2)
        assert (done.after.book, done.after.engine) == (VERSION, done.after.engine_needed)
        again = bring_up(home, said.append)
        assert (again.before, again.after, len(said)) == (done.after, done.after, 2)

    def test_an_older_book_keeps_what_it_holds(self, home, said):
        from alembic import command

        from keelway.store.database import _config

        engine = open_database(home.database_url)
        home.prepare()
        with engine.connect() as connection, connection.begin():
            command.upgrade(_config(connection), "1")
        assert schema_version(engine) == 1
        done = bring_up(home, said.append)
        assert (done.before.book, done.after.book) == (1, VERSION)
        assert SqlLedger(engine, home.root).create(some_request(), "fake", "k")[1]
        engine.dispose()


def sign(ledger, home) -> None:
    """Sign the present end of the chain, as the control plane does."""
    Journal(ledger._journal.engine, home.root, seal=Seal(home.root, "fake")).sign()


class TestBackup:
    def test_it_comes_back_as_it_was(self, ready, ledger, said, request, tmp_path):
        task = end(ledger, "k")
        sign(ledger, ready)
        made = backup.take(ready, said.append)
        assert Path(made.path).parent == ready.root / "store-backups"
        assert (Path(made.path).stat().st_size, len(made.sha256)) == (made.size_bytes, 64)
        later = end(ledger, "k2")
        sign(ledger, ready)
        ledger._journal.engine.dispose()
        for line in made.restore:
            if not line.startswith("keelway"):
                environment = {**os.environ, "PATH": f"{os.environ['PATH']}:{_programs(ready, request)}"}
                subprocess.run(
                    shlex.split(line), check=True, capture_output=True, env=environment, timeout=60
                )
        engine = open_database(ready.database_url)
        restored = SqlLedger(engine, ready.root)
        assert restored.find(task).status is Status.ABORTED
        with pytest.raises(YourFault):
            restored.find(later)
        end(restored, "k3")
        assert verify(engine, ready.root).ok
        engine.dispose()

    def test_it_never_overwrites(self, ready, ledger, said, tmp_path):
        place = tmp_path / "kept"
        place.write_text("mine")
        for dry_run in (False, True):
            with pytest.raises(YourFault) as caught:
                backup.take(ready, said.append, place, dry_run=dry_run)
            assert caught.value.code == "backup_exists"
        assert place.read_text() == "mine"
        assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["kept"]

    def test_a_rehearsal_writes_nothing(self, ready, ledger, said, tmp_path):
        planned = backup.take(ready, said.append, tmp_path, dry_run=True)
        assert (planned.dry_run, Path(planned.path).exists(), planned.size_bytes > 0) == (True, False, True)

    def test_it_is_whole_while_others_write(self, ready, ledger, said):
        stop = threading.Event()

        def write():
            while not stop.is_set():
                ledger.record(Event(EventKind.OBSERVED, datetime.now(UTC), data={"x": "y" * 500}))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            made = [backup.take(ready, said.append, ready.root / f"copy{n}") for n in range(2)]
        finally:
            stop.set()
            writer.join(20)
        assert made[0].sha256 != made[1].sha256
        if not ready.store_url:
            copied = open_database(f"sqlite:///{made[1].path}")
            assert verify(copied).ok
            copied.dispose()

    def test_no_room_leaves_nothing(self, ready, ledger, said, tmp_path):
        import resource

        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        try:
            with pytest.raises(TheirFault) as caught:
                backup.take(ready, said.append, tmp_path / "copy")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert (caught.value.code, bool(caught.value.hint)) == ("backup_failed", True)
        assert [path.name for path in tmp_path.iterdir()] == ["home"]

    def test_a_home_with_marks_in_its_name(self, ready_file, said, tmp_path):
        home = Home(tmp_path / "a ?#%20 hömé")
        home.prepare()
        shutil.copy(ready_file, home.book)
        made = backup.take(home, said.append, tmp_path / "copy?mode=memory")
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copy?mode=memory"]
        assert made.size_bytes == home.book.stat().st_size

    def test_before_the_first_start_there_is_nothing_to_copy(self, tmp_path, said):
        with pytest.raises(YourFault, match="Nothing has run"):
            backup.take(Home(tmp_path), said.append)


def _programs(home: Home, request) -> str:
    return str(request.getfixturevalue("postgres_cluster").programs) if home.store_url else ""


class TestCheck:
    def test_a_sound_store(self, ready, config, ledger, said):
        end(ledger, "k")
        ledger.save_artefact("t", "large", "more than ten letters")
        report = check(config, ready, said.append)
        assert (report.ok, report.problems, report.next) == (True, (), "")
        assert (report.survey.rows["keel_tasks"], report.artefacts, report.audit.ok) == (1, 1, True)
        assert report.survey.size_bytes > 10_000

    def test_every_trouble_is_named(self, ready, config, ledger, said):
        at(ledger, datetime.now(UTC) - timedelta(hours=1))
        row, _ = ledger.create(some_request(), "fake", "open")
        ended = end(ledger, "ended")
        ledger.lease("production", ended)
        ledger.stage(ended, "review", 1, "running", {})
        ledger.save_artefact("t", "large", "more than ten letters")
        for path in (ready.root / "artefacts").glob("*/*"):
            path.unlink()
        report = check(config, ready, said.append)
        assert (report.ok, bool(report.next)) == (False, True)
        assert {told.what for told in report.stuck} == {
            "task T-1",
            "lease of production",
            "stage review of T-2",
        }
        assert any("is lost" in problem for problem in report.problems)
        engine_run(ready, row.task.id, "ERROR", datetime.now(UTC))
        report = check(config, ready, said.append)
        assert "It is open, and its story is failed." in [told.sentence for told in report.stuck]

    def test_a_book_of_an_older_version(self, home, config, said):
        engine = open_database(home.database_url)
        home.prepare()
        with engine.connect() as connection, connection.begin():
            connection.execute(text("CREATE TABLE other (id INTEGER)"))
        engine.dispose()
        report = check(config, home, said.append)
        assert (report.ok, report.next, report.survey) == (False, "keelway db upgrade", None)

    def test_a_damaged_file(self, tmp_path, config, said):
        home = Home(tmp_path / "home")
        bring_up(home, said.append)
        with sqlite3.connect(home.book) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
            root = connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'ix_keel_logs_timestamp'"
            ).fetchone()[0]
            size = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.close()
        with home.book.open("r+b") as file:
            file.seek((root - 1) * size)
            file.write(b"\xff" * 64)
        report = check(config, home, said.append)
        assert (report.ok, bool(report.survey.problems)) == (False, True)
