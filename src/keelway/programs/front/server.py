"""Run the front: take the port back after a restart, tick, save, and leave without cutting anyone off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import resource
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from keelway.programs.front.control import Control, StaleEpoch, StillRouted, Stopping
from keelway.programs.front.edge import EdgeServer, Limits
from keelway.programs.front.proxy import Proxy
from keelway.programs.front.record.counters import Counters
from keelway.programs.front.record.history import History
from keelway.programs.front.record.memory import Memory
from keelway.programs.front.table import Chooser, Routes, told
from keelway.programs.front.upstream import Upstreams

log = logging.getLogger("keelway.front")

_BACKLOG = 1024
_GRACE_SECONDS = 3.0
_TAKEOVER_SECONDS = 10.0
_CUT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Options:
    """Say where a front listens, where it keeps its memory and how patient it is."""

    host: str
    port: int
    control: Path
    state: Path
    tick_seconds: float = 1.0
    history_seconds: float = 90_000.0
    drain_seconds: float = 30.0
    limits: Limits = field(default_factory=Limits)


class Front:
    """Be one reverse proxy with its control socket and its memory."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.memory = Memory(options.state, options.tick_seconds, options.history_seconds)
        self.upstreams = Upstreams(options.limits)
        self.chooser = Chooser(Routes())
        self.proxy = Proxy(options.limits, self.counters, self.upstreams, lambda: self.chooser)
        self.server = EdgeServer(self.proxy.answer, options.limits, self._count_unreadable)
        self.control = Control(self, options.control)
        self.started_at = 0.0
        self.listening = ""
        self._routing = asyncio.Lock()
        self._stop = asyncio.Event()
        self._drain_seconds = options.drain_seconds
        self._tick_began = 0.0

    @property
    def counters(self) -> Counters:
        """Give the totals."""
        return self.memory.counters

    @property
    def history(self) -> History:
        """Give the ticks."""
        return self.memory.history

    @property
    def inflight_total(self) -> int:
        """Give the number of requests that have not ended."""
        return self.upstreams.total

    @staticmethod
    def now() -> float:
        """Give the time in epoch seconds."""
        return time.time()

    async def look(self) -> None:
        """Do nothing: what `state` tells is in this process."""

    def state(self) -> dict[str, Any]:
        """Describe the front as `GET /state` shows it."""
        urls = dict(reversed(self.upstreams.known))  # of several addresses the first one is told
        inflight = {release: self.upstreams.inflight(release) for release in urls}
        return {
            "version": 1,
            "pid": os.getpid(),
            "listen": self.listening,
            "started_at": round(self.started_at, 3),
            "restarts": self.memory.restarts,
            **told(self.chooser.routes, inflight, urls),
            "tick_seconds": self.options.tick_seconds,
            "stopping": self._stop.is_set(),
            "state_error": self.memory.error,
        }

    async def route(self, routes: Routes) -> None:
        """Replace the routing table: first on disk, then for the next request.

        Raises:
            StaleEpoch: when a newer owner has written already.
            Stopping: when this front is on its way out.
            OSError: when the table could not be written; nothing has changed then.
        """
        async with self._routing:
            if self._stop.is_set():
                raise Stopping("this front is stopping; give the routes to its successor")
            current = self.chooser.routes
            if routes.epoch < current.epoch:
                raise StaleEpoch(routes.epoch, current.epoch)
            if routes == current:
                return
            await asyncio.to_thread(self.memory.save_routes, routes)
            self.chooser = Chooser(routes)
            log.info("routes of epoch %d: %s", routes.epoch, {b.release: b.weight for b in routes.backends})

    async def drain(self, release: str, seconds: float) -> int:
        """Wait for the last request of a release and give how many are left; its websockets end at the deadline.

        Raises:
            StillRouted: when the release takes new requests.
        """
        if release in self.chooser.open_releases():
            raise StillRouted(f"{release} takes new requests: give it weight 0 by PUT /routes, then drain it")
        idle = await self.upstreams.wait_until(lambda: self.upstreams.inflight(release) == 0, seconds)
        if not idle:
            self.upstreams.close_websockets(release)
            await self.upstreams.wait_until(lambda: self.upstreams.websockets(release) == 0, _GRACE_SECONDS)
        return self.upstreams.inflight(release)

    def stop(self, drain_seconds: float | None = None) -> None:
        """Begin to stop; `run` ends once the last request is answered or the time is over."""
        if drain_seconds is not None and not self._stop.is_set():
            self._drain_seconds = drain_seconds
        self._stop.set()

    async def run(self) -> None:
        """Serve until told to stop; raises OSError when the port, the socket or the state cannot be had."""
        await self._own_state()
        raise_file_limit()
        opened = _listen(self.options.host, self.options.port)
        self.chooser = Chooser(self.memory.load())
        self.proxy.counters = self.counters
        runner = web.ServerRunner(self.server, shutdown_timeout=_CUT_SECONDS)
        await runner.setup()
        host, port = opened.getsockname()[:2]
        self.listening = f"{host}:{port}"
        self.started_at = self._tick_began = self.now()
        await self.control.start()
        site = web.SockSite(runner, opened, backlog=_BACKLOG)
        await site.start()
        log.info(
            "listening on %s, restart %d, epoch %d",
            self.listening,
            self.memory.restarts,
            self.chooser.routes.epoch,
        )
        ticking = asyncio.create_task(self._tick_forever())
        try:
            await self._stop.wait()
        finally:
            await self._leave(runner, site, ticking)

    async def _own_state(self) -> None:
        """Wait for a predecessor that is about to leave; raises OSError when it stays."""
        self.options.state.parent.mkdir(parents=True, exist_ok=True)
        mine = await self.upstreams.wait_until(self.memory.lock.take, _TAKEOVER_SECONDS)
        if not mine:
            raise OSError(f"another front owns {self.options.state}: stop it, or choose another --state")

    async def _leave(self, runner: web.ServerRunner, site: web.SockSite, ticking: asyncio.Task[None]) -> None:
        """Stop accepting, let a successor in, wait for what is in flight, save, close."""
        log.info("stopping: %d in flight, up to %.0f s to finish", self.upstreams.total, self._drain_seconds)
        self._stop.set()
        self.proxy.stopping = True
        await site.stop()
        self.server.leave()
        await asyncio.gather(ticking, return_exceptions=True)
        await self._save_last()
        self.memory.lock.free()
        plain = self.upstreams
        await plain.wait_until(lambda: plain.total <= plain.websockets(), self._drain_seconds)
        plain.close_websockets()
        await plain.wait_until(lambda: plain.websockets() == 0, _GRACE_SECONDS)
        await runner.cleanup()
        await self.upstreams.close()
        if self.memory.lock.take():
            await self._save_last()
            self.memory.lock.free()
        await self.control.stop()
        log.info("stopped")

    async def _save_last(self) -> None:
        """Write down the tick that was running and the totals."""
        self._end_tick(self.now())
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self.memory.prepare_save(durable=True))

    async def _tick_forever(self) -> None:
        """End a tick at every multiple of the tick length, and save."""
        length = self.options.tick_seconds
        while True:
            began = self.now()
            end = (math.floor(began / length) + 1) * length
            if await self._stops_within(max(0.0, end - began)):
                return
            try:
                await self._tick(max(end, math.floor(self.now() / length) * length))
            except Exception:
                log.exception("a tick failed; traffic goes on and the next tick tries again")

    async def _tick(self, at: float) -> None:
        """Close one tick, let go of releases that are gone, save."""
        self._end_tick(at)
        await self.upstreams.prune(self.chooser.routes.backends)
        await asyncio.to_thread(self.memory.prepare_save(durable=False))

    async def _stops_within(self, seconds: float) -> bool:
        """Wait so long, or shorter when told to stop; tell which."""
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return False
        return True

    def _end_tick(self, at: float) -> None:
        """Close the running tick; when the clock went back, it just goes on until time has caught up."""
        if at <= max(self._tick_began, self.history.last_at):
            return
        self.memory.end_tick(self._tick_began, at, self.chooser.open_releases())
        self._tick_began = at

    def _count_unreadable(self) -> None:
        """Count a request that was not HTTP."""
        self.counters.rejected += 1


def _listen(host: str, port: int) -> socket.socket:
    """Take the port, at once also after a restart; clients wait in its queue until the memory is read."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(_BACKLOG)
    except OSError as error:
        opened.close()
        raise OSError(
            error.errno,
            f"cannot listen on {host}:{port} ({error.strerror}): free it or choose another --listen",
        ) from error
    return opened


def raise_file_limit() -> None:
    """Allow as many open connections as the machine's hard limit does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
