"""Know who works: every worker says that it lives, and the silent ones are claimed as dead by one of the others.

All times are those of the store's clock, so that the clocks of the hosts do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Worker:
    """Say who works, where and on what."""

    id: str
    """Unique for ever: a worker that joins again does so under a new id."""
    host: str
    roles: tuple[str, ...]
    schema: str
    """Number of the recorded stories and stages that it can continue."""
    place: str = ""
    """Queues named ``x@place`` are served by the workers of that place only."""
    machine: str = ""
    """Equal for two workers that see each other's processes; empty when nobody can tell."""
    pid: int = 0
    begun_epoch: float = 0.0
    """When the process began, by the clock of its host; tells it from a later one with the same number."""


@dataclass(frozen=True)
class Presence:
    """Tell what is known about a worker."""

    worker: Worker
    joined_at: datetime
    heard_at: datetime
    silent_seconds: float
    left_at: datetime | None = None
    dead_at: datetime | None = None
    dead_by: str = ""
    """Who declared it dead."""
    dead_seconds: float = 0.0
    """How long ago it was declared dead."""

    def state(self, lease_seconds: float) -> str:
        """Return ``alive``, ``silent`` (its lease is over, nobody has claimed it yet), ``left`` or ``dead``."""
        if self.left_at is not None:
            return "left"
        if self.dead_at is not None:
            return "dead"
        return "alive" if self.silent_seconds <= lease_seconds else "silent"


class Roster(Protocol):
    """Keep the list of workers."""

    def join(self, worker: Worker, lease_seconds: float) -> None:
        """Enter a worker.

        Raises:
            YourFault: its id was used before, or a worker that lives has another schema number.
            TheirFault: the store does not answer.
        """
        ...

    def beat(self, worker_id: str) -> bool:
        """Say that a worker lives; ``False`` once it was declared dead, has left or is unknown.

        Raises:
            TheirFault: the store does not answer.
        """
        ...

    def claim_dead(self, by: str, lease_seconds: float, gone: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Declare dead who was silent for a lease, has left or is known to be gone, and return their ids.

        Every worker is returned once, to one caller only, however many ask at the same time.

        Raises:
            TheirFault: the store does not answer.
        """
        ...

    def leave(self, worker_id: str) -> None:
        """End a worker's work: what it left unfinished may be taken up at once.

        Raises:
            TheirFault: the store does not answer.
        """
        ...

    def workers(self) -> tuple[Presence, ...]:
        """Return everybody who joined within the last day or still works, oldest first.

        Raises:
            TheirFault: the store does not answer.
        """
        ...

    def alive(self, worker_id: str, lease_seconds: float) -> bool:
        """Say whether a worker may act: heard of within a lease and not declared dead.

        Raises:
            TheirFault: the store does not answer.
        """
        ...
