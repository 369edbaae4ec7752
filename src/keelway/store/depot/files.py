"""Keep large artefacts as files below the home, in folders by the first two digits of the hash."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from keelway.clients.files import write_atomic
from keelway.core.errors import TheirFault
from keelway.store.depot.depot import Depot, Item

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FileDepot:
    """Keep bytes in files of this host (``store.depot.depot.Depot``)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, sha: str, raw: bytes) -> None:
        """Keep bytes; a whole file of that size is not written again.

        Raises:
            TheirFault: the disk is full (``disk_full``), or the folder cannot be written.
        """
        path = self._path(sha)
        with _told(f"The artefact of {len(raw)} bytes cannot be written to {self._folder}"):
            if not (path.is_file() and path.stat().st_size == len(raw)):
                write_atomic(path, raw)

    def get(self, sha: str) -> bytes:
        """Return the content of a file.

        Raises:
            TheirFault: it is gone, or cannot be read (``artefact_lost``).
        """
        try:
            return self._path(sha).read_bytes()
        except OSError as problem:
            raise TheirFault(
                "artefact_lost",
                f"The file of artefact sha256:{sha} cannot be read: {problem.strerror}.",
                "look for it on the host that made it; [store] artefacts = s3://... is for many hosts",
            ) from problem

    def remove(self, name: str) -> None:
        """Remove a file.

        Raises:
            TheirFault: the folder cannot be written.
        """
        with _told(f"The artefact {name} cannot be removed from {self._folder}"):
            for path in self._folder.glob(f"*/{name}"):
                path.unlink(missing_ok=True)

    def items(self) -> Iterator[Item]:
        """Yield every file; what vanishes meanwhile is passed over."""
        for path in self._folder.glob("*/*"):
            try:
                told = path.stat()
            except FileNotFoundError:
                continue
            if path.is_file():
                yield Item(path.name, told.st_size, datetime.fromtimestamp(told.st_mtime, UTC))

    def _path(self, sha: str) -> Path:
        return self._folder / sha[:2] / sha


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        if problem.errno in _FULL:
            raise TheirFault(
                "disk_full",
                f"{what}: {problem.strerror}. Nothing was changed.",
                "free space there, then try again; keelway db vacuum removes what is over its time",
            ) from problem
        raise TheirFault(
            "artefacts_unwritable", f"{what}: {problem.strerror}.", "make it writable for this user"
        ) from problem


_check: type[Depot] = FileDepot
