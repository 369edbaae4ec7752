"""PostgreSQL: copies in one snapshot, proven by a restore, put back by an exchange of names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from tests.clients.backup.harbour import SUM, make_in_postgres, move_in_postgres, writers
from tests.postgres import Cluster

from keelway.clients.backup.cellar import Cellar
from keelway.clients.backup.kind.postgres import PostgresSource
from keelway.core.backup.backup import Backup
from keelway.core.errors import TheirFault, YourFault
from keelway.core.migration.dry_run import Beside

pytestmark = pytest.mark.deploys


@pytest.fixture
def told(postgres_cluster: Cluster, postgres_url: str) -> str:
    return postgres_url.replace("postgresql+psycopg", "postgresql")


@pytest.fixture
def db(told: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(told, autocommit=True) as connection:
        make_in_postgres(connection)
        yield connection


@pytest.fixture
def cellar(told: str, tmp_path: Path) -> Cellar:
    return Cellar(
        tmp_path, lambda environment: (PostgresSource(told),) if environment == "production" else ()
    )


def taken(cellar: Cellar, key: str = "one") -> Backup:
    backup = cellar.take("production", key=key)
    assert backup is not None
    return backup


def ours(cluster: Cluster, told: str) -> list[str]:
    name = told.partition("@/")[2].partition("?")[0]
    found = cluster.sql(f"SELECT datname FROM pg_database WHERE datname LIKE '{name}%' ORDER BY 1")
    return [row[0].replace(name, "ours") for row in found]


def test_a_copy_holds_exactly_its_snapshot_and_is_proven(cellar, db, postgres_cluster, told):
    db.execute(
        'CREATE SCHEMA dock; CREATE TABLE dock."odd.name" (x int); INSERT INTO dock."odd.name" VALUES (1)'
    )
    backup = taken(cellar)
    assert backup.rows == {"accounts": 50, "moves": 0, "dock.odd.name": 1}
    assert [part.kind for part in backup.parts] == ["postgres"]
    assert cellar.verify(backup) == ""
    proof = cellar.prove(backup)
    assert (proof.wrong, proof.rows) == ("", backup.rows)
    assert ours(postgres_cluster, told) == ["ours"], "no scratch database is left"


def test_loss_is_counted_by_transaction(cellar, db):
    backup = taken(cellar)
    assert cellar.loss(backup).words == ""
    db.execute("INSERT INTO moves (account) VALUES (1), (2), (3)")
    db.execute("UPDATE accounts SET cents = 7 WHERE id <= 4")
    db.execute("DELETE FROM accounts WHERE id = 50")
    db.execute("CREATE TABLE later (x int)")
    db.execute("INSERT INTO later VALUES (1)")
    loss = cellar.loss(backup)
    assert loss.rows == {"moves": 3, "later": 1}
    assert (loss.changed, loss.returning) == ({"accounts": 4}, {"accounts": 1})


def test_a_restore_exchanges_the_names_and_keeps_what_was_there(cellar, db, postgres_cluster, told):
    db.execute(f"ALTER DATABASE {db.info.dbname} SET search_path TO public, dock")
    db.execute(f"ALTER DATABASE {db.info.dbname} SET statement_timeout TO '77s'")
    db.execute(f"REVOKE CONNECT ON DATABASE {db.info.dbname} FROM PUBLIC")
    backup = taken(cellar)
    db.execute("INSERT INTO moves (account) VALUES (1)")
    db.execute("CREATE TABLE later (x int)")
    cellar.restore(backup, key="back")
    with pytest.raises(psycopg.OperationalError):
        db.execute("SELECT 1")
    with psycopg.connect(told) as again:
        assert again.execute("SHOW search_path").fetchone() == ("public, dock",)
        assert again.execute("SHOW statement_timeout").fetchone() == ("77s",)
        again.execute("INSERT INTO moves (account) VALUES (1)")
        again.commit()
    assert cellar.rows("production") == {"accounts": 50, "moves": 1}
    there = ours(postgres_cluster, told)
    assert len(there) == 2
    assert there[1].startswith("ours_keelway_old_")
    acl = postgres_cluster.sql(f"SELECT datacl::text FROM pg_database WHERE datname = '{db.info.dbname}'")
    assert "=Tc" not in acl[0][0]
    cellar.restore(backup, key="back")
    assert cellar.rows("production")["moves"] == 1, "once per key"
    assert cellar.loss(backup).rows == {"moves": 1}, "by count, since every row is new to this database"
    for name in there[1:]:
        postgres_cluster.sql(f"DROP DATABASE {name.replace('ours', db.info.dbname)}")


@pytest.mark.parametrize("renamed", [False, True], ids=["before-the-second-name", "after-it"])
def test_a_restore_that_was_cut_off_goes_on(cellar, db, postgres_cluster, told, renamed):
    """Die between the two renames, or after them without a record: the same key comes to the same end."""
    backup = taken(cellar)
    db.execute("INSERT INTO moves (account) VALUES (1)")
    name = db.info.dbname
    cellar.restore(backup, key="back")
    old = next(one for one in ours(postgres_cluster, told) if "_old_" in one).replace("ours", name)
    next((Path(backup.path).parent).glob("restored-*")).unlink()
    if not renamed:
        postgres_cluster.sql(f"ALTER DATABASE {name} RENAME TO {old.replace('_old_', '_new_')}")
    cellar.restore(backup, key="back")
    assert cellar.rows("production") == {"accounts": 50, "moves": 0}
    assert len(ours(postgres_cluster, told)) == 2
    postgres_cluster.sql(f"DROP DATABASE {old}")


def test_a_damaged_dump_is_neither_verified_nor_restored(cellar, db):
    backup = taken(cellar)
    path = Path(backup.path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.chmod(0o600)
    path.write_bytes(data)
    assert "not the file that was written" in cellar.verify(backup)
    assert cellar.prove(backup).wrong
    with pytest.raises(TheirFault, match="does not verify"):
        cellar.restore(backup, key="back")
    truncated = replace(backup.parts[0], size_bytes=100)
    path.write_bytes(bytes(data[:100]))
    assert PostgresSource("postgresql:///x").check(path, truncated.rows) != ""


def test_a_role_that_may_not_make_databases_gets_no_backup(db, postgres_cluster, told, tmp_path):
    db.execute("DROP ROLE IF EXISTS small")
    db.execute("CREATE ROLE small LOGIN")
    db.execute("GRANT pg_read_all_data TO small")
    cellar = Cellar(tmp_path, lambda _: (PostgresSource(told.replace("keelway@", "small@")),))
    with pytest.raises(TheirFault, match="permission denied to create database") as caught:
        taken(cellar)
    assert caught.value.code == "backup_failed"
    assert not list((tmp_path / "backups/production").glob("production-*"))
    source = cellar.sources("production")[0]
    with pytest.raises(Exception, match="may not make the scratch database"):
        source.ready()
    PostgresSource(told).ready()


def test_an_address_without_a_database_is_refused():
    with pytest.raises(YourFault, match="names no database"):
        PostgresSource("postgresql://somewhere")


def test_a_server_that_is_gone_says_so(tmp_path):
    cellar = Cellar(tmp_path, lambda _: (PostgresSource("postgresql://127.0.0.1:1/x"),))
    with pytest.raises(TheirFault) as caught:
        taken(cellar)
    assert caught.value.code == "backup_failed"
    with pytest.raises(TheirFault) as caught:
        cellar.rows("production")
    assert caught.value.code == "data_unreadable"


class Steps:
    """Move the schema of a copy by statements; the version is the number of columns of ``accounts``."""

    def __init__(self, told: str, up: str, down: str) -> None:
        self.told, self._up, self._down = told, up, down

    def version(self) -> int:
        with psycopg.connect(self.told) as db:
            query = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'accounts'"
            return db.execute(query).fetchone()[0]

    def up(self) -> None:
        try:
            with psycopg.connect(self.told) as db:
                db.execute(self._up)
        except psycopg.Error as error:
            raise TheirFault("migration_failed", str(error)) from error

    def down(self, version: int) -> bool:
        if not self._down:
            return False
        with psycopg.connect(self.told) as db:
            db.execute(self._down)
        return True


def rehearse(cellar: Cellar, told: str, up: str, down: str, live: int = 3):
    def on_copy(environment: str, release: str, instead: dict[str, str]) -> Steps:
        return Steps(instead.get(told, told), up, down)

    return cellar.rehearse(taken(cellar), Beside("production", "r-1", live), on_copy, key="try")


def test_a_migration_is_tried_on_a_copy_and_taken_back(cellar, db, postgres_cluster, told):
    up = "ALTER TABLE accounts ADD COLUMN note text DEFAULT 'n'; SELECT pg_sleep(0.4)"
    run = rehearse(cellar, told, up, "ALTER TABLE accounts DROP COLUMN note")
    assert run.down_proven, run
    assert (run.before, run.after, run.rows) == (2, 3, 50)
    assert run.up_seconds > 0.4
    assert 0.1 < run.locks["public.accounts"] < 5
    assert cellar.rows("production") == {"accounts": 50, "moves": 0}
    assert ours(postgres_cluster, told) == ["ours"]


def test_a_way_down_that_loses_is_found(cellar, db, told):
    up = "ALTER TABLE accounts ADD COLUMN note text"
    run = rehearse(cellar, told, up, "UPDATE accounts SET cents = 0; ALTER TABLE accounts DROP COLUMN note")
    assert run.lost == ("accounts: other contents",)
    run = rehearse(cellar, told, up, "")
    assert run.down_seconds is None


def test_commands_that_reach_the_live_data_are_found_out_before_they_alter_anything(cellar, db, told):
    run = rehearse(cellar, told, "SELECT 1/0", "", live=2)
    assert "do not reach the copy" in run.wrong


def test_a_failing_migration_is_told(cellar, db, postgres_cluster, told):
    assert "division by zero" in rehearse(cellar, told, "SELECT 1/0", "").wrong
    assert ours(postgres_cluster, told) == ["ours"]


@pytest.mark.soak
def test_sixty_of_sixty_copies_under_writers_are_whole_and_restore(
    cellar, db, postgres_cluster, told, tmp_path
):
    """Copy while four processes write, restore each copy into its own place, and look into it."""
    counts = []
    with writers(move_in_postgres, told, count=4, folder=tmp_path):
        for number in range(60):
            backup = taken(cellar, f"copy {number}")
            counts.append(backup.rows["moves"])
            good(cellar, backup, told)
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
    print(f"60 of 60 good; moves at the first {counts[0]}, at the last {counts[-1]}")


def good(cellar: Cellar, backup: Backup, told: str) -> None:
    """Restore beside the live data and insist on the sum, the rows and the references."""
    assert cellar.verify(backup) == ""
    source = PostgresSource(told)
    folder = Path(backup.path).parent
    with (
        source.lend(Path(backup.path), folder, backup.id) as lent,
        psycopg.connect(lent.instead[told]) as copy,
    ):
        assert copy.execute("SELECT sum(cents) FROM accounts").fetchone() == (SUM,)
        assert copy.execute("SELECT count(*) FROM moves").fetchone() == (backup.rows["moves"],)
        loose = "SELECT count(*) FROM moves m LEFT JOIN accounts a ON a.id = m.account WHERE a.id IS NULL"
        assert copy.execute(loose).fetchone() == (0,)


def test_restores_in_place_under_writers_lose_no_sum(cellar, db, postgres_cluster, told, tmp_path):
    with writers(move_in_postgres, told, folder=tmp_path):
        for number in range(3):
            backup = taken(cellar, f"copy {number}")
            cellar.restore(backup, key=f"back {number}")
            with psycopg.connect(told) as again:
                assert again.execute("SELECT sum(cents) FROM accounts").fetchone() == (SUM,)
                assert again.execute("SELECT count(*) FROM moves").fetchone()[0] >= backup.rows["moves"]
    for name in ours(postgres_cluster, told)[1:]:
        postgres_cluster.sql(f"DROP DATABASE {name.replace('ours', db.info.dbname)}")
