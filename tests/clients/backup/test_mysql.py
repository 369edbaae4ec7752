"""MariaDB: one consistent dump, proven by loading it, put back with views, triggers and routines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mysql import MysqlServer

from keelway.clients.backup.cellar import Cellar
from keelway.clients.backup.kind.mysql import MysqlSource
from keelway.core.backup.backup import Backup
from keelway.core.errors import TheirFault, YourFault
from keelway.core.migration.dry_run import Beside

pytestmark = pytest.mark.deploys

MADE = """
CREATE TABLE accounts (id INT PRIMARY KEY, cents INT NOT NULL) ENGINE=InnoDB;
CREATE TABLE moves (id INT AUTO_INCREMENT PRIMARY KEY, account INT NOT NULL, note BLOB,
  FOREIGN KEY (account) REFERENCES accounts (id)) ENGINE=InnoDB;
INSERT INTO accounts VALUES (1, 100), (2, 100), (3, 100);
CREATE VIEW rich AS SELECT * FROM accounts WHERE cents > 100;
CREATE TRIGGER noted BEFORE INSERT ON moves FOR EACH ROW SET NEW.note = COALESCE(NEW.note, 0xFF00);
CREATE PROCEDURE one() SELECT 1;
"""
Sql = Callable[[str], list[list[str]]]


@pytest.fixture
def sql(mysql_server: MysqlServer, mysql_url: str) -> Sql:
    name = mysql_url.rpartition("/test_")[2].partition("?")[0]

    def run(statement: str) -> list[list[str]]:
        return mysql_server.sql(statement, f"test_{name}")

    run(MADE)
    return run


@pytest.fixture
def cellar(mysql_url: str, tmp_path: Path) -> Cellar:
    return Cellar(
        tmp_path, lambda environment: (MysqlSource(mysql_url),) if environment == "production" else ()
    )


def taken(cellar: Cellar, key: str = "one") -> Backup:
    backup = cellar.take("production", key=key)
    assert backup is not None
    return backup


def databases(sql: Sql) -> set[str]:
    return {name for (name,) in sql("SHOW DATABASES") if "keelway" in name}


def test_a_backup_comes_back_with_everything(cellar, sql):
    backup = taken(cellar)
    assert backup.rows == {"accounts": 3, "moves": 0}
    sql("INSERT INTO moves (account) VALUES (1), (2)")
    sql("CREATE TABLE later (x INT)")
    assert cellar.loss(backup).rows == {"moves": 2}
    cellar.restore(backup, key="back")
    assert cellar.rows("production") == backup.rows
    sql("INSERT INTO moves (account) VALUES (1)")
    assert sql("SELECT HEX(note) FROM moves") == [["FF00"]]
    assert sql("SELECT COUNT(*) FROM rich") == [["0"]]
    assert sql("CALL one()") == [["1"]]
    before = next(path for path in Path(backup.path).parent.glob("*.sql") if str(path) != backup.path)
    assert "later" in before.read_text()
    assert databases(sql) == set()


def test_a_table_that_no_transaction_covers_is_refused(cellar, sql):
    sql("CREATE TABLE loose (x INT) ENGINE=MyISAM")
    with pytest.raises(TheirFault, match="loose: only InnoDB") as caught:
        taken(cellar)
    assert caught.value.code == "backup_failed"


@pytest.mark.timeout(600)
@pytest.mark.deploys
def test_copies_under_a_writer_are_whole(cellar, sql, tmp_path):
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            sql(
                "START TRANSACTION; UPDATE accounts SET cents = cents - 1 WHERE id = 1;"
                "UPDATE accounts SET cents = cents + 1 WHERE id = 2; INSERT INTO moves (account) VALUES (1); COMMIT"
            )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(6):
            backup = taken(cellar, f"copy {number}")
            source = cellar.sources("production")[0]
            with source.lend(Path(backup.path), tmp_path, "x") as lent:
                (reader,) = lent.readers
                assert reader._ask("SELECT SUM(cents) FROM accounts") == [["300"]]
                assert reader.rows() == backup.rows
    finally:
        over.set()
        writer.join(30)


def test_a_dump_without_an_end_is_not_restored(cellar, sql):
    backup = taken(cellar)
    path = Path(backup.path)
    assert cellar.prove(backup).wrong == ""
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-300])
    assert MysqlSource.check(cellar.sources("production")[0], path, {}) == "the dump has no end"
    with pytest.raises(TheirFault, match="not the file"):
        cellar.restore(backup, key="back")


class Steps:
    """Move the schema of a copy; the version is the number of columns of ``accounts``."""

    def __init__(self, source: MysqlSource, down: str) -> None:
        self._source, self._down = source, down

    def version(self) -> int:
        return len(self._source._ask("SHOW COLUMNS FROM accounts"))

    def up(self) -> None:
        self._source._ask("ALTER TABLE accounts ADD COLUMN note TEXT")

    def down(self, version: int) -> bool:
        self._source._ask(self._down)
        return True


@pytest.mark.parametrize(
    ("down", "lost"),
    [
        ("ALTER TABLE accounts DROP COLUMN note", ()),
        (
            "UPDATE accounts SET cents = 0; ALTER TABLE accounts DROP COLUMN note",
            ("accounts: other contents",),
        ),
    ],
)
def test_a_migration_is_tried_on_a_copy(cellar, sql, mysql_url, down, lost):
    run = cellar.rehearse(
        taken(cellar),
        Beside("production", "r-1", 3),
        lambda _environment, _release, instead: Steps(MysqlSource(instead.get(mysql_url, mysql_url)), down),
        key="try",
    )
    assert (run.wrong, run.lost, run.again) == ("", lost, ())
    assert (run.before, run.after, run.rows) == (2, 3, 3)
    assert databases(sql) == set()


def test_what_is_needed_is_there(cellar):
    cellar.sources("production")[0].ready()


def test_a_wrong_address_is_refused():
    with pytest.raises(YourFault, match="names no database"):
        MysqlSource("mysql://somewhere")


def test_a_server_that_is_gone_says_so(tmp_path):
    cellar = Cellar(tmp_path, lambda _: (MysqlSource("mysql://me:secret@127.0.0.1:1/x"),))
    with pytest.raises(TheirFault) as caught:
        taken(cellar)
    assert caught.value.code == "backup_failed"
    assert "secret" not in caught.value.message
