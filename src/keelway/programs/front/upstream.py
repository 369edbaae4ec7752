"""Hold the connections to each release: a pool, a way past it, and what is in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import ClientConnectorError, ClientOSError, ServerDisconnectedError, hdrs

from keelway.programs.front.edge import Limits
from keelway.programs.front.table import Backend

_POOL_IDLE_SECONDS = 1.5
"""Idle connections go before the shortest keep-alive of common servers (2 s), so that few are found stale."""

_POOL_CONNECTIONS_MAX = 2000
_RESPONSE_HEADER_BYTES_MAX = 64 * 1024
_POLL_SECONDS = 0.01
_AUTOMATIC = (hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE)


class UpstreamLost(Exception):
    """Say that a connection ended before the first byte of an answer."""


async def _without_retry(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a request by itself: the proxy alone knows what may be repeated."""
    try:
        return await send(request)
    except ClientConnectorError:
        raise
    except (ClientOSError, ServerDisconnectedError) as error:
        raise UpstreamLost(str(error)) from error


@dataclass(eq=False, slots=True)
class Upstream:
    """Reach one release at one address."""

    backend: Backend
    limits: Limits
    inflight: int = 0
    closers: set[Callable[[], None]] = field(default_factory=set)
    _pooled: aiohttp.ClientSession | None = None
    _fresh: aiohttp.ClientSession | None = None

    def session(self, *, fresh: bool) -> aiohttp.ClientSession:
        """Give the pooled session, or one that opens a new connection for every request."""
        if fresh:
            self._fresh = self._fresh or self._open(
                aiohttp.TCPConnector(force_close=True, limit=_POOL_CONNECTIONS_MAX)
            )
            return self._fresh
        self._pooled = self._pooled or self._open(
            aiohttp.TCPConnector(keepalive_timeout=_POOL_IDLE_SECONDS, limit=_POOL_CONNECTIONS_MAX)
        )
        return self._pooled

    def _open(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        """Make a session that adds nothing of its own to a request and changes nothing in a response."""
        limits = self.limits
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_AUTOMATIC,
            trust_env=False,
            max_line_size=_RESPONSE_HEADER_BYTES_MAX,
            max_field_size=_RESPONSE_HEADER_BYTES_MAX,
            middlewares=(_without_retry,),
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=limits.connect_timeout_seconds,
                sock_connect=limits.connect_timeout_seconds,
                sock_read=limits.request_timeout_seconds,
            ),
        )

    async def close(self) -> None:
        """Close every connection."""
        for session in (self._pooled, self._fresh):
            if session is not None:
                await session.close()
        self._pooled = self._fresh = None


@dataclass(slots=True)
class Upstreams:
    """Know every release that is reachable or still has requests in flight."""

    limits: Limits
    known: dict[tuple[str, str], Upstream] = field(default_factory=dict)
    total: int = 0

    @contextmanager
    def borrow(self, backend: Backend) -> Iterator[Upstream]:
        """Count one request in flight for as long as the block runs."""
        key = (backend.release, backend.url)
        upstream = self.known.get(key)
        if upstream is None:
            upstream = self.known[key] = Upstream(backend, self.limits)
        upstream.inflight += 1
        self.total += 1
        try:
            yield upstream
        finally:
            upstream.inflight -= 1
            self.total -= 1

    def inflight(self, release: str) -> int:
        """Count the requests in flight on a release, at any address it had."""
        return sum(u.inflight for (name, _), u in self.known.items() if name == release)

    def websockets(self, release: str | None = None) -> int:
        """Count the open websockets of a release, or of all."""
        return sum(len(u.closers) for (name, _), u in self.known.items() if release in {None, name})

    def close_websockets(self, release: str | None = None) -> None:
        """Ask the open websockets of a release, or of all, to end with 1001 (going away)."""
        for (name, _), upstream in self.known.items():
            if release is None or name == release:
                for closer in list(upstream.closers):
                    closer()

    async def wait_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is true, at most so long; tell whether it became true."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not done():
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return True

    async def prune(self, routed: Iterable[Backend]) -> None:
        """Close the connections to addresses that left the table and have nothing in flight."""
        keep = {(backend.release, backend.url) for backend in routed}
        for key, upstream in list(self.known.items()):
            if key not in keep and upstream.inflight == 0:
                del self.known[key]
                await upstream.close()

    async def close(self) -> None:
        """Close every connection to every release."""
        for upstream in list(self.known.values()):
            await upstream.close()
        self.known.clear()
