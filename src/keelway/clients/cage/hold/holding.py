"""Hold the runs of a cage to their bounds: begin, look, end."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from keelway.clients.cage.cage import Inside
from keelway.clients.cage.hold import cgroup, crowd
from keelway.clients.cage.hold.disk import Measured, measure, passed
from keelway.clients.cage.start import mark_of

_REST_FACTOR = 9
"""Looking takes at most a tenth of the time."""


@dataclass
class _Held:
    """Remember what a run has been given."""

    group: cgroup.Group
    before: Measured
    hit: str = ""
    next_look_at: float = 0.0
    """When the folders are measured again: a large tree is looked at less often."""


class Holding:
    """Bound memory, processes and disk of runs, each known by its home."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    @cached_property
    def place(self) -> cgroup.Place:
        """Return where groups can be made; what workers that died have left there is removed."""
        place = cgroup.find_place()
        cgroup.sweep(place)
        return place

    def begin(self, inside: Inside) -> list[str]:
        """Measure what is there and return the files in which the run's first process writes itself.

        Raises:
            OSError: the kernel refuses a group.
        """
        self.end(inside)
        group = cgroup.make(self.place, sha256(inside.home.encode()).hexdigest()[:16], inside.bounds)
        with self._lock:
            self._held[inside.home] = _Held(group, measure(folders(inside)))
        return group.procs

    def over(self, inside: Inside) -> str:
        """Return the bound that a live run has passed: ``memory``, ``disk`` or an empty text."""
        held = self._held.get(inside.home)
        if held is None:
            return ""
        if not held.hit and held.group.memory_hit():
            held.hit = "memory"
        began = time.monotonic()
        if not held.hit and began >= held.next_look_at:
            held.hit = self._passed(inside, held)
            ended = time.monotonic()
            held.next_look_at = ended + _REST_FACTOR * (ended - began)
        return held.hit

    def end(self, inside: Inside) -> str:
        """End what the kernel still counts to a run and return the bound that was hit."""
        with self._lock:
            held = self._held.pop(inside.home, None)
        if held is None:
            return ""
        hit = held.hit or self._passed(inside, held)
        held.group.remove()
        return hit

    def _passed(self, inside: Inside, held: _Held) -> str:
        if held.group.memory_hit():
            return "memory"
        if self.place.kind == cgroup.NONE and crowd.passed(mark_of(inside), inside.bounds.memory_bytes):
            return "memory"
        with contextlib.suppress(OSError):
            if passed(held.before, measure(folders(inside)), inside.bounds.disk_bytes_max):
                return "disk"
        return ""


def folders(inside: Inside) -> tuple[str, ...]:
    """Return the folders that a run may fill."""
    return tuple(filter(None, (inside.workspace, inside.home)))
