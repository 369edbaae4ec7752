"""Drive Traefik by the file that it watches; what it has taken is read back before it counts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import psutil

from keelway.programs.balancer.engine import Picture
from keelway.programs.balancer.reach import place_of, reach
from keelway.programs.balancer.traefik.line import Line
from keelway.programs.balancer.traefik.paper import Paper, routes_text
from keelway.programs.front.control import NotTaken
from keelway.programs.front.record.disk import DamagedFile, read_json, write_atomic
from keelway.programs.front.table import Backend, Routes

_TAKEN_SECONDS = 10.0
_STEP_SECONDS = 0.02
_KNOWN_MAX = 16


@dataclass(slots=True)
class TraefikEngine:
    """Keep the releases that Traefik knows, and move the weights."""

    binary: str
    paper: Paper
    pid: Callable[[], int]
    """Process of Traefik, whose connections are looked at."""
    kind: str = "traefik"
    soft_stop: signal.Signals = signal.SIGTERM
    known: dict[str, Backend] = field(default_factory=dict)
    """Releases that had traffic, by name; those without a share keep what they have begun."""
    _line: Line = field(default_factory=Line)

    def __post_init__(self) -> None:
        with contextlib.suppress(DamagedFile):
            found = read_json(self.paper.folder / "traefik.known", dict) or {}
            self._line.port = int(found.get("port", 0))
            self.known = {
                release: Backend(release, str(url), 0) for release, url in found.get("known", {}).items()
            }

    def argv(self) -> list[str]:
        """Return the command that starts it, on an inner port that is free now."""
        self._line.port = _free_port()
        self._save()
        write_atomic(self.paper.file, self.paper.text(self._line.port).encode(), durable=False)
        return [self.binary, f"--configFile={self.paper.file}"]

    def configure(self, routes: Routes) -> None:
        """Write who takes traffic."""
        self._write(self._with(routes))

    async def answers(self) -> bool:
        """Tell whether it has taken its file."""
        try:
            await self._line.shares()
        except OSError:
            return False
        return True

    async def route(self, before: Routes, routes: Routes, *, patient: bool) -> None:
        """Wait for new releases, write the file, and read back until Traefik has it.

        Raises:
            NotTaken: a release does not answer, or Traefik did not take the file.
        """
        if patient:
            for backend in routes.backends:
                if backend.weight and backend not in before.backends:
                    await reach(backend)
        was = self.known
        self._write(self._with(routes))
        deadline = time.monotonic() + _TAKEN_SECONDS
        while wrong := await self._wrong(routes):
            if time.monotonic() > deadline:
                self._write(was)
                raise NotTaken(f"Traefik did not take the routes: {wrong}")
            await asyncio.sleep(_STEP_SECONDS)

    async def look(self, routes: Routes) -> Picture:
        """Read counts, what is in flight, and whether the routes hold; raises OSError."""
        readings, lost = await self._line.readings()
        wrong = await self._wrong(routes)
        inflight = await asyncio.to_thread(self._inflight)
        return Picture(f"{self.pid()}.{self._line.port}", readings, inflight, lost, wrong)

    async def put_away(self, release: str) -> None:
        """Forget a release without traffic."""
        if release in self.known and not self.known[release].weight:
            self._write({name: one for name, one in self.known.items() if name != release})

    async def _wrong(self, routes: Routes) -> str:
        wanted = {one.release: (one.url, one.weight) for one in routes.backends if one.weight}
        try:
            found = await self._line.shares()
        except OSError as error:
            return f"it does not answer ({error})"
        return "" if found == wanted else f"it has {found}, not {wanted}"

    def _with(self, routes: Routes) -> dict[str, Backend]:
        """Return what is known once these routes hold, the oldest without a share left out."""
        resting = {name: replace(one, weight=0) for name, one in self.known.items()}
        for one in routes.backends:
            resting.pop(one.release, None)
        kept = list(resting.items())[-max(0, _KNOWN_MAX - len(routes.backends)) :]
        return {**dict(kept), **{one.release: one for one in routes.backends}}

    def _write(self, known: dict[str, Backend]) -> None:
        self.known = known
        self._save()
        write_atomic(self.paper.routes, routes_text(known.values()).encode(), durable=False)

    def _save(self) -> None:
        plain = {"port": self._line.port, "known": {name: one.url for name, one in self.known.items()}}
        write_atomic(self.paper.folder / "traefik.known", json.dumps(plain).encode(), durable=False)

    def _inflight(self) -> dict[str, int]:
        """Count the open connections to each release; an idle one is closed within a second."""
        by_place: dict[object, str] = {place_of(one): name for name, one in self.known.items()}
        found = dict.fromkeys(self.known, 0)
        with contextlib.suppress(psutil.Error):
            for one in psutil.Process(self.pid()).net_connections("tcp"):
                name = by_place.get(tuple(one.raddr))
                if name is not None and one.status == psutil.CONN_ESTABLISHED:
                    found[name] += 1
        return found


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
