"""Copies of a SQLite database that are taken while it is written to, and verified before they count."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from keelway.clients.files import free_bytes, read_bounded, sha256_file, sync_folder, write_atomic
from keelway.clients.places import Places, plain
from keelway.core.codec import from_json, to_json
from keelway.core.errors import TheirFault
from keelway.core.model.project import Project
from keelway.ports.backup import Backup, BackupStore, Loss

COPY_SECONDS_MAX = 600.0
"""How long one copy may take; a database that somebody keeps locked would else hold us for ever."""

_BUSY_SECONDS = 30.0
_DONE = 101
"""SQLITE_DONE of the C interface."""

_SPACE_FACTOR = 2
_RECORD_BYTES_MAX = 1024 * 1024
_PROBLEMS_MAX = 5


class SqliteBackup:
    """Keep backups of an application's SQLite file below the home."""

    def __init__(self, project: Project, home: str) -> None:
        self._project = project
        self._places = Places(Path(home).resolve())

    def take(self, environment: str, *, key: str) -> Backup | None:
        """Copy all pages in one step and verify the copy; the same key returns the same backup.

        Raises:
            TheirFault: no space (``no_space``), the copy failed (``backup_failed``), or the one that was
                taken under this key is damaged (``backup_damaged``).
        """
        live = self._live(environment)
        if live is None:
            return None
        name = f"{plain(environment)}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        path = self._folder(environment) / f"{name}.sqlite"
        try:
            with self._locked(environment):
                return self._known(path) or self._take(environment, live, path)
        except (sqlite3.Error, OSError) as error:
            raise TheirFault(
                "backup_failed",
                f"{live} could not be copied: {error}.",
                "see disk and database, then try again",
            ) from error

    def verify(self, backup: Backup) -> str:
        """Hash the file again and check it as a database; return "" or what is wrong."""
        path = Path(backup.path)
        try:
            if path.stat().st_size != backup.size_bytes or sha256_file(path) != backup.sha256:
                return f"{path.name} is not the file that was written"
            with closing(_open(path, "mode=ro&immutable=1")) as copy:
                wrong = _unsound(copy)
                if not wrong and _rows(copy) != backup.rows:
                    wrong = "it holds other numbers of rows than were counted"
        except (sqlite3.Error, OSError) as error:
            return f"{path.name} cannot be read: {error}"
        return f"{path.name}: {wrong}" if wrong else ""

    def loss(self, backup: Backup) -> Loss:
        """Count per table how many more rows there are now than then.

        Rows that were changed are not counted, and rows that were deleted come back.
        """
        now = self.rows(backup.environment)
        more = {table: count - backup.rows.get(table, 0) for table, count in now.items()}
        return Loss({table: count for table, count in more.items() if count > 0})

    def restore(self, backup: Backup, *, key: str) -> None:
        """Write the backup over the live database page by page, after a copy of what is there now.

        Open connections go on and see the old rows. The same key restores once.

        Raises:
            TheirFault: it does not verify (``backup_damaged``), or the restore failed (``restore_failed``).
        """
        live = self._path(backup.environment)
        done = (
            self._folder(backup.environment)
            / f"restored-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        )
        if done.exists():
            return
        self._insist(backup, "backup_damaged")
        before = self.take(backup.environment, key=f"before {key}")
        kept = f"What was there before is kept in {before.path}." if before else "Nothing was there before."
        try:
            with self._locked(backup.environment):
                live.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                wrong = _write_back(Path(backup.path), live)
        except (sqlite3.Error, OSError) as error:
            wrong = str(error)
        if wrong:
            raise TheirFault(
                "restore_failed", f"{live} could not be restored: {wrong}. {kept}", "see the disk"
            )
        write_atomic(done, json.dumps({"backup": backup.id, "before": before.id if before else ""}).encode())

    def rows(self, environment: str) -> dict[str, int]:
        """Count the rows of every table now; none when there is no database.

        Raises:
            TheirFault: the database cannot be read (``data_unreadable``).
        """
        live = self._live(environment)
        if live is None:
            return {}
        try:
            with closing(_open(live, "mode=rw")) as connection:
                return _rows(connection)
        except sqlite3.Error as error:
            raise TheirFault("data_unreadable", f"{live} cannot be read: {error}.") from error

    def _path(self, environment: str) -> Path:
        return Path(self._places.fill(self._project.sqlite, environment))

    def _live(self, environment: str) -> Path | None:
        """Return the live database, None when the environment keeps none (yet)."""
        path = self._path(environment)
        return path if self._project.sqlite and path.is_file() else None

    def _folder(self, environment: str) -> Path:
        return self._places.home / "backups" / plain(environment)

    @contextmanager
    def _locked(self, environment: str) -> Iterator[None]:
        folder = self._folder(environment)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(folder / "lock", timeout=COPY_SECONDS_MAX)
        try:
            lock.acquire()
        except Timeout as error:
            raise TheirFault("backup_busy", f"Another backup of {environment} does not end.") from error
        try:
            yield
        finally:
            lock.release()

    def _known(self, path: Path) -> Backup | None:
        """Return the backup that was taken under this name; only its record makes it one."""
        record = path.with_suffix(".json")
        if not record.exists():
            return None
        try:
            backup = from_json(Backup, json.loads(read_bounded(record, _RECORD_BYTES_MAX)))
        except Exception as error:
            raise TheirFault("backup_damaged", f"{record} cannot be read: {error}.") from error
        self._insist(backup, "backup_damaged")
        return backup

    def _insist(self, backup: Backup, code: str) -> None:
        if wrong := self.verify(backup):
            raise TheirFault(
                code, f"The backup {backup.id} does not verify: {wrong}.", "choose another backup"
            )

    def _take(self, environment: str, live: Path, path: Path) -> Backup:
        wal = live.with_name(f"{live.name}-wal")
        size = live.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
        if (free := free_bytes(path)) < _SPACE_FACTOR * size:
            raise TheirFault(
                "no_space",
                f"{free} bytes are free, {_SPACE_FACTOR * size} are wanted for a backup of {live}.",
                "free some space",
            )
        partial = path.with_suffix(".partial")
        try:
            partial.unlink(missing_ok=True)
            rows = _copy(live, partial)
            partial.chmod(0o400)
            partial.replace(path)
            sync_folder(path.parent)
            taken_at = datetime.now(UTC)
            backup = Backup(
                path.stem, environment, str(path), sha256_file(path), path.stat().st_size, taken_at, rows
            )
            self._insist(backup, "backup_failed")
            write_atomic(path.with_suffix(".json"), json.dumps(to_json(backup), indent=1).encode(), 0o400)
        except BaseException:
            for suffix in ("", "-journal", "-wal", "-shm"):
                partial.with_name(f"{partial.name}{suffix}").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise
        return backup


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )


def _copy(live: Path, partial: Path) -> dict[str, int]:
    """Copy a database in one step (many steps start again at every foreign write) and count its rows."""
    with closing(_open(live, "mode=rw")) as source, closing(_open(partial, "mode=rwc")) as copy:
        source.backup(copy, pages=-1, progress=_in_time())
        copy.execute("PRAGMA synchronous = FULL")
        copy.execute("PRAGMA journal_mode = DELETE")
        return _rows(copy)


def _write_back(backup: Path, live: Path) -> str:
    with closing(_open(backup, "mode=ro&immutable=1")) as source, closing(_open(live, "mode=rwc")) as target:
        source.backup(target, pages=-1, progress=_in_time())
        return _unsound(target)


def _in_time() -> Callable[[int, int, int], None]:
    """Return a progress call that ends a copy which waits too long for a lock."""
    deadline = time.monotonic() + COPY_SECONDS_MAX

    def check(status: int, _remaining: int, _total: int) -> None:
        if status != _DONE and time.monotonic() > deadline:
            raise sqlite3.OperationalError(f"it did not end within {COPY_SECONDS_MAX:g} s")

    return check


def _unsound(connection: sqlite3.Connection) -> str:
    """Return "" or what the database says against itself."""
    found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_PROBLEMS_MAX})")]
    if found != ["ok"]:
        return f"the integrity check says {'; '.join(found)}"
    loose = connection.execute("PRAGMA foreign_key_check").fetchmany(_PROBLEMS_MAX)
    if loose:
        return f"rows of {', '.join(sorted({str(row[0]) for row in loose}))} refer to rows that are not there"
    return ""


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    ).fetchall()
    return {str(name): _count(connection, str(name)) for (name,) in tables}


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    return int(connection.execute(f'SELECT COUNT(*) FROM "{quoted}"').fetchone()[0])  # noqa: S608


_check: type[BackupStore] = SqliteBackup
ADAPTER = SqliteBackup
