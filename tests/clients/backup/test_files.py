"""Folders: whole files although others write, links, and an exchange of names; several kinds as one backup."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
from tests.adapters.target.process_rig import project_of

from keelway.adapters.backup.composite import CompositeBackup
from keelway.adapters.backup.files import FilesBackup
from keelway.adapters.backup.sqlite import SqliteBackup
from keelway.clients.backup.cellar import Cellar
from keelway.core.backup.backup import Backup
from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.project import DataSpec

PROJECT = replace(project_of((8001, 8002)), data=DataSpec(files=("{data}/uploads", "{data}/old/uploads")))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data/production"
    (folder / "uploads/deep").mkdir(parents=True)
    (folder / "uploads/one.txt").write_text("one")
    (folder / "uploads/deep/two.bin").write_bytes(os.urandom(100_000))
    (folder / "uploads/link").symlink_to("one.txt")
    os.mkfifo(folder / "uploads/pipe")
    with closing(sqlite3.connect(folder / "app.sqlite")) as db, db:
        db.execute("CREATE TABLE ships (id INTEGER PRIMARY KEY)")
        db.execute("INSERT INTO ships VALUES (1), (2)")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> FilesBackup:
    return FilesBackup(PROJECT, str(tmp_path))


def taken(store: Cellar, key: str = "one") -> Backup:
    backup = store.take("production", key=key)
    assert backup is not None
    return backup


def test_files_come_back_as_they_were(data, store):
    backup = taken(store)
    assert backup.rows == {"uploads-0/": 3, "uploads-1/": 0}
    (data / "uploads/one.txt").write_text("altered")
    (data / "uploads/three.txt").write_text("new")
    (data / "uploads/deep/two.bin").unlink()
    loss = store.loss(backup)
    assert (loss.rows, loss.changed) == ({}, {"uploads-0/": 2})
    store.restore(backup, key="back")
    assert (data / "uploads/one.txt").read_text() == "one"
    assert (data / "uploads/link").readlink() == Path("one.txt")
    assert (data / "uploads/deep/two.bin").stat().st_size == 100_000
    assert not (data / "uploads/three.txt").exists()
    (old,) = data.glob("uploads.keelway-old-*")
    assert (old / "three.txt").read_text() == "new"
    (data / "uploads/four.txt").write_text("later")
    store.restore(backup, key="back")
    assert (data / "uploads/four.txt").exists(), "once per key"


def test_a_restore_that_was_cut_off_goes_on(data, store, tmp_path):
    backup = taken(store)
    (data / "uploads/one.txt").write_text("altered")
    store.restore(backup, key="back")
    next((tmp_path / "backups/production").glob("restored-*")).unlink()
    (old,) = data.glob("uploads.keelway-old-*")
    (data / "uploads").rename(Path(str(old).replace("-old-", "-new-")))  # killed between the two renames
    store.restore(backup, key="back")
    assert (data / "uploads/one.txt").read_text() == "one"
    assert (old / "one.txt").read_text() == "altered"


def test_a_file_that_never_rests_is_refused_and_one_that_does_is_whole(data, store):
    over, path = threading.Event(), data / "uploads/one.txt"

    def write() -> None:
        with path.open("ab", buffering=0) as stream:
            while not over.is_set():
                stream.write(b"x" * 1000)
                time.sleep(0.001)

    path.write_bytes(b"x" * 30_000_000)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(TheirFault, match="changes each time that it is read"):
            taken(store)
    finally:
        over.set()
        writer.join(10)
    assert not list((data.parents[1] / "backups/production").glob("production-*"))
    assert taken(store).rows["uploads-0/"] == 3


def test_no_folder_is_no_data(tmp_path):
    store = FilesBackup(PROJECT, str(tmp_path))
    assert store.take("production", key="one") is None
    assert store.rows("production") == {}


def composite(tmp_path: Path, key: str = "") -> CompositeBackup:
    stores = (SqliteBackup(PROJECT, str(tmp_path)), FilesBackup(PROJECT, str(tmp_path)))
    return CompositeBackup(str(tmp_path), stores, (lambda: key) if key else None)


def test_several_kinds_are_one_backup(data, tmp_path):
    store = composite(tmp_path)
    backup = taken(store)
    assert backup.rows == {"ships": 2, "uploads-0/": 3, "uploads-1/": 0} == store.rows("production")
    assert [part.kind for part in backup.parts] == ["sqlite", "files"]
    assert taken(store) == backup
    with closing(sqlite3.connect(data / "app.sqlite")) as db, db:
        db.execute("INSERT INTO ships VALUES (3)")
    (data / "uploads/new").write_text("x")
    assert store.loss(backup).words == "1 rows of ships, 1 files of uploads-0/"
    store.restore(backup, key="back")
    assert store.rows("production") == backup.rows
    path = Path(backup.parts[1].path)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TheirFault, match="does not verify"):
        store.restore(backup, key="again")


def test_a_part_that_fails_leaves_nothing_of_the_others(data, tmp_path):
    (data / "app.sqlite").write_bytes(b"this is no database " * 100)
    with pytest.raises(TheirFault) as caught:
        taken(composite(tmp_path))
    assert caught.value.code == "backup_failed"
    assert not list((tmp_path / "backups/production").glob("production-*"))


def test_encrypted_backups_need_the_key_and_open_with_age(data, tmp_path):
    key = pyrage.x25519.Identity.generate()
    store = composite(tmp_path, str(key))
    backup = taken(store)
    assert all(part.sealed and part.path.endswith(".age") for part in backup.parts)
    assert b"SQLite format" not in Path(backup.parts[0].path).read_bytes()
    assert (store.verify(backup), store.prove(backup).wrong) == ("", "")
    left = {path.suffix for path in (tmp_path / "backups/production").iterdir() if path.suffix}
    assert left == {".age", ".json"}, "nothing stays open"
    with closing(sqlite3.connect(data / "app.sqlite")) as db, db:
        db.execute("DELETE FROM ships")
    assert store.loss(backup).returning == {"ships": 2}
    other = composite(tmp_path, str(pyrage.x25519.Identity.generate()))
    assert "cannot be written or read" in other.prove(backup).wrong
    with pytest.raises(TheirFault, match="could not be restored"):
        other.restore(backup, key="back")
    assert "names no key" in composite(tmp_path).prove(backup).wrong
    store.restore(backup, key="back")
    assert store.rows("production")["ships"] == 2


def test_age_itself_opens_a_copy(data, tmp_path):
    if not shutil.which("age"):
        pytest.skip("no age here; install it: apt-get install age")
    key = pyrage.x25519.Identity.generate()
    backup = taken(composite(tmp_path, str(key)))
    (tmp_path / "key").write_text(f"{key}\n")
    argv = ["age", "-d", "-i", str(tmp_path / "key"), "-o", str(tmp_path / "plain"), backup.parts[0].path]
    subprocess.run(argv, check=True, timeout=30)
    with closing(sqlite3.connect(tmp_path / "plain")) as db:
        assert db.execute("SELECT COUNT(*) FROM ships").fetchone() == (2,)


def test_what_is_no_identity_is_refused(data, tmp_path):
    with pytest.raises(YourFault, match="no age identity"):
        taken(composite(tmp_path, "a password"))
    assert not list((tmp_path / "backups/production").glob("production-*"))


def test_a_kind_that_is_no_longer_configured_cannot_be_used(data, tmp_path):
    backup = taken(composite(tmp_path))
    alone = SqliteBackup(PROJECT, str(tmp_path))
    assert "names nothing of the kind files" in alone.verify(backup)
    with pytest.raises(TheirFault):
        alone.restore(backup, key="back")
