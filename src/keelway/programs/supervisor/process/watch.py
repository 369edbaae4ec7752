"""Wait for the end of a process that may not be our child."""

from __future__ import annotations

import asyncio
import os

from keelway.programs.supervisor.process.table import Identity, alive

POLL_SECONDS = 0.2


async def until_ended(identity: Identity, *, poll_only: bool = False) -> None:
    """Return once this very process has ended, whether or not anybody has reaped it.

    A process file descriptor tells at once; where the kernel or a sandbox refuses one, the table is polled.
    """
    descriptor = -1 if poll_only else _descriptor(identity.pid)
    if descriptor < 0:
        while alive(identity):  # noqa: ASYNC110 - nothing tells us, so we have to look
            await asyncio.sleep(POLL_SECONDS)
        return
    try:
        if alive(identity):  # else the descriptor may belong to a process that took the number over
            await _readable(descriptor)
    finally:
        os.close(descriptor)


def _descriptor(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
