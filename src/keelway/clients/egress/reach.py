"""Find the addresses behind a name and connect to one that was judged."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from keelway.clients.egress.permit import Permit, Refused, Request
from keelway.core.rule.egress import plain_host

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Return the addresses behind a host; an address is its own.

Raises:
    OSError: there are none.
"""
RESOLVERS_MAX = 8
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class SystemResolver:
    """Ask the machine's resolver, in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVERS_MAX, thread_name_prefix="egress-resolve")

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the addresses behind a host, in the order in which they are to be tried."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _ask, host, port)
        return list(dict.fromkeys(str(place[4][0]) for place in found))

    def close(self) -> None:
        """Ask no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def reach(permit: Permit, request: Request, resolve: Resolve) -> Streams:
    """Connect to what a request asks for, if it may be reached.

    Raises:
        Refused: it may not, or it cannot.
    """
    permit.ask(request)
    limits = permit.limits
    try:
        async with asyncio.timeout(limits.resolve_seconds):
            found = await resolve(plain_host(request.host), request.port)
    except (OSError, UnicodeError, TimeoutError):
        raise permit.failed(request, "the name could not be resolved") from None
    addresses = permit.choose(request, found)
    try:
        async with asyncio.timeout(limits.connect_seconds):
            streams = await _connect(request, addresses)
    except (OSError, TimeoutError):
        raise permit.failed(request, "the host could not be reached") from None
    try:
        permit.allow(request)
    except Refused:
        streams[1].close()
        raise
    return streams


async def _connect(request: Request, addresses: list[str]) -> Streams:
    """Connect to the first address that answers: to the very one that was judged, not to the name again."""
    problem: OSError = ConnectionRefusedError("no address")
    for address in addresses:
        request.address = address
        try:
            return await asyncio.open_connection(address, request.port)
        except OSError as error:
            problem = error
    raise problem


def _ask(
    host: str, port: int
) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
