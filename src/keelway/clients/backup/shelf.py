"""Keep the records of an environment's backups: only a record makes files a backup."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from keelway.clients.backup.source import COPY_SECONDS_MAX
from keelway.clients.files import read_bounded, write_atomic
from keelway.clients.places import plain
from keelway.core.backup.backup import Backup
from keelway.core.codec import from_json, to_json
from keelway.core.errors import TheirFault

_RECORD_BYTES_MAX = 1024 * 1024
_RECORDS_MAX = 10_000


class Shelf:
    """Be the folder of an environment's backups below the home."""

    def __init__(self, home: Path, environment: str) -> None:
        self.folder = home / "backups" / plain(environment)
        self._environment = environment

    def name(self, key: str) -> str:
        """Return the name of the backup that is taken under a key."""
        return f"{self._environment}-{_digest(key)}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Do one thing at a time with the backups of the environment.

        Raises:
            TheirFault: another process does not end (``backup_busy``).
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(self.folder / "lock", timeout=COPY_SECONDS_MAX)
        try:
            lock.acquire()
        except Timeout as error:
            raise TheirFault("backup_busy", f"Another backup of {self._environment} does not end.") from error
        try:
            yield
        finally:
            lock.release()

    def read(self, name: str) -> Backup | None:
        """Return the backup of a name, ``None`` when it has no record.

        Raises:
            TheirFault: the record cannot be read (``backup_damaged``).
        """
        record = self.folder / f"{name}.json"
        if not record.exists():
            return None
        try:
            return from_json(Backup, json.loads(read_bounded(record, _RECORD_BYTES_MAX)))
        except Exception as error:
            raise TheirFault("backup_damaged", f"{record} cannot be read: {error}.") from error

    def write(self, backup: Backup) -> None:
        """Make files a backup."""
        text = json.dumps(to_json(backup), indent=1)
        write_atomic(self.folder / f"{backup.id}.json", text.encode(), 0o400)

    def all(self) -> tuple[Backup, ...]:
        """Return every backup whose record can be read."""
        names = sorted(path.stem for path in self.folder.glob(f"{self._environment}-*.json"))
        return tuple(found for name in names[:_RECORDS_MAX] if (found := self._readable(name)) is not None)

    def remove(self, backup: Backup) -> None:
        """Remove a backup, its record first: what has no record is none."""
        (self.folder / f"{backup.id}.json").unlink(missing_ok=True)
        for part in backup.files:
            path = Path(part.path)
            if path.parent == self.folder:
                path.unlink(missing_ok=True)

    def restored(self, key: str) -> bool:
        """Tell whether a restore under this key came to its end."""
        return self._mark(key).exists()

    def note_restored(self, key: str, backup: str, before: str) -> None:
        """Write down that a restore came to its end."""
        write_atomic(self._mark(key), json.dumps({"backup": backup, "before": before}).encode())

    def _mark(self, key: str) -> Path:
        return self.folder / f"restored-{_digest(key)}.json"

    def _readable(self, name: str) -> Backup | None:
        try:
            return self.read(name)
        except TheirFault:
            return None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
