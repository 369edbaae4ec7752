"""Be to a balancer what the front is to itself: take orders, remember them, tick, bring back what died."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from keelway.programs.balancer.child import Child
from keelway.programs.balancer.engine import Engine, Picture
from keelway.programs.balancer.meter import Meter
from keelway.programs.balancer.options import Options, until
from keelway.programs.front.control import Control, NotTaken, StaleEpoch, StillRouted, Stopping
from keelway.programs.front.record.counters import Counters
from keelway.programs.front.record.history import History
from keelway.programs.front.record.memory import Memory
from keelway.programs.front.table import Routes, told

log = logging.getLogger("keelway.balancer")

_UP_SECONDS = 15.0
_TAKEOVER_SECONDS = 10.0
_WATCH_SECONDS = 0.1
_POLL_SECONDS = 0.05
_END_SECONDS = 3.0


@dataclass(slots=True)
class Keeper:
    """Keep one balancer with its control socket and its memory."""

    options: Options
    engine: Engine
    child: Child
    memory: Memory = field(init=False)
    meter: Meter = field(init=False)
    control: Control = field(init=False)
    routes: Routes = field(default_factory=Routes)
    picture: Picture = field(default_factory=lambda: Picture(""))
    started_at: float = 0.0
    _began: float = 0.0
    _drain_seconds: float = 0.0
    _doubt: str = ""
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        options = self.options
        self.memory = Memory(options.state, options.tick_seconds, options.history_seconds)
        self.meter = Meter(options.state.with_name(f"{options.state.name}.meter"))
        self.control = Control(self, options.control)
        self._drain_seconds = options.drain_seconds

    @property
    def inflight_total(self) -> int:
        """Give the number of requests that have not ended, as last seen."""
        return sum(self.picture.inflight.values())

    @property
    def counters(self) -> Counters:
        """Give the totals."""
        return self.memory.counters

    @property
    def history(self) -> History:
        """Give the ticks."""
        return self.memory.history

    @staticmethod
    def now() -> float:
        """Give the time in epoch seconds."""
        return time.time()

    def state(self) -> dict[str, Any]:
        """Describe the balancer as the front describes itself."""
        about = {
            "version": 1,
            "kind": self.engine.kind,
            "pid": os.getpid(),
            "balancer_pid": self.child.pid,
            "listen": f"{self.options.host}:{self.options.port}",
            "started_at": round(self.started_at, 3),
            "restarts": self.memory.restarts,
            "tick_seconds": self.options.tick_seconds,
            "stopping": self._stop.is_set(),
            "state_error": "; ".join(one for one in (self.memory.error, self._doubt) if one) or None,
        }
        return {**about, **told(self.routes, self.picture.inflight, {})}

    async def look(self) -> None:
        """Bring what is in flight up to date."""
        async with self._busy:
            await self._look(fresh=True)

    async def route(self, routes: Routes) -> None:
        """Replace the routing table: prepared first, then on disk, then in the balancer, then read back.

        Raises:
            StaleEpoch: when a newer owner has written already.
            Stopping: when this keeper is on its way out.
            NotTaken: when the balancer did not take it; what held before holds still.
            OSError: when the table could not be written; nothing has changed then.
        """
        async with self._busy:
            if self._stop.is_set():
                raise Stopping("this keeper is stopping; give the routes to its successor")
            if routes.epoch < self.routes.epoch:
                raise StaleEpoch(routes.epoch, self.routes.epoch)
            if routes == self.routes:
                return
            await self._move(routes)
            log.info("routes of epoch %d: %s", routes.epoch, {b.release: b.weight for b in routes.backends})

    async def _move(self, routes: Routes) -> None:
        before = self.routes
        await self._look(fresh=True)
        if routes.backends != before.backends:
            await self.engine.route(before, routes, patient=True)
        try:
            await asyncio.to_thread(self.memory.save_routes, routes)
        except OSError:
            await self.engine.route(routes, before, patient=False)
            raise
        self.routes = routes
        await asyncio.to_thread(self.engine.configure, routes)

    async def drain(self, release: str, seconds: float) -> int:
        """Wait for the last request of a release and give how many are left.

        Raises:
            StillRouted: when the release takes new requests.
        """
        if any(one.release == release and one.weight for one in self.routes.backends):
            raise StillRouted(f"{release} takes new requests: give it weight 0 by PUT /routes, then drain it")
        deadline = time.monotonic() + seconds
        while True:
            await self.look()
            left = self.picture.inflight.get(release, 0)
            over = time.monotonic() > deadline
            if not left or over:
                break
            await asyncio.sleep(_POLL_SECONDS)
        if not left:
            async with self._busy:
                await self.engine.put_away(release)
        return left

    def stop(self, drain_seconds: float | None = None) -> None:
        """Begin to stop; `run` ends once the balancer has."""
        if drain_seconds is not None and not self._stop.is_set():
            self._drain_seconds = drain_seconds
        self._stop.set()

    async def run(self) -> None:
        """Keep the balancer until told to stop; raises OSError when something cannot be had."""
        await self._own_state()
        self.routes = self.memory.load()
        self.meter.load()
        self.started_at = self._began = self.now()
        await self._come_up()
        await self.control.start()
        log.info("%s on %s:%d", self.engine.kind, self.options.host, self.options.port)
        tasks = [asyncio.create_task(one) for one in (self._tick_forever(), self._watch_forever())]
        try:
            await self._stop.wait()
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._leave()

    async def _own_state(self) -> None:
        self.options.state.parent.mkdir(parents=True, exist_ok=True)
        if not await until(self.memory.lock.take, _TAKEOVER_SECONDS):
            raise OSError(f"another front owns {self.options.state}: stop it, or choose another --state")

    async def _come_up(self) -> None:
        """Adopt the balancer that still serves, or start one; raises OSError with its last words."""
        if self.child.adopt() and await self._answers(2.0):
            log.info("adopted %s, process %d", self.engine.kind, self.child.pid)
            await self.engine.route(self.routes, self.routes, patient=False)
            await self._look(fresh=False)
            return
        self.child.end(signal.SIGKILL)
        await asyncio.to_thread(self.engine.configure, self.routes)
        self.child.start(self.engine.argv(), self.options.control.parent)
        if not await self._answers(_UP_SECONDS):
            self.child.end(signal.SIGKILL)
            raise OSError(
                f"{self.engine.kind} does not come up: {self.child.last_words() or 'it said nothing'}"
            )
        await self._look(fresh=False)

    async def _answers(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.child.lives():
            if await self.engine.answers():
                return True
            await asyncio.sleep(_POLL_SECONDS)
        return False

    async def _look(self, *, fresh: bool) -> None:
        """Count what is new; a balancer that does not answer is said to be in doubt."""
        try:
            self.picture = await self.engine.look(self.routes)
        except OSError as error:
            self._doubt = f"{self.engine.kind} does not answer ({error})"
            return
        self._doubt = self.picture.wrong
        self.meter.count(self.picture, self.counters, fresh=fresh)

    async def _watch_forever(self) -> None:
        """Bring the balancer back when it has died."""
        while not await self._stops_within(_WATCH_SECONDS):
            if self.child.lives():
                continue
            async with self._busy:
                log.error("%s has died (%s) and is started again", self.engine.kind, self.child.last_words())
                try:
                    await self._come_up()
                except (OSError, NotTaken) as error:
                    self._doubt = str(error)
                    log.exception("the start failed")
                    await self._stops_within(1.0)

    async def _tick_forever(self) -> None:
        """End a tick at every multiple of the tick length, put right what the balancer forgot, and save."""
        length = self.options.tick_seconds
        while True:
            end = (math.floor(self.now() / length) + 1) * length
            if await self._stops_within(max(0.0, end - self.now())):
                return
            try:
                await self._tick(max(end, math.floor(self.now() / length) * length))
            except Exception:
                log.exception("a tick failed; traffic goes on and the next tick tries again")

    async def _tick(self, at: float) -> None:
        async with self._busy:
            late = at - self._began > 1.5 * self.options.tick_seconds
            await self._look(fresh=not late)
            if self.picture.wrong:
                log.warning("%s; the routes are given again", self.picture.wrong)
                await self.engine.route(self.routes, self.routes, patient=False)
            self._end_tick(at)
        await asyncio.to_thread(self._save(durable=False))

    def _end_tick(self, at: float) -> None:
        if at <= max(self._began, self.history.last_at):
            return
        active = [one.release for one in self.routes.backends if one.weight]
        self.memory.end_tick(self._began, at, active)
        self._began = at

    def _save(self, *, durable: bool) -> Callable[[], None]:
        write = self.memory.prepare_save(durable=durable)

        def save() -> None:
            write()
            self.meter.save()

        return save

    async def _leave(self) -> None:
        """Let the balancer finish what is in flight, then end it."""
        log.info("stopping: up to %.0f s to finish", self._drain_seconds)
        self.child.end(self.engine.soft_stop)
        if not await asyncio.to_thread(self.child.wait, self._drain_seconds):
            self.child.end(signal.SIGTERM)
            if not await asyncio.to_thread(self.child.wait, _END_SECONDS):
                self.child.end(signal.SIGKILL)
        self._end_tick(self.now())
        await asyncio.to_thread(self._save(durable=True))
        await self.control.stop()
        self.memory.lock.free()

    async def _stops_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return False
        return True
