"""Run the proxy: a thread with a loop of its own, a socket for each run, and an end for all of them."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import h11

from keelway.clients.egress.client import Whose, find, serve, token_of, too_many, turn_away
from keelway.clients.egress.permit import Permit
from keelway.clients.egress.reach import Resolve, Streams, SystemResolver
from keelway.clients.egress.values import EgressGrant, EgressLimits, EgressPass, EgressTotals
from keelway.clients.files import remove_tree
from keelway.clients.listening import loopback_port, sweep, unix_socket
from keelway.core.errors import OurFault

T = TypeVar("T")
_ORDER_SECONDS = 15.0
_SOCKET_NAME = "egress.sock"
_BACKLOG = 128
_TURNED_AWAY_MAX = 64
"""How many may be told at a time that there are too many; beyond that the line is cut without a word."""
_REMEMBERED_MAX = 256
_SETTLE_SECONDS = 0.05


@dataclass
class _Open:
    """Hold what belongs to one open pass."""

    permit: Permit
    server: asyncio.Server
    path: Path
    loopback: bool


class Egress:
    """Let runs of agents reach the hosts they were granted; nothing starts before the first grant.

    ``uid`` is who may connect beside us where we are root: the user that a cage drops to. Closing a pass ends
    its connections. All methods may be called from any thread.
    """

    def __init__(
        self,
        folder: Path,
        *,
        uid: int = -1,
        limits: EgressLimits | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._folder, self._uid, self._limits = folder, uid, limits or EgressLimits()
        self._system = SystemResolver()
        self._resolve: Resolve = resolve or self._system
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._open: dict[str, _Open] = {}
        self._closed: dict[str, EgressTotals] = {}
        self._loopback: asyncio.Server | None = None
        self._strangers: set[asyncio.Task[None]] = set()
        self._turned_away: set[asyncio.Task[None]] = set()

    def open(self, grant: EgressGrant) -> EgressPass:
        """Open a way to the granted hosts.

        Raises:
            YourFault: an entry of the grant is unreadable, or the folder's path is too long.
            TheirFault: the record cannot be written.
        """
        permit = Permit(grant, self._limits, secrets.token_urlsafe(24))
        try:
            return self._order(self._opened(permit, loopback=grant.loopback))
        except BaseException:
            permit.close()
            raise

    def look(self, opened: EgressPass) -> EgressTotals:
        """Return what a run has reached so far, or had reached when its pass was closed."""
        known = self._open.get(opened.socket)
        return known.permit.totals if known else self._closed.get(opened.socket, EgressTotals())

    def close(self, opened: EgressPass) -> EgressTotals:
        """Void a pass, end its connections and return what it reached; closing again changes nothing."""
        if opened.socket in self._open:
            self._order(self._close(opened.socket))
        return self._closed.get(opened.socket, EgressTotals())

    def stop(self) -> None:
        """Void every pass and end the thread; the proxy cannot be used again."""
        with self._lock:
            self._stopped = True
            loop, thread, self._loop = self._loop, self._thread, None
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(self._end(), loop).result(_ORDER_SECONDS)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_ORDER_SECONDS)
        self._system.close()

    def _order(self, work: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self._stopped:
                work.close()
                raise OurFault("egress_stopped", "The egress proxy has been stopped and was asked for more.")
            if self._loop is None:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                sweep(self._folder, _SOCKET_NAME)
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="egress", daemon=True)
                self._thread.start()
            loop = self._loop
        return asyncio.run_coroutine_threadsafe(work, loop).result(_ORDER_SECONDS)

    async def _opened(self, permit: Permit, *, loopback: bool) -> EgressPass:
        door, path = unix_socket(self._folder, _SOCKET_NAME, self._uid)

        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._greet(
                (reader, writer), permit.connections, self._limits.connections_max, lambda _: permit
            )

        server = await asyncio.start_unix_server(greet, sock=door, backlog=_BACKLOG)
        self._open[str(path)] = _Open(permit, server, path, loopback)
        if not loopback:
            return EgressPass(str(path))
        if self._loopback is None:
            self._loopback = await asyncio.start_server(
                self._stranger, sock=loopback_port(), backlog=_BACKLOG
            )
        port = self._loopback.sockets[0].getsockname()[1]
        return EgressPass(str(path), f"http://127.0.0.1:{port}", permit.token)

    async def _stranger(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine: list[Permit] = []

        def whose(head: h11.Request) -> Permit | None:
            permit = find(token_of(head), (known.permit for known in self._open.values() if known.loopback))
            if permit is not None:
                if len(permit.connections) >= self._limits.connections_max:
                    raise too_many()
                permit.connections.add(current())
                mine.append(permit)
            return permit

        try:
            limit = self._limits.loopback_connections_max
            await self._greet((reader, writer), self._strangers, limit, whose)
        finally:
            for permit in mine:
                permit.connections.discard(current())

    async def _greet(
        self, near: Streams, connections: set[asyncio.Task[None]], connections_max: int, whose: Whose
    ) -> None:
        full = len(connections) >= connections_max
        if full and len(self._turned_away) >= _TURNED_AWAY_MAX:
            return near[1].transport.abort()
        tasks = self._turned_away if full else connections
        tasks.add(current())
        try:
            if full:
                await turn_away(near, self._limits)
            else:
                await serve(near, whose, self._resolve, self._limits)
        except asyncio.CancelledError:
            near[
                1
            ].transport.abort()  # and no more: asyncio would report the end of a task that nobody awaits
        finally:
            tasks.discard(current())
        return None

    async def _close(self, name: str) -> None:
        known = self._open.pop(name, None)
        if known is None:
            return
        known.server.close()
        await _cancel(known.permit.connections)
        known.permit.close()
        self._closed[name] = known.permit.totals
        while len(self._closed) > _REMEMBERED_MAX:
            self._closed.pop(next(iter(self._closed)))
        remove_tree(known.path.parent, self._folder)

    async def _end(self) -> None:
        for name in list(self._open):
            await self._close(name)
        if self._loopback is not None:
            self._loopback.close()
        await _cancel(self._strangers | self._turned_away)
        await asyncio.sleep(_SETTLE_SECONDS)


def current() -> asyncio.Task[None]:
    """Return the task that serves this connection."""
    task = asyncio.current_task()
    if task is None:
        raise OurFault("egress_no_task", "A connection is served outside of a task.")
    return task


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    going = list(tasks)
    for task in going:
        task.cancel()
    await asyncio.gather(*going, return_exceptions=True)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
