"""The list of workers in memory."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from keelway.core.errors import YourFault
from keelway.ports.roster import Presence, Roster, Worker


class Clock(Protocol):
    """Tell the time of the store."""

    def now(self) -> datetime:
        """Return the present instant."""
        ...


class _Wall:
    def now(self) -> datetime:
        return datetime.now(UTC)


class FakeRoster:
    """Keep ``rows`` by id; give it a clock that stands still to let time pass at will."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or _Wall()
        self.rows: dict[str, Presence] = {}
        self._lock = threading.Lock()

    def join(self, worker: Worker, lease_seconds: float) -> None:
        """Enter a worker."""
        with self._lock:
            if worker.id in self.rows:
                raise YourFault("worker_known", f"A worker {worker.id} has joined before.")
            for seen in self.workers():
                if seen.worker.schema != worker.schema and seen.state(lease_seconds) == "alive":
                    raise YourFault("schema_mixed", f"{seen.worker.id} has schema {seen.worker.schema}.")
            now = self.clock.now()
            self.rows[worker.id] = Presence(worker, now, now, 0.0)

    def beat(self, worker_id: str) -> bool:
        """Say that a worker lives."""
        with self._lock:
            seen = self.rows.get(worker_id)
            if seen is None or seen.dead_at is not None or seen.left_at is not None:
                return False
            self.rows[worker_id] = replace(seen, heard_at=self.clock.now())
            return True

    def claim_dead(self, by: str, lease_seconds: float, gone: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Declare dead who was silent for a lease, has left or is known to be gone."""
        with self._lock:
            dead = [
                seen.worker.id
                for seen in self.workers()
                if seen.dead_at is None
                and seen.worker.id != by
                and (seen.worker.id in gone or seen.state(lease_seconds) in {"silent", "left"})
            ]
            for name in dead:
                self.rows[name] = replace(self.rows[name], dead_at=self.clock.now(), dead_by=by)
            return tuple(sorted(dead))

    def leave(self, worker_id: str) -> None:
        """End a worker's work."""
        with self._lock:
            seen = self.rows.get(worker_id)
            if seen is not None and seen.dead_at is None and seen.left_at is None:
                self.rows[worker_id] = replace(seen, left_at=self.clock.now())

    def workers(self) -> tuple[Presence, ...]:
        """Return everybody, oldest first."""
        now = self.clock.now()
        return tuple(
            replace(
                seen,
                silent_seconds=(now - seen.heard_at).total_seconds(),
                dead_seconds=0.0 if seen.dead_at is None else (now - seen.dead_at).total_seconds(),
            )
            for seen in sorted(self.rows.values(), key=lambda row: (row.joined_at, row.worker.id))
        )

    def alive(self, worker_id: str, lease_seconds: float) -> bool:
        """Say whether a worker may act."""
        return any(
            seen.worker.id == worker_id and seen.state(lease_seconds) == "alive" for seen in self.workers()
        )


_check: type[Roster] = FakeRoster
