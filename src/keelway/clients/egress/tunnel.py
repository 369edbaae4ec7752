"""Carry bytes both ways between a run and a host, and hold the run to the host it named."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from keelway.clients.egress.hello import HELLO_BYTES_MAX, Hello, server_name
from keelway.clients.egress.peer import CHUNK_BYTES
from keelway.clients.egress.permit import Ended, Permit, Request
from keelway.clients.egress.reach import Streams
from keelway.core.rule.egress import plain_host

TLS_PORT = 443
_TLS_BEGINS = b"\x16\x03"
_TLS_ALERT = bytes((21, 3, 3, 0, 2, 2, 112))
"""A fatal ``unrecognized_name``, which every TLS client can tell from a broken line."""


@dataclass
class Pulse:
    """Remember when the last byte passed."""

    at: float


async def carry(near: Streams, far: Streams, early: bytes, permit: Permit, request: Request) -> str:
    """Carry bytes until both sides are done or a bound is met; return how it ended."""
    loop = asyncio.get_running_loop()
    began, pulse = loop.time(), Pulse(loop.time())
    tasks = {
        asyncio.create_task(_up(near, far, early, permit, request, pulse)),
        asyncio.create_task(_down(near, far, permit, request, pulse)),
    }
    try:
        while True:
            now = loop.time()
            idle, life = pulse.at + permit.limits.idle_seconds, began + permit.limits.life_seconds
            if now >= min(idle, life):
                return "silent for too long" if idle <= life else "open for too long"
            _, pending = await asyncio.wait(
                tasks, timeout=min(idle, life) - now, return_when=asyncio.FIRST_COMPLETED
            )
            for task in tasks - pending:
                task.result()
            tasks = pending
            if not tasks:
                return "closed"
    except Ended as ended:
        return str(ended)
    except OSError:
        return "lost"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _up(
    near: Streams, far: Streams, early: bytes, permit: Permit, request: Request, pulse: Pulse
) -> None:
    data = early
    if permit.limits.tls_names:
        data = await _greeting(near, early, request, pulse)
    while True:
        if data:
            permit.up(request, len(data))
            await _pass(far[1], data, pulse)
        data = await near[0].read(CHUNK_BYTES)
        if not data:
            break
    _shut(far[1])


async def _down(near: Streams, far: Streams, permit: Permit, request: Request, pulse: Pulse) -> None:
    while data := await far[0].read(CHUNK_BYTES):
        permit.down(request, len(data))
        await _pass(near[1], data, pulse)
    _shut(near[1])


async def _greeting(near: Streams, early: bytes, request: Request, pulse: Pulse) -> bytes:
    """Wait for the run's first bytes and return them, if they ask for the host that was let pass.

    Raises:
        Ended: they ask for another, or are no TLS where TLS belongs.
    """
    data = early
    found = server_name(data)
    while found is Hello.PARTIAL and len(data) < HELLO_BYTES_MAX:
        more = await near[0].read(CHUNK_BYTES)
        if not more:
            return data
        pulse.at = asyncio.get_running_loop().time()
        data += more
        found = server_name(data)
    if isinstance(found, Hello):
        if request.port == TLS_PORT or data.startswith(_TLS_BEGINS):
            raise Ended("the first bytes are not how TLS begins")
        return data
    if found and plain_host(found) != plain_host(request.host):
        near[1].write(_TLS_ALERT)
        raise Ended(f"TLS asked for another host: {found[:100]}")
    return data


async def _pass(writer: asyncio.StreamWriter, data: bytes, pulse: Pulse) -> None:
    writer.write(data)
    await writer.drain()
    pulse.at = asyncio.get_running_loop().time()


def _shut(writer: asyncio.StreamWriter) -> None:
    if writer.can_write_eof():
        writer.write_eof()
