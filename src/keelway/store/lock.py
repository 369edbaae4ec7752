"""The lock of an environment as a transaction finds it, in the table of the leases."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from keelway.core.release.lock import Lock, lease_name, read_lock
from keelway.store.tables import LEASES


def locked(connection: Connection, environment: str, now: datetime) -> Lock | None:
    """Return the lock that keeps deployments out of an environment, inside a transaction."""
    query = select(LEASES.c.holder).where(LEASES.c.environment == lease_name(environment))
    lock = read_lock(environment, connection.execute(query).scalar() or "")
    return lock if lock is not None and lock.holds(now) else None
