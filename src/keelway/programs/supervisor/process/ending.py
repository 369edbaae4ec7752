"""End a process with everything it started: ask, wait, then kill, until nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable

from keelway.programs.supervisor.process.table import Identity, alive, family, marks, present, scan
from keelway.programs.supervisor.spec import MARKER_NAME

STEP_SECONDS = 0.02
KILL_ROUNDS_MAX = 100
KILL_ROUND_SECONDS = 0.1


class StillAlive(Exception):
    """Report processes that live on after repeated SIGKILL, which the kernel allows only in uninterruptible waits."""

    def __init__(self, survivors: Iterable[Identity]) -> None:
        self.pids = sorted(one.pid for one in survivors)
        super().__init__(f"still alive after SIGKILL: {', '.join(map(str, self.pids[:10]))}")


class Ending:
    """Carry one ending out; keeps every relative ever seen, because orphans lose their descent."""

    def __init__(
        self,
        leader: Identity | None,
        mark: str,
        deadline_at: Callable[[], float],
        others: frozenset[Identity] = frozenset(),
    ) -> None:
        self._leader = leader
        self._mark = mark
        self._deadline_at = deadline_at
        self._seen = others

    async def run(self) -> bool:
        """Ask the group to end, then what is left of the family, then kill; say whether a kill was needed.

        The deadline is read from the loop's clock again and again, so that it may be moved nearer.

        Raises:
            StillAlive: something survived the last round of SIGKILL.
        """
        first = await self._relatives()
        if self._leader is not None and alive(self._leader):
            self._send_group(signal.SIGTERM)
            await self._gone(self._in_group(first))
        asked: set[Identity] = set()
        while (rest := await self._relatives()) and self._seconds_left() > 0:
            for one in rest - asked:
                send(one, signal.SIGTERM)
            asked |= rest
            await self._gone(rest)
        return await self._kill() if rest else False

    async def _kill(self) -> bool:
        for _ in range(KILL_ROUNDS_MAX):
            self._send_group(signal.SIGKILL)
            rest = await self._relatives()
            if not rest:
                return True
            for one in rest:
                send(one, signal.SIGKILL)
            await self._gone(rest, seconds_max=KILL_ROUND_SECONDS)
        raise StillAlive(await self._relatives())

    async def _relatives(self) -> set[Identity]:
        return await asyncio.to_thread(self._look)

    def _look(self) -> set[Identity]:
        table = scan()
        table.pop(os.getpid(), None)  # an app may have started us: neither we nor what we keep is its family
        marked = marks(table, MARKER_NAME).get(self._mark, [])
        found = family(table, self._leader, self._seen | {entry.identity for entry in marked})
        self._seen |= found
        return found

    def _in_group(self, members: set[Identity]) -> set[Identity]:
        leader_pid = self._leader.pid if self._leader else 0
        return {one for one in members if group_of(one.pid) == leader_pid}

    def _send_group(self, number: signal.Signals) -> None:
        # The number cannot have passed to another group: the leader was seen holding it one call ago.
        if self._leader is not None and present(self._leader):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._leader.pid, number)

    async def _gone(self, members: set[Identity], seconds_max: float | None = None) -> None:
        clock = asyncio.get_running_loop().time
        limit_at = None if seconds_max is None else clock() + seconds_max
        while any(alive(one) for one in members):
            if (self._seconds_left() <= 0) if limit_at is None else (clock() >= limit_at):
                return
            await asyncio.sleep(STEP_SECONDS)

    def _seconds_left(self) -> float:
        return self._deadline_at() - asyncio.get_running_loop().time()


def group_of(pid: int) -> int:
    """Give the process group, or -1 when the process is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def send(identity: Identity, number: signal.Signals) -> bool:
    """Signal this very process and never one that took its number over; say whether it was sent."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    except OSError:
        return _send_by_number(identity, number)
    try:
        if not alive(identity):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(descriptor)
    return True


def _send_by_number(identity: Identity, number: signal.Signals) -> bool:
    if not alive(identity):
        return False
    try:
        os.kill(identity.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
