"""Locks: what people keep deployments out of, beside the leases and in the same table."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from keelway.core.errors import RequestRefused
from keelway.core.model.event import Event, EventKind
from keelway.core.release.lock import Lock, lease_name, read_lock, write_lock
from keelway.store.books.shelf import Shelf
from keelway.store.lock import locked
from keelway.store.tables import LEASES


class Locks(Shelf):
    """Keep who locked which environment."""

    def lock(self, environment: str, by: str, reason: str = "", until: datetime | None = None) -> Lock:
        """Lock an environment, or say anew why and until when one's own lock holds.

        Raises:
            RequestRefused: somebody else has locked it.
        """
        with self._journal.entry() as entry:
            old = locked(entry.connection, environment, entry.at)
            if old is not None and old.by != by:
                raise RequestRefused("locked", old.sentence, f"keelway unlock {environment}")
            lock = Lock(environment, by, reason, old.since if old else entry.at, until)
            columns = {"holder": write_lock(lock), "taken_at": entry.at}
            mine = update(LEASES).where(LEASES.c.environment == lease_name(environment))
            if not entry.connection.execute(mine.values(epoch=LEASES.c.epoch + 1, **columns)).rowcount:
                row = {"environment": lease_name(environment), "epoch": 1, **columns}
                entry.connection.execute(insert(LEASES).values(**row))
            data = {"environment": environment, "reason": reason, "until": until.isoformat() if until else ""}
            entry.append(Event(EventKind.LOCK_SET, entry.at, actor=by, data=data))
            return lock

    def unlock(self, environment: str, by: str) -> Lock | None:
        """Lift the lock of an environment, whoever set it; return it, ``None`` when there was none."""
        with self._journal.entry() as entry:
            old = locked(entry.connection, environment, entry.at)
            mine = update(LEASES).where(
                LEASES.c.environment == lease_name(environment), LEASES.c.holder != ""
            )
            if not entry.connection.execute(mine.values(holder="")).rowcount or old is None:
                return None
            data = {"environment": environment, "set_by": old.by}
            entry.append(Event(EventKind.LOCK_LIFTED, entry.at, actor=by, data=data))
            return old

    def locks(self) -> tuple[Lock, ...]:
        """Return the locks that hold now, in the order of environments."""
        query = (
            select(LEASES.c.environment, LEASES.c.holder)
            .where(LEASES.c.environment.startswith(lease_name("")), LEASES.c.holder != "")
            .order_by(LEASES.c.environment)
        )
        found = (
            read_lock(row.environment.removeprefix(lease_name("")), row.holder)
            for row in self._journal.read(query)
        )
        now = self._journal.clock()
        return tuple(lock for lock in found if lock is not None and lock.holds(now))
