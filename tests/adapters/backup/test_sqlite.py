"""Copies under fire: writers that never stop, open connections, damage and full disks."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.target.process_rig import project_of

from keelway.adapters.backup.sqlite import SqliteBackup
from keelway.clients.backup import cellar
from keelway.clients.backup.kind import sqlite
from keelway.clients.backup.kind.sqlite import SqliteSource
from keelway.core.codec import from_json, to_json
from keelway.core.errors import TheirFault
from keelway.core.migration.dry_run import Beside, DryRun
from keelway.ports.backup import Backup

COPIES = 60
PROJECT = project_of((8001, 8002))


def database(home: Path) -> Path:
    path = home / "data/production/app.sqlite"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE accounts (id INTEGER PRIMARY KEY, cents INTEGER NOT NULL)")
        db.execute("CREATE TABLE moves (id INTEGER PRIMARY KEY, account INTEGER REFERENCES accounts (id))")
        db.executemany("INSERT INTO accounts (cents) VALUES (?)", [(100,)] * 50)
    return path


def taken(store: SqliteBackup, key: str = "one") -> Backup:
    backup = store.take("production", key=key)
    assert backup is not None
    return backup


def write_on(path: str, seed: int, stop: str) -> None:
    """Move money between accounts, in transactions that keep the sum, until told to stop."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        number = seed
        while not Path(stop).exists():
            number += 1
            db.execute("BEGIN IMMEDIATE")
            db.execute("UPDATE accounts SET cents = cents - 1 WHERE id = ?", (number % 50 + 1,))
            db.execute("UPDATE accounts SET cents = cents + 1 WHERE id = ?", (number * 7 % 50 + 1,))
            db.execute("INSERT INTO moves (account) VALUES (?)", (number % 50 + 1,))
            db.execute("COMMIT")


@contextmanager
def writers(path: Path, stop: Path) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=write_on, args=(str(path), seed, str(stop))) for seed in (1, 1000)]
    for child in children:
        child.start()
    try:
        yield
    finally:
        stop.write_text("x")
        for child in children:
            child.join(30)


def moves(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT COUNT(*) FROM moves").fetchone()[0])


@pytest.mark.deploys
def test_sixty_of_sixty_copies_under_writers_are_whole_and_restore(tmp_path: Path) -> None:
    path, store, counts = database(tmp_path), SqliteBackup(PROJECT, str(tmp_path)), []
    with writers(path, tmp_path / "stop"):
        while not moves(path):
            pass
        for number in range(COPIES):
            backup = taken(store, f"copy {number}")
            counts.append(backup.rows["moves"])
            assert store.verify(backup) == ""
            restored = tmp_path / f"restored-{number}.sqlite"
            SqliteSource(restored, tmp_path).write_back(Path(backup.path), backup.rows, "back")
            with closing(sqlite3.connect(restored)) as copy:
                assert copy.execute("SELECT SUM(cents) FROM accounts").fetchone() == (5_000,)
                assert copy.execute("SELECT COUNT(*) FROM moves").fetchone() == (backup.rows["moves"],)
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
    files = {entry.suffix for entry in (tmp_path / "backups/production").iterdir() if entry.suffix}
    assert files == {".sqlite", ".json"}


def test_restore_under_an_open_connection_that_writes_on(tmp_path: Path) -> None:
    path, store = database(tmp_path), SqliteBackup(PROJECT, str(tmp_path))
    backup = taken(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as app:
        app.execute("INSERT INTO accounts (cents) VALUES (7)")
        app.execute("CREATE TABLE later (x)")
        store.restore(backup, key="back")
        assert app.execute("SELECT COUNT(*) FROM accounts").fetchone() == (50,)
        assert app.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        app.execute("INSERT INTO accounts (cents) VALUES (8)")
        assert store.rows("production") == {"accounts": 51, "moves": 0}
    marks = list((tmp_path / "backups/production").glob("restored-*.json"))
    before = json.loads(marks[0].read_text())["before"]
    safe = from_json(Backup, json.loads((tmp_path / f"backups/production/{before}.json").read_text()))
    assert store.verify(safe) == ""
    assert safe.rows == {"accounts": 51, "later": 0, "moves": 0}


def test_a_lost_database_comes_back(tmp_path: Path) -> None:
    path, store = database(tmp_path), SqliteBackup(PROJECT, str(tmp_path))
    backup = taken(store)
    path.unlink()
    assert store.rows("production") == {}
    store.restore(backup, key="back")
    assert store.rows("production") == backup.rows


def test_a_backup_survives_its_journey_through_the_book(tmp_path: Path) -> None:
    database(tmp_path)
    store = SqliteBackup(PROJECT, str(tmp_path))
    backup = taken(store)
    again = from_json(Backup, json.loads(json.dumps(to_json(backup))))
    assert again == backup
    assert SqliteBackup(PROJECT, str(tmp_path)).take("production", key="one") == backup


def test_what_has_no_record_does_not_count(tmp_path: Path) -> None:
    database(tmp_path)
    store = SqliteBackup(PROJECT, str(tmp_path))
    first = taken(store)
    Path(first.path).with_suffix(".json").unlink()
    second = taken(store)
    assert second.id == first.id
    assert second.taken_at > first.taken_at


def test_a_damaged_one_is_not_silently_taken_again(tmp_path: Path) -> None:
    database(tmp_path)
    store = SqliteBackup(PROJECT, str(tmp_path))
    backup = taken(store)
    Path(backup.path).unlink()
    assert "cannot be read" in store.verify(backup)
    with pytest.raises(TheirFault) as caught:
        taken(store)
    assert caught.value.code == "backup_damaged"
    fake = replace(backup, parts=(), rows={"accounts": 1}, path=taken(store, "two").path)
    assert "not the file" in store.verify(replace(fake, sha256="0" * 64))


def test_loose_references_and_damage_are_found(tmp_path: Path) -> None:
    path, store = database(tmp_path), SqliteBackup(PROJECT, str(tmp_path))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO moves (account) VALUES (999)")
    with pytest.raises(TheirFault, match="rows of moves refer") as caught:
        taken(store)
    assert caught.value.code == "backup_failed"
    assert list((tmp_path / "backups/production").glob("*.sqlite")) == []


def test_no_database_at_all_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data/production/app.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no database " * 100)
    with pytest.raises(TheirFault) as caught:
        taken(SqliteBackup(PROJECT, str(tmp_path)))
    assert caught.value.code == "backup_failed"
    assert [one.name for one in (tmp_path / "backups/production").iterdir() if one.name != "lock"] == []


def test_too_little_space_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database(tmp_path)
    monkeypatch.setattr(cellar, "free_bytes", lambda _path: 10)
    with pytest.raises(TheirFault) as caught:
        taken(SqliteBackup(PROJECT, str(tmp_path)))
    assert caught.value.code == "no_space"
    assert "10 bytes are free" in caught.value.message


def test_a_locked_database_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, store = database(tmp_path), SqliteBackup(PROJECT, str(tmp_path))
    backup = taken(store)
    monkeypatch.setattr(sqlite, "COPY_SECONDS_MAX", 0.3)
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as app:
        app.execute("BEGIN IMMEDIATE")
        app.execute("INSERT INTO accounts (cents) VALUES (1)")
        with pytest.raises(TheirFault) as caught:
            store.restore(backup, key="back")
        app.execute("ROLLBACK")
    assert caught.value.code == "restore_failed"
    assert "is kept in" in caught.value.message
    store.restore(backup, key="back")


def test_two_takers_of_one_key_get_one_backup(tmp_path: Path) -> None:
    database(tmp_path)
    found: list[Backup] = []
    threads = [
        threading.Thread(target=lambda: found.append(taken(SqliteBackup(PROJECT, str(tmp_path)))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 4
    assert len({backup.taken_at for backup in found}) == 1


def test_loss_tells_new_rows_from_altered_and_deleted_ones(tmp_path: Path) -> None:
    path, store = database(tmp_path), SqliteBackup(PROJECT, str(tmp_path))
    backup = taken(store)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE accounts SET cents = 7 WHERE id <= 3")
        db.execute("DELETE FROM accounts WHERE id = 50")
        db.execute("INSERT INTO moves (account) VALUES (1)")
        db.execute("ALTER TABLE moves ADD COLUMN note TEXT")
        db.execute("CREATE TABLE later (x)")
        db.execute("INSERT INTO later VALUES (1)")
    loss = store.loss(backup)
    assert loss.rows == {"later": 1, "moves": 1}
    assert (loss.changed, loss.returning) == ({"accounts": 3}, {"accounts": 1})
    path.unlink()
    assert store.loss(backup).returning == backup.rows


def test_a_migration_is_tried_on_a_copy_beside_the_data(tmp_path: Path) -> None:
    path, store = database(tmp_path), SqliteBackup(PROJECT, str(tmp_path))
    backup, data = taken(store), str(path.parent)

    def rehearse(down: str, live: int = 1) -> DryRun:
        steps = lambda _environment, _release, instead: Steps(instead.get(data, ""), down)
        return store.rehearse(backup, Beside("production", "r-1", live), steps, key="try")

    run = rehearse("ALTER TABLE accounts DROP COLUMN note")
    assert run.down_proven, run
    assert (run.environment, run.before, run.after, run.rows) == ("production", 0, 1, 50)
    lossy = rehearse("UPDATE accounts SET cents = 0; ALTER TABLE accounts DROP COLUMN note")
    assert lossy.lost == ("accounts: other contents",)
    assert "do not reach the copy" in rehearse("", live=0).wrong
    assert rehearse("DROP TABLE cellar").lost == ("no such table: cellar",)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert store.rows("production") == backup.rows
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (0,)


class Steps:
    """Move the schema of the database in a folder."""

    def __init__(self, folder: str, down: str) -> None:
        self._path, self._down = Path(folder) / "app.sqlite", down

    def version(self) -> int:
        with closing(sqlite3.connect(self._path)) as db:
            return int(db.execute("PRAGMA user_version").fetchone()[0])

    def up(self) -> None:
        self._run("ALTER TABLE accounts ADD COLUMN note TEXT; PRAGMA user_version = 1")

    def down(self, version: int) -> bool:
        self._run(f"{self._down}; PRAGMA user_version = {version}")
        return True

    def _run(self, script: str) -> None:
        try:
            with closing(sqlite3.connect(self._path)) as db:
                db.executescript(script)
        except sqlite3.Error as error:
            raise TheirFault("migration_failed", str(error)) from error


def test_a_project_without_a_database_keeps_none(tmp_path: Path) -> None:
    store = SqliteBackup(replace(PROJECT, sqlite=""), str(tmp_path))
    assert store.take("production", key="one") is None
    assert store.rows("production") == {}
