"""The fake and the SQLite backups keep the same promises."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.adapters.target.process_rig import project_of

from keelway.adapters.backup.sqlite import SqliteBackup
from keelway.ports.backup import Backup
from keelway.testing.conformance.backup import BackupTests, Cellar
from keelway.testing.fakes.backup import FakeBackup


class _FakeCellar:
    environment, empty = "production", "staging"

    def __init__(self) -> None:
        self.store = FakeBackup({"production": {"ships": 2}})

    def write(self, table: str, count: int) -> None:
        rows = self.store.data[self.environment]
        rows[table] = rows.get(table, 0) + count

    def spoil(self, backup: Backup) -> None:
        self.store.damaged.add(backup.id)


class _SqliteCellar:
    environment, empty = "production", "staging"

    def __init__(self, home: Path) -> None:
        self.path = home / "data/production/app.sqlite"
        self.path.parent.mkdir(parents=True)
        self.store = SqliteBackup(project_of((8001, 8002)), str(home))
        self.write("ships", 2)

    def write(self, table: str, count: int) -> None:
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY, name TEXT)")
            db.executemany(f"INSERT INTO {table} (name) VALUES (?)", [("x",)] * count)

    def spoil(self, backup: Backup) -> None:
        path = Path(backup.path)
        data = bytearray(path.read_bytes())
        data[-20] ^= 0xFF
        path.chmod(0o600)
        path.write_bytes(data)


class TestFakeBackup(BackupTests):
    @pytest.fixture
    def cellar(self) -> Cellar:
        return _FakeCellar()


class TestSqliteBackup(BackupTests):
    @pytest.fixture
    def cellar(self, tmp_path: Path) -> Cellar:
        return _SqliteCellar(tmp_path)
