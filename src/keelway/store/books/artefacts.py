"""Artefacts by hash: small ones in the database, large ones as files, both removed when their time is over."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update

from keelway.core.errors import TheirFault, YourFault
from keelway.core.policy import ArtefactPolicy
from keelway.store.books.shelf import Shelf
from keelway.store.chain.journal import Entry, Journal
from keelway.store.tables import ARTEFACTS, BLOBS

_REFERENCE = re.compile(r"sha256:([0-9a-f]{64})")
_STRAY_SECONDS = 86_400
"""A file without a row may be of a writer that has not committed yet; after a day it is nobody's."""


class Artefacts(Shelf):
    """Keep texts by their hash."""

    def __init__(self, journal: Journal, policy: ArtefactPolicy) -> None:
        super().__init__(journal)
        self._policy = policy
        self._folder = journal.home / "artefacts"

    def save_artefact(self, task: str, name: str, content: str, media_type: str = "text/plain") -> str:
        """Keep an artefact by its hash and return ``sha256:...``.

        A large one is on disk before its row is, and saving again starts the retention anew.
        """
        raw = content.encode("utf-8", "surrogatepass")
        sha = hashlib.sha256(raw).hexdigest()
        inline = len(raw) <= self._policy.inline_bytes_max
        if not inline:
            self._write(sha, raw)
        with self._journal.entry() as entry:
            if not inline:
                self._write(sha, raw)
            row = {
                "bytes": len(raw),
                "content": raw if inline else None,
                "saved_at": entry.at,
                "expired_at": None,
            }
            changed = entry.connection.execute(update(BLOBS).where(BLOBS.c.sha == sha).values(**row))
            if changed.rowcount == 0:
                entry.connection.execute(insert(BLOBS).values(sha=sha, **row))
            same = (ARTEFACTS.c.task == task, ARTEFACTS.c.name == name, ARTEFACTS.c.sha == sha)
            if entry.connection.execute(select(ARTEFACTS.c.id).where(*same)).first() is None:
                columns = {"task": task, "name": name, "sha": sha, "media_type": media_type}
                entry.connection.execute(insert(ARTEFACTS).values(**columns, created_at=entry.at))
                entry.note("artefact", task, name=name, sha=sha, bytes=len(raw))
        return f"sha256:{sha}"

    def artefact(self, reference: str) -> str:
        """Return an artefact's text.

        Raises:
            YourFault: it was never kept, or its retention is over.
            TheirFault: its file is gone or does not have the hash.
        """
        match = _REFERENCE.fullmatch(reference)
        rows = self._journal.read(select(BLOBS).where(BLOBS.c.sha == match[1])) if match else ()
        if not rows:
            raise YourFault(
                "unknown_artefact", f"There is no artefact {reference[:80]!r}.", "keelway show <task>"
            )
        row = rows[0]
        if row.expired_at is not None:
            raise YourFault(
                "artefact_expired",
                f"The artefact was removed on {row.expired_at:%Y-%m-%d}; its retention is over.",
                "raise artefacts.retention_days to keep artefacts longer",
            )
        raw = row.content if row.content is not None else self._read(row.sha)
        if hashlib.sha256(raw).hexdigest() != row.sha:
            raise TheirFault(
                "artefact_changed", f"The artefact {reference} was changed on disk.", "keelway doctor"
            )
        return str(raw.decode("utf-8", "surrogatepass"))

    def artefacts(self, task: str) -> tuple[dict[str, Any], ...]:
        """Return name, reference, media type, size and instant of a task's artefacts, oldest first."""
        query = select(ARTEFACTS, BLOBS.c.bytes).join(BLOBS, BLOBS.c.sha == ARTEFACTS.c.sha)
        rows = self._journal.read(query.where(ARTEFACTS.c.task == task).order_by(ARTEFACTS.c.id))
        return tuple(
            {
                "name": row.name,
                "reference": f"sha256:{row.sha}",
                "media_type": row.media_type,
                "bytes": row.bytes,
                "created_at": row.created_at,
            }
            for row in rows
        )

    def sweep(self, now: datetime) -> int:
        """Remove the contents whose retention is over, and stray files; return how many contents went."""
        over = now - timedelta(days=self._policy.retention_days)
        with self._journal.entry() as entry:
            due = (BLOBS.c.expired_at.is_(None), BLOBS.c.saved_at < over)
            gone = [row.sha for row in entry.connection.execute(select(BLOBS.c.sha).where(*due))]
            change = update(BLOBS).where(*due).values(content=None, expired_at=now)
            entry.connection.execute(change)
            if gone:
                entry.note("artefacts", removed=len(gone), older_than=over.isoformat())
            # A saver checks its file under the same lock, so none is removed behind its back.
            self._remove(set(self._file_names()) - _kept(entry), now, gone)
        return len(gone)

    def _file_names(self) -> tuple[str, ...]:
        return tuple(path.name for path in self._folder.glob("*/*") if path.is_file())

    def _remove(self, names: set[str], now: datetime, gone: list[str]) -> None:
        for name in names:
            path = self._folder / name[:2] / name
            if name in gone or path.stat().st_mtime < now.timestamp() - _STRAY_SECONDS:
                path.unlink(missing_ok=True)

    def _path(self, sha: str) -> Path:
        return self._folder / sha[:2] / sha

    def _read(self, sha: str) -> bytes:
        try:
            return self._path(sha).read_bytes()
        except OSError as problem:
            raise TheirFault(
                "artefact_lost", f"The file of artefact sha256:{sha} cannot be read.", "keelway doctor"
            ) from problem

    def _write(self, sha: str, raw: bytes) -> None:
        path = self._path(sha)
        if path.is_file() and path.stat().st_size == len(raw):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{sha}.{os.getpid()}.{id(raw)}.new")
        with fresh.open("wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)


def _kept(entry: Entry) -> set[str]:
    alive: tuple[ColumnElement[bool], ...] = (BLOBS.c.expired_at.is_(None), BLOBS.c.content.is_(None))
    return {row.sha for row in entry.connection.execute(select(BLOBS.c.sha).where(*alive))}
