"""Work beside others: say that one lives, notice who does not, and stop acting when one's own lease is over.

The lease binds in both directions. Nobody takes over the work of a worker that was heard of
within it, by the clock of the database; and a worker that could not make itself heard counts
the lease on its own clock, from before it last asked, so that it stops first.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil

from keelway.core.errors import KeelwayError, YourFault
from keelway.core.model.role import Role
from keelway.engine import schema
from keelway.engine.fault import EngineStopped
from keelway.ports.roster import Presence, Roster, Worker

ALL = "all"
"""Role of a worker that does everything."""

BEATS_MIN = 2
"""A lease lasts at least so many beats: one lost beat is no death."""

SAME_PROCESS_SECONDS = 2.0
"""Two readings of when a process began differ by less than this."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_log = logging.getLogger("keelway.engine")


def clock() -> float:
    """Return seconds that nobody can set back, which go on while the process or the machine is stopped."""
    return time.clock_gettime(_CLOCK)


def this_worker(roles: tuple[str, ...], place: str = "") -> Worker:
    """Describe this process as a worker under a new name.

    Raises:
        YourFault: a role is unknown, or there is none.
    """
    known = [*(role.value for role in Role), ALL]
    if not roles or not set(roles) <= set(known):
        asked = ", ".join(sorted(set(roles) - set(known))) or "nothing"
        raise YourFault("role_unknown", f"No worker can be {asked}.", f"choose from {', '.join(known)}")
    host = platform.node() or "host"
    return Worker(
        id=_fresh_id(host),
        host=host,
        roles=roles,
        schema=schema.SCHEMA,
        place=place,
        machine=_machine(),
        pid=os.getpid(),
        begun_epoch=psutil.Process().create_time(),
    )


def listens(queue: str, worker: Worker) -> bool:
    """Say whether a worker serves a queue: that of its role here, and for ``ops`` all that is nobody else's."""
    name, _, place = queue.partition("@")
    if place and place != worker.place:
        return False
    if ALL in worker.roles or name in worker.roles:
        return True
    return Role.OPS.value in worker.roles and name not in {role.value for role in Role}


class Crew:
    """Be one worker of a crew, from joining it until leaving it or losing the lease; once only."""

    def __init__(self, worker: Worker, roster: Roster, beat_seconds: float, lease_seconds: float) -> None:
        """Prepare to join.

        Raises:
            YourFault: the lease is shorter than two beats.
        """
        if not 0 < beat_seconds * BEATS_MIN <= lease_seconds:
            raise YourFault(
                "lease_too_short",
                f"A lease of {lease_seconds:g} s is over before two beats of {beat_seconds:g} s.",
                "raise worker.lease_seconds, or lower worker.beat_seconds",
            )
        self.worker, self.roster = worker, roster
        self.beat_seconds, self.lease_seconds = beat_seconds, lease_seconds
        self._until = float("-inf")
        self._over = False
        self._stop = threading.Event()
        self._nudged = threading.Event()
        self._threads: list[threading.Thread] = []

    def join(self, tend: Callable[[tuple[str, ...]], None], lapsed: Callable[[], None]) -> None:
        """Enter the roster and begin to beat.

        Args:
            tend: called at every beat with the workers that this one has just declared dead.
            lapsed: called once when this worker may not act any more.

        Raises:
            YourFault: the id was used before, or the others have another schema number.
            TheirFault: the store does not answer.
        """
        begun = clock()
        self.roster.join(self.worker, self.lease_seconds)
        self._until = begun + self.lease_seconds
        self._threads = [
            threading.Thread(target=self._live, args=(lapsed,), name="keelway-beat", daemon=True),
            threading.Thread(target=self._watch, args=(tend,), name="keelway-crew", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def check(self) -> None:
        """Raise ``EngineStopped`` once the lease is over; no database is asked."""
        if not self._over and clock() >= self._until:
            self._over = True
        if self._over:
            raise EngineStopped

    def fence(self) -> None:
        """Raise ``EngineStopped`` unless this worker may act, by its own clock and by the roster.

        Raises:
            TheirFault: the store does not answer.
        """
        self.check()
        if not self.roster.alive(self.worker.id, self.lease_seconds):
            self._over = True
        self.check()  # the answer may have taken long

    def leave(self) -> None:
        """Stop beating and let the others have what is unfinished.

        Raises:
            TheirFault: the store does not answer; then they have it after the lease.
        """
        self.rest()
        self.roster.leave(self.worker.id)

    def rest(self) -> None:
        """Stop beating and act no more."""
        self._over = True
        self._stop.set()
        self._nudged.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(self.lease_seconds)

    def nudge(self) -> None:
        """Look after the others now rather than at the next beat."""
        self._nudged.set()

    def again(self) -> Crew:
        """Return the same worker under a new name, not yet joined."""
        worker = replace(self.worker, id=_fresh_id(self.worker.host))
        return Crew(worker, self.roster, self.beat_seconds, self.lease_seconds)

    def _live(self, lapsed: Callable[[], None]) -> None:
        while self._beat() and not self._stop.wait(self.beat_seconds):
            pass
        if not self._stop.is_set():
            self._over = True
            _log.warning("worker %s has lost its lease and acts no more", self.worker.id)
            lapsed()

    def _beat(self) -> bool:
        begun = clock()
        if self._over or begun >= self._until:
            return False
        try:
            if not self.roster.beat(self.worker.id):
                return False
        except KeelwayError as error:
            _log.warning("worker %s cannot be heard: %s", self.worker.id, error)
        else:
            self._until = begun + self.lease_seconds
        return True

    def _watch(self, tend: Callable[[tuple[str, ...]], None]) -> None:
        while not self._stop.is_set() and not self._over:
            try:
                gone = tuple(seen.worker.id for seen in self.roster.workers() if self._gone(seen))
                self.check()
                dead = self.roster.claim_dead(self.worker.id, self.lease_seconds, gone)
                for name in dead:
                    _log.warning("worker %s takes over from %s", self.worker.id, name)
                tend(dead)
            except EngineStopped:
                return
            except Exception as error:  # noqa: BLE001 - whatever it was, the dead are looked after again
                _log.warning("worker %s cannot look after the others: %s", self.worker.id, error)
            self._nudged.wait(self.beat_seconds)
            self._nudged.clear()

    def _gone(self, seen: Presence) -> bool:
        """Say whether a worker on this machine has ended without a word."""
        other = seen.worker
        if seen.dead_at is not None or not other.machine or other.machine != self.worker.machine:
            return False
        try:
            process = psutil.Process(other.pid)
            began = process.create_time()
            ended = process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False
        return ended or abs(began - other.begun_epoch) > SAME_PROCESS_SECONDS


def _fresh_id(host: str) -> str:
    return f"{host}-{os.getpid()}-{secrets.token_hex(4)}"


def _machine() -> str:
    """Return a mark of this boot of this machine and of the name space of its processes, empty when unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
    return hashlib.sha256(f"{platform.node()} {boot} {space}".encode()).hexdigest()[:16]
