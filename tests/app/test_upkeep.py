"""Upgrade, backup, check and vacuum of a real store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.cli.rig import CONFIG
from tests.workflows.world import PROJECT

from keelway.app.config import Config, load_config
from keelway.app.doctor.installation import check_artefacts, check_store
from keelway.app.home import Home
from keelway.app.sections import ConfigFile, EnvironmentSection, ProjectSection, StoreSection
from keelway.app.upkeep import backup, night
from keelway.app.upkeep.check import check
from keelway.app.upkeep.runs import count_ended, forget_ended
from keelway.app.upkeep.schemas import bring_up
from keelway.app.upkeep.vacuum import vacuum, would_remove
from keelway.core.errors import RequestRefused, TheirFault, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.policy import ArtefactPolicy, Policy
from keelway.engine.journal import Journal as EngineJournal
from keelway.engine.memory import MemoryEngine
from keelway.engine.run.verbs import STORY
from keelway.store.chain.audit import verify
from keelway.store.chain.journal import Journal
from keelway.store.database import VERSION, open_database, schema_version
from keelway.store.ledger import SqlLedger
from keelway.store.upkeep.claim import Claim
from keelway.testing.conformance.ledger import some_request

LONG_AGO = datetime.now(UTC) - timedelta(days=400)
NOTHING = 0


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request, tmp_path) -> Home:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return Home(tmp_path / "home", url)


@pytest.fixture
def config(tmp_path) -> Config:
    policy = replace(Policy(), artefact=ArtefactPolicy(inline_bytes_max=10))
    file = ConfigFile(ProjectSection("fake"), EnvironmentSection(8001), EnvironmentSection(8002))
    return Config(file, tmp_path / "keelway.toml", PROJECT, policy)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture(scope="session")
def ready_file(tmp_path_factory) -> Path:
    home = Home(tmp_path_factory.mktemp("ready"))
    bring_up(home, lambda _: None)
    return home.book


@pytest.fixture(params=["sqlite", "postgresql"])
def ready(request, tmp_path) -> Home:
    """Return a home whose store has both schemas."""
    url = request.getfixturevalue("postgres_ready_url") if request.param == "postgresql" else ""
    home = Home(tmp_path / "home", url)
    home.prepare()
    if not url:
        shutil.copy(request.getfixturevalue("ready_file"), home.book)
    return home


@pytest.fixture
def ledger(ready, config):
    home = ready
    engine = open_database(home.database_url)
    yield SqlLedger(engine, home.root, artefacts=config.policy.artefact)
    engine.dispose()


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


class TestBackup:
    def test_it_comes_back_as_it_was(self, ready, ledger, said, request, tmp_path):
        task = end(ledger, "k")
        made = backup.take(ready, said.append)
        assert Path(made.path).parent == ready.root / "store-backups"
        assert (Path(made.path).stat().st_size, len(made.sha256)) == (made.size_bytes, 64)
        later = end(ledger, "k2")
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


class TestVacuum:
    def test_what_is_over_its_time_goes(self, ready, config, ledger, said):
        old = at(ledger, LONG_AGO)
        ended = end(old, "k")
        waiting, _ = old.create(some_request(), "fake", "waits")
        for task in (ended, waiting.task.id):
            old.save_artefact(task, "large", f"the large artefact of {task}")
            old.log("info", "c", "m", task=task)
        old.save_samples("d1", "r", [(LONG_AGO, {"requests": 1})])
        for run in (ended, waiting.task.id, "order"):
            engine_run(ready, run, "SUCCESS", LONG_AGO)
        engine_run(ready, "young", "SUCCESS", datetime.now(UTC))
        engine_run(ready, "running", "PENDING", LONG_AGO)
        at(ledger, datetime.now(UTC))

        planned = would_remove(config, ready, count_ended(ready))
        assert (planned.dry_run, planned.removed) == (True, type(planned.removed)(1, 1, 1, 2))
        done = vacuum(config, ready, forget_ended(ready), said.append, by="me")
        assert (done.removed, done.dry_run) == (planned.removed, False)
        assert engine_runs(ready) == {waiting.task.id, "young", "running"}
        assert vacuum(config, ready, forget_ended(ready), said.append).removed == type(planned.removed)()
        told = [
            link.event.data for link in ledger.events(limit=1000) if link.event.data.get("record") == "upkeep"
        ]
        assert (told[0]["by"], told[0]["runs"], len(told)) == ("me", 2, 2)
        assert check(config, ready, said.append).audit.ok

    def test_one_at_a_time(self, ready, config, ledger, said):
        inner = []

        def forget(before, keep):
            with pytest.raises(RequestRefused) as caught:
                vacuum(config, ready, lambda *_: NOTHING, said.append, by="second")
            inner.append(caught.value.code)
            return NOTHING

        vacuum(config, ready, forget, said.append, by="first")
        assert inner == ["upkeep_runs"]
        assert vacuum(config, ready, lambda *_: NOTHING, said.append, by="second") is not None

    def test_a_failing_part_gives_the_claim_back_and_keeps_what_was_done(self, ready, config, ledger, said):
        at(ledger, LONG_AGO).log("info", "c", "m")
        at(ledger, datetime.now(UTC))

        def forget(before, keep):
            raise TheirFault("x", "The engine is away.")

        with pytest.raises(TheirFault):
            vacuum(config, ready, forget, said.append)
        done = vacuum(config, ready, lambda *_: NOTHING, said.append)
        assert done.removed.log_lines == 0


class TestNight:
    @pytest.mark.parametrize(
        ("hours", "hour", "wanted"),
        [(1, 3, False), (19, 3, False), (21, 3, True), (21, 12, False), (35, 12, False), (36, 12, True)],
    )
    def test_when_it_is_time(self, hours, hour, wanted):
        now = datetime(2026, 3, 10, hour, 30).astimezone()
        assert night.due(now - timedelta(hours=hours), now) is wanted

    def test_it_is_done_once_by_whoever_is_awake(self, ready, config, ledger):
        class Runs:
            asked = 0

            def forget(self, before, keep):
                self.asked += 1
                return NOTHING

        at(ledger, LONG_AGO).log("info", "c", "m")
        ledger.record(Event(EventKind.OBSERVED, LONG_AGO))
        runs, done = Runs(), []
        nights = [night.Night(config, ready, runs) for _ in range(3)]
        threads = [threading.Thread(target=lambda each=each: done.append(each.look())) for each in nights]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert runs.asked == 1
        assert [each.removed.log_lines for each in done if each is not None] == [1]
        assert nights[0].look() is None
        last = Claim(Journal(ledger._journal.engine, ready.root)).last()
        assert last.by.startswith("the night on ")

    def test_the_engine_keeps_the_runs_of_open_tasks(self):
        async def story(conductor, payload):
            return payload

        engine = MemoryEngine(EngineJournal())
        engine.launch({"story": story}, {}, ())
        for run in ("T1", "T2"):
            engine.start("story", run, None)
        engine.run_until_idle()
        assert engine.forget(datetime(2999, 1, 1, tzinfo=UTC), keep={"T1"}) == 1
        assert [engine.status(run) for run in ("T1", "T2")] == ["done", "absent"]
        engine.close()

    def test_a_store_that_is_away_does_not_end_it(self, tmp_path, config):
        away = Home(tmp_path, f"postgresql+psycopg://k@/k?host={tmp_path}")
        each = night.Night(config, away, MemoryEngine(EngineJournal()), 0.01)
        each.start()
        assert each.look() is None
        assert each._thread.is_alive()
        each.stop()
        assert not each._thread.is_alive()


class TestDoctor:
    def test_a_store_with_everything_in_it(self, ready, ledger):
        end(ledger, "k")
        assert [(found.name, found.state) for found in check_store(ready)] == [
            ("store", "ok"),
            ("audit", "ok"),
        ]

    def test_a_store_that_is_empty(self, home):
        found = check_store(home)
        assert [(each.state, "keelway up" in each.sentence) for each in found] == [("ok", True)]

    def test_a_server_that_is_down_names_the_cure(self, tmp_path):
        (found,) = check_store(Home(tmp_path, f"postgresql+psycopg://k@/k?host={tmp_path}"))
        assert (found.state, "start the server" in found.next) == ("fail", True)

    def test_the_place_of_artefacts(self, config, tmp_path, monkeypatch):
        assert check_artefacts(config, Home(tmp_path)).state == "ok"
        assert check_artefacts(config, Home(tmp_path, "postgresql+psycopg://k@/k")).state == "warn"
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
        far = replace(config, file=replace(config.file, store=StoreSection(artefacts="s3://artefacts")))
        found = check_artefacts(far, Home(tmp_path))
        assert (found.state, "AWS_ENDPOINT_URL" in found.next) == ("fail", True)

    def test_a_place_that_is_none_is_refused_with_the_file(self, tmp_path):
        path = tmp_path / "keelway.toml"
        path.write_text(CONFIG + '[store]\nartefacts = "ftp://somewhere"\n')
        with pytest.raises(YourFault, match=r"store.artefacts 'ftp://somewhere' is neither"):
            load_config(path)
