"""The fake and every kind of database keep the same promises."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pyrage
import pytest
from tests.adapters.target.process_rig import project_of
from tests.postgres import Cluster

from keelway.adapters.backup.composite import CompositeBackup
from keelway.adapters.backup.postgres import PostgresBackup
from keelway.adapters.backup.sqlite import SqliteBackup
from keelway.clients.backup.cellar import Cellar as Cellar_
from keelway.core.model.project import DataSpec, EnvironmentSpec
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


class _EncryptedCellar(_SqliteCellar):
    def __init__(self, home: Path) -> None:
        key = pyrage.x25519.Identity.generate()
        super().__init__(home)
        self.store = CompositeBackup(str(home), (self.store,), lambda: str(key))


class _PostgresCellar:
    environment, empty = "production", "staging"

    def __init__(self, home: Path, address: str) -> None:
        self.told = address.replace("postgresql+psycopg", "postgresql")
        project = replace(project_of((8001, 8002)), data=DataSpec(postgres="env:DATABASE_URL"))
        spec = EnvironmentSpec("production", 8001, secrets={"DATABASE_URL": "PRODUCTION_DB"})
        project = replace(project, environments=(spec,))
        inner = PostgresBackup(project, str(home), {"PRODUCTION_DB": address}.__getitem__)
        self.store = Cellar_(home, lambda where: inner.sources(where) if where == "production" else ())
        self.write("ships", 2)

    def write(self, table: str, count: int) -> None:
        with psycopg.connect(self.told) as db:
            db.execute(f"CREATE TABLE IF NOT EXISTS {table} (id SERIAL PRIMARY KEY, name TEXT)")
            db.execute(f"INSERT INTO {table} (name) SELECT 'x' FROM generate_series(1, {count})")

    def spoil(self, backup: Backup) -> None:
        _SqliteCellar.spoil(self, backup)


class TestEncryptedBackup(BackupTests):
    @pytest.fixture
    def cellar(self, tmp_path: Path) -> Cellar:
        return _EncryptedCellar(tmp_path)


@pytest.mark.deploys
class TestPostgresBackup(BackupTests):
    @pytest.fixture
    def cellar(self, tmp_path: Path, postgres_url: str, postgres_cluster: Cluster) -> Iterator[Cellar]:
        yield _PostgresCellar(tmp_path, postgres_url)
        name = postgres_url.partition("@/")[2].partition("?")[0]
        for (left,) in postgres_cluster.sql(
            f"SELECT datname FROM pg_database WHERE datname LIKE '{name}_keelway%'"
        ):
            postgres_cluster.sql(f"DROP DATABASE {left}")


class TestSqliteBackup(BackupTests):
    @pytest.fixture
    def cellar(self, tmp_path: Path) -> Cellar:
        return _SqliteCellar(tmp_path)
