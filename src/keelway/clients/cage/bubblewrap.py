"""Fence a run with bubblewrap: name spaces of its own for files, processes and network, and a user with no rights.

Bubblewrap never runs as root here. Where we are root, our launcher binds what the run may see below a folder that
everybody may enter and then becomes the user of the cage for good; see ``docs/explain/sandbox.md``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from keelway.clients.cage.cage import Bounds, CageFacts, Inside, Outside, Settings
from keelway.clients.cage.hold import cgroup
from keelway.clients.cage.hold.holding import Holding, folders
from keelway.clients.cage.hold.owner import lend, take_back
from keelway.clients.cage.start import launch
from keelway.clients.cage.view import Argument, Fence, arguments, own_places, relayed
from keelway.clients.shell import Command, run
from keelway.core.errors import YourFault

PROGRAM = "bwrap"
UID = 61_000
"""User of the cage where we are root and nothing else is configured: outside what systems give away."""
_SECONDS_MAX = 20.0
_NICE = 5
_HINT = "apt-get install bubblewrap"
_TRIAL = ("/bin/sh", "-c", "echo fenced; grep Seccomp: /proc/self/status")
_FENCED, _FILTERED = "fenced", "Seccomp:\t2"
_FORBIDDEN = (
    "users must be allowed to make name spaces: sysctl kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0 or a profile for bwrap"
)


@dataclass(frozen=True)
class _Tried:
    """State what the trial found out."""

    fault: str = ""
    proc_sys: bool = True
    filtered: bool = True


class Bubblewrap:
    """Start programs in name spaces of their own."""

    name = "bubblewrap"
    isolates_network = True

    def __init__(self, settings: Settings) -> None:
        self._uid = (settings.uid or UID) if os.geteuid() == 0 else 0
        self._read = settings.read
        self._holding = Holding()

    def facts(self) -> CageFacts:
        """Start a program in a cage and say how that went."""
        missing = (self._tried.fault,) if self._tried.fault else tuple(self._missing())
        works, limits = not self._tried.fault, self._holding.place.kind
        return CageFacts(
            self.name, works, self.isolates_network, trusted_only=False, missing=missing, limits=limits
        )

    def wrap(self, inside: Inside) -> Outside:
        """Lend the folders, make the group and say what to start.

        Raises:
            YourFault: bubblewrap does not work here, or a path cannot be shown.
            OSError: a folder cannot be lent, or the kernel refuses a group.
        """
        if self._tried.fault:
            raise YourFault("cage_broken", f"The sandbox does not work here: {self._tried.fault}.", _HINT)
        args = arguments(inside, self._fence(proc_sys=self._tried.proc_sys))
        self._holding.end(inside)
        for folder in folders(inside):
            lend(Path(folder), self._uid)
        if self._uid:
            for path in inside.relays.values():
                os.chown(path, self._uid, self._uid)
        return self._start(inside, args, self._holding.begin(inside))

    def over(self, inside: Inside) -> str:
        """Return the bound that a live run has passed."""
        return self._holding.over(inside)

    def release(self, inside: Inside) -> str:
        """End what is left, take the folders back and return the bound that was hit."""
        hit = self._holding.end(inside)
        for folder in folders(inside):
            if Path(folder).is_dir():
                take_back(Path(folder))
        return hit

    def _start(self, inside: Inside, args: list[Argument], groups: Sequence[str]) -> Outside:
        fence = {"program": self._program, "args": args, "uid": self._uid}
        return launch(inside, {"groups": groups, "nice": _NICE, "fence": fence}, relayed(inside))

    def _fence(self, *, proc_sys: bool) -> Fence:
        return Fence(self._uid or os.geteuid(), proc_sys, (*own_places(), *self._read))

    @cached_property
    def _program(self) -> str:
        return shutil.which(PROGRAM) or ""

    @cached_property
    def _tried(self) -> _Tried:
        """Start a program in a cage, with ``/proc/sys`` read-only if that can be done here."""
        if not self._program:
            return _Tried(f"there is no {PROGRAM} here")
        first = self._try(proc_sys=True)
        if not first.fault:
            return first
        second = self._try(proc_sys=False)
        return first if second.fault else second

    def _try(self, *, proc_sys: bool) -> _Tried:
        with tempfile.TemporaryDirectory(prefix="kw-cage-trial-") as folder:
            home = str(Path(folder).resolve())
            inside = Inside(
                _TRIAL, {"PATH": "/usr/bin:/bin"}, home, home, bounds=Bounds(temporary_bytes_max=1 << 20)
            )
            if self._uid:
                os.chown(home, self._uid, self._uid)
            try:
                args = arguments(inside, self._fence(proc_sys=proc_sys))
            except YourFault as fault:
                return _Tried(fault.message)
            outside = self._start(inside, args, [])
            done = run(Command(outside.argv, outside.cwd, outside.env, _SECONDS_MAX))
        lines = done.stdout.decode(errors="replace").splitlines()
        if done.passed and _FENCED in lines:
            return _Tried(proc_sys=proc_sys, filtered=_FILTERED in lines)
        said = done.stderr.decode(errors="replace").strip() or done.could_not_start or "it does not end"
        hint = f"; {_FORBIDDEN}" if any(word in said for word in ("uid map", "namespace", "unshare")) else ""
        return _Tried(f"{said}{hint}")

    def _missing(self) -> Iterator[str]:
        if not self._tried.proc_sys:
            yield "/proc/sys is guarded by the rights of its files alone"
        if not self._tried.filtered:
            yield f"there is no filter of system calls for {os.uname().machine}"
        if self._holding.place.kind == cgroup.NONE:
            yield "memory is bounded by watching, not by the kernel: no control group is ours"
