"""Artefacts by hash: small ones in the database, large ones in a depot, both removed when their time is over."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from keelway.core.errors import TheirFault, YourFault
from keelway.core.policy import ArtefactPolicy
from keelway.store.books.shelf import Shelf
from keelway.store.chain.journal import Journal
from keelway.store.depot.depot import Depot, Item
from keelway.store.tables import ARTEFACTS, BLOBS

_REFERENCE = re.compile(r"sha256:([0-9a-f]{64})")
STRAY_SECONDS = 86_400
"""An item without a row may be of a writer that has not committed yet; after a day it is nobody's."""
ROUND = 500
"""Contents that one transaction gives up."""


class Artefacts(Shelf):
    """Keep bytes by their hash."""

    def __init__(self, journal: Journal, policy: ArtefactPolicy, depot: Depot) -> None:
        super().__init__(journal)
        self._policy = policy
        self._depot = depot

    def save_artefact(
        self, task: str, name: str, content: str | bytes, media_type: str = "text/plain"
    ) -> str:
        """Keep an artefact by its hash and return ``sha256:...``.

        A large one is in the depot before its row is, and saving again starts the retention anew.

        Raises:
            TheirFault: there is no room, or the depot or the database is away; then nothing is recorded.
        """
        raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        sha = hashlib.sha256(raw).hexdigest()
        inline = len(raw) <= self._policy.inline_bytes_max
        if not inline:
            self._depot.put(sha, raw)
        with self._journal.entry() as entry:
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
        if not inline:
            # A sweep may have removed the old content just before our row made it live again.
            self._depot.put(sha, raw)
        return f"sha256:{sha}"

    def artefact(self, reference: str) -> str:
        """Return an artefact's text; bytes that are no text show as marks.

        Raises:
            YourFault: it was never kept, or its retention is over.
            TheirFault: its content is gone or does not have the hash.
        """
        raw = self.artefact_bytes(reference)
        try:
            return raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return raw.decode("utf-8", "replace")

    def artefact_bytes(self, reference: str) -> bytes:
        """Return an artefact's bytes.

        Raises:
            YourFault: it was never kept, or its retention is over.
            TheirFault: its content is gone or does not have the hash.
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
                "raise retention_days in [policy.artefact] to keep artefacts longer",
            )
        raw = bytes(row.content) if row.content is not None else self._depot.get(row.sha)
        if hashlib.sha256(raw).hexdigest() != row.sha:
            raise TheirFault(
                "artefact_changed",
                f"The artefact {reference} was changed where it lies.",
                "keelway db check; put the file back from a backup",
            )
        return raw

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

    def due(self, now: datetime, keep: Collection[str] = ()) -> tuple[str, ...]:
        """Return the hashes of the contents whose retention is over and that no task in ``keep`` has."""
        over = now - timedelta(days=self._policy.retention_days)
        query = (
            select(BLOBS.c.sha, ARTEFACTS.c.task)
            .outerjoin(ARTEFACTS, ARTEFACTS.c.sha == BLOBS.c.sha)
            .where(BLOBS.c.expired_at.is_(None), BLOBS.c.saved_at < over)
        )
        rows = self._journal.read(query)
        kept = {row.sha for row in rows if row.task in keep}
        return tuple(sorted({row.sha for row in rows} - kept))

    def sweep(self, now: datetime, keep: Collection[str] = ()) -> int:
        """Remove the contents whose retention is over, and strays; return how many contents went.

        Args:
            now: the present instant.
            keep: ids of tasks whose artefacts stay, however old they are.

        Raises:
            TheirFault: the depot or the database is away; what was begun is finished by the next sweep.
        """
        over = now - timedelta(days=self._policy.retention_days)
        gone, due = 0, self.due(now, keep)
        for start in range(0, len(due), ROUND):
            part = due[start : start + ROUND]
            with self._journal.entry() as entry:
                still = (BLOBS.c.sha.in_(part), BLOBS.c.expired_at.is_(None), BLOBS.c.saved_at < over)
                change = update(BLOBS).where(*still).values(content=None, expired_at=now)
                count = entry.connection.execute(change).rowcount
                if count:
                    entry.note("artefacts", removed=count, older_than=over.isoformat())
            gone += count
        for item in self._nobodys():
            self._drop(item, now)
        return gone

    def _nobodys(self) -> Iterator[Item]:
        alive = {
            row.sha
            for row in self._journal.read(
                select(BLOBS.c.sha).where(BLOBS.c.expired_at.is_(None), BLOBS.c.content.is_(None))
            )
        }
        for item in list(self._depot.items()):
            if item.name not in alive:
                yield item

    def _drop(self, item: Item, now: datetime) -> None:
        # Under the lock of all writers: who makes the row live again does so before, or puts the content anew.
        with self._journal.entry() as entry:
            query = select(BLOBS.c.expired_at, BLOBS.c.content.is_(None).label("outside"))
            row = entry.connection.execute(query.where(BLOBS.c.sha == item.name)).first()
            if _wanted(row):
                return
            expired = row is not None and row.expired_at is not None
            if expired or item.modified_at < now - timedelta(seconds=STRAY_SECONDS):
                self._depot.remove(item.name)


def _wanted(row: Row[Any] | None) -> bool:
    return row is not None and row.expired_at is None and bool(row.outside)
