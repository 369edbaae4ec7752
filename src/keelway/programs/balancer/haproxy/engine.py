"""Drive HAProxy by its runtime interface: servers are filled, weighed and drained while it serves."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from keelway.core.traffic.route import release_of
from keelway.programs.balancer.engine import Picture, Reading
from keelway.programs.balancer.haproxy.line import Line, is_up, number, totals
from keelway.programs.balancer.haproxy.paper import BACKEND, SLOTS, Paper, Slot
from keelway.programs.balancer.reach import reach
from keelway.programs.front.control import NotTaken
from keelway.programs.front.record.disk import DamagedFile, read_json, write_atomic
from keelway.programs.front.table import Backend, Routes

_UP_SECONDS = 5.0
_STEP_SECONDS = 0.02
_Rows = Mapping[str, Mapping[str, str]]


@dataclass(slots=True)
class HaproxyEngine:
    """Keep which release stands behind which server, and move the weights."""

    binary: str
    paper: Paper
    kind: str = "haproxy"
    soft_stop: signal.Signals = signal.SIGUSR1
    slots: dict[str, Slot] = field(default_factory=dict)
    _line: Line = field(init=False)

    def __post_init__(self) -> None:
        self._line = Line(self.paper.socket)
        self._load()

    def argv(self) -> list[str]:
        """Return the command that starts it in the foreground."""
        return [self.binary, "-db", "-f", str(self.paper.file)]

    def configure(self, routes: Routes) -> None:
        """Write the configuration, the map of names, and which server stands for what."""
        self.slots = self._placed(routes, {})
        self._save()
        write_atomic(self.paper.file, self.paper.text(self.slots).encode(), durable=False)
        write_atomic(self.paper.names, self.paper.map_text(self.slots).encode(), durable=False)

    async def answers(self) -> bool:
        """Tell whether it takes orders."""
        try:
            return bool(await self._line.info())
        except OSError:
            return False

    async def route(self, before: Routes, routes: Routes, *, patient: bool) -> None:
        """Fill servers for new releases, wait for them, then move all weights in one go and read them back.

        Raises:
            NotTaken: a release does not answer, no server is free, or HAProxy has other weights afterwards.
        """
        if patient:
            for backend in routes.backends:
                if backend.weight and backend not in before.backends:
                    await reach(backend)
        rows = await self._rows()
        slots = self._placed(routes, {name: number(row, "scur") for name, row in rows.items()})
        fresh = [name for name, slot in slots.items() if not _same(self.slots.get(name), slot)]
        if not patient:
            # It may have begun anew on a file of its own: what has traffic is filled again.
            lost = [name for name, slot in slots.items() if slot.weight and not _serves(rows, name)]
            fresh = sorted({*(name for name in fresh if slots[name].weight), *lost})
        self.slots = {**self.slots, **{name: replace(slots[name], weight=0) for name in fresh}}
        self._save()
        await self._order(_filled(name, slots[name], self.paper.names) for name in fresh)
        if patient:
            await self._wait_up([name for name in fresh if slots[name].weight], slots, before)
        await self._order(_weighed(slots, rows))
        self.slots = slots
        self._save()
        wrong = _differs(slots, await self._rows(), strict=patient)
        if wrong:
            self.slots = self._placed(before, {})
            await self._order(_weighed(self.slots, rows))
            raise NotTaken(f"HAProxy did not take the routes: {wrong}")

    async def look(self, routes: Routes) -> Picture:
        """Read counts, what is in flight, and whether the weights hold; raises OSError."""
        del routes
        info, rows = await self._line.info(), await self._line.rows()
        readings = {
            name: Reading(slot.release, totals(rows[name]))
            for name, slot in self.slots.items()
            if name in rows
        }
        inflight: dict[str, int] = {}
        for name, slot in self.slots.items():
            if name in rows:
                inflight[slot.release] = inflight.get(slot.release, 0) + number(rows[name], "scur")
        whole = rows.get("BACKEND", {})
        by_releases = sum(one.numbers["s5xx"] + one.numbers["upstream_errors"] for one in readings.values())
        return Picture(
            boot=f"{info.get('Pid')}.{info.get('Start_time_sec') or info.get('Pid')}",
            readings=readings,
            inflight=inflight,
            no_backend=max(0, number(whole, "hrsp_5xx") - by_releases),
            wrong=_differs(self.slots, rows, strict=False),
        )

    async def put_away(self, release: str) -> None:
        """Stop asking a release that has no traffic whether it is there."""
        names = [name for name, slot in self.slots.items() if slot.release == release and not slot.weight]
        await self._order(f"set server {BACKEND}/{name} state maint" for name in names)

    async def _rows(self) -> _Rows:
        try:
            return await self._line.rows()
        except OSError as error:
            raise NotTaken(f"HAProxy does not answer: {error}") from error

    async def _order(self, commands: Iterable[str]) -> None:
        """Give commands; whatever it answers to one of these is a refusal, but for a notice about an address."""
        listed = list(commands)
        if not listed:
            return
        try:
            said = (await self._line.say(listed)).strip()
        except OSError as error:
            raise NotTaken(f"HAProxy does not answer: {error}") from error
        refused = [line for line in said.splitlines() if line.strip() and "changed from" not in line]
        refused = [line for line in refused if "no need to change" not in line]
        if refused:
            raise NotTaken(f"HAProxy refused: {'; '.join(refused)[:300]}")

    async def _wait_up(self, names: list[str], slots: Mapping[str, Slot], before: Routes) -> None:
        deadline = time.monotonic() + _UP_SECONDS
        while True:
            rows = await self._rows()
            down = [name for name in names if not is_up(rows.get(name, {}))]
            if not down:
                return
            if time.monotonic() > deadline:
                await self._order(f"set server {BACKEND}/{name} state maint" for name in down)
                self.slots = self._placed(before, {})
                lost = ", ".join(f"{slots[name].release} at {slots[name].url}" for name in down)
                raise NotTaken(f"{lost}: HAProxy gets no connection within {_UP_SECONDS:.0f} s")
            await asyncio.sleep(_STEP_SECONDS)

    def _placed(self, routes: Routes, busy: Mapping[str, int]) -> dict[str, Slot]:
        """Give every release of a table a server: the one that it has, else an idle one that nobody needs.

        Raises:
            NotTaken: all servers are taken.
        """
        placed = {name: replace(slot, weight=0) for name, slot in self.slots.items()}
        wanted: list[Backend] = []
        for backend in routes.backends:
            name = next((name for name, slot in placed.items() if _stands_for(slot, backend)), "")
            if name:
                placed[name] = replace(placed[name], weight=backend.weight)
            else:
                wanted.append(backend)
        for backend in wanted:
            free = [name for name in SLOTS if name not in placed]
            free += [name for name, slot in placed.items() if not slot.weight and not busy.get(name)]
            if not free:
                raise NotTaken(f"all {len(SLOTS)} servers of HAProxy are taken; retire a release first")
            placed.pop(free[0], None)
            placed[free[0]] = Slot(backend.release, backend.url, backend.weight)
        return placed

    def _load(self) -> None:
        try:
            found = read_json(self.paper.folder / "haproxy.slots", dict)
        except DamagedFile:
            return
        self.slots = {str(name): Slot(*entry) for name, entry in (found or {}).items()}

    def _save(self) -> None:
        plain = {name: [slot.release, slot.url, slot.weight] for name, slot in self.slots.items()}
        write_atomic(self.paper.folder / "haproxy.slots", json.dumps(plain).encode(), durable=False)


def _stands_for(slot: Slot, backend: Backend) -> bool:
    return (slot.release, slot.url) == (backend.release, backend.url)


def _same(one: Slot | None, other: Slot) -> bool:
    return one is not None and (one.release, one.url) == (other.release, other.url)


def _serves(rows: _Rows, name: str) -> bool:
    """Tell whether a server has been filled since HAProxy began."""
    return not str(rows.get(name, {}).get("addr", "")).endswith(":1")


def _filled(name: str, slot: Slot, names: Path) -> str:
    """Return what points a server without traffic to a release."""
    here, (host, port) = f"{BACKEND}/{name}", slot.address
    return (
        f"set map {names} {name} {release_of(slot.release)};"
        f"set server {here} state maint;set server {here} addr {host} port {port};"
        f"set server {here} weight 0;set server {here} state ready"
    )


def _weighed(slots: Mapping[str, Slot], rows: _Rows) -> list[str]:
    """Return what gives every server its weight, those that gain first; what rests goes on resting."""
    gaining = [
        command
        for name, slot in slots.items()
        if slot.weight
        for command in (
            f"set server {BACKEND}/{name} state ready",
            f"set server {BACKEND}/{name} weight {slot.weight}",
        )
    ]
    losing = [name for name, slot in slots.items() if not slot.weight]
    resting = {name for name in losing if str(rows.get(name, {}).get("status", "")).startswith("MAINT")}
    return gaining + [f"set server {BACKEND}/{name} state drain" for name in losing if name not in resting]


def _differs(slots: Mapping[str, Slot], rows: _Rows, *, strict: bool) -> str:
    """Say which server has other traffic than it should; ``strict`` also asks that it is up."""
    for name, slot in slots.items():
        row = rows.get(name, {})
        status, weight = str(row.get("status", "")), number(row, "weight")
        if slot.weight and (weight != slot.weight or status.startswith(("MAINT", "DRAIN"))):
            return f"{slot.release} has weight {weight} ({status}), not {slot.weight}"
        if slot.weight and strict and not is_up(row):
            return f"{slot.release} is {status}"
        if not slot.weight and weight and not status.startswith(("MAINT", "DRAIN")):
            return f"{slot.release} has weight {weight}, not 0"
    return ""
