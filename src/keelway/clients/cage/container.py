"""Fence a run with a container engine, Docker or Podman, through the Docker API.

The container is made from a configured image of this machine: read-only, without rights and without a network. A
program of ours starts it and lives as long as it does; when that program is ended, by whatever means, so is the
container.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from keelway.clients.cage.bubblewrap import UID
from keelway.clients.cage.cage import Bounds, CageFacts, Inside, Outside, Settings
from keelway.clients.cage.hold.disk import Measured, measure, passed
from keelway.clients.cage.hold.holding import folders
from keelway.clients.cage.hold.owner import lend, take_back
from keelway.clients.cage.start import launch, limits, program
from keelway.clients.cage.view import SOCKETS, insist
from keelway.clients.shell import Command, Done, run
from keelway.core.errors import YourFault

_LIMITS = "the container engine"
_SOCKETS = ("/var/run/docker.sock", "/run/podman/podman.sock", "/run/user/{uid}/podman/podman.sock")
_SECONDS_MAX = 60.0
_SHADED = ("/root", "/home")
"""Folders of an image that nobody but root may enter; what is bound below them would be out of reach."""
_TINY = "size=1m,mode=755"
_INSIDE_PYTHON = ("python3", "-I", "-S")
_HINT = 'set image under [sandbox] to an image of this machine, and pip install "keelway[container]"'


class Container:
    """Start programs in containers."""

    name = "container"
    isolates_network = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._before: dict[str, Measured] = {}

    def facts(self) -> CageFacts:
        """Ask the engine what it is and whether it has the image."""
        missing = [self._fault] if self._fault else list(self._missing())
        return CageFacts(self.name, not self._fault, self.isolates_network, False, tuple(missing), _LIMITS)

    def wrap(self, inside: Inside) -> Outside:
        """Remove what an earlier run left, lend the folders and say what to start.

        Raises:
            YourFault: there is no engine or no image, or a path cannot be shown.
            OSError: a folder cannot be lent.
        """
        if self._fault:
            raise YourFault("cage_broken", f"The sandbox does not work here: {self._fault}.", _HINT)
        binds = self._binds(inside)
        _insist_plain((*binds, *inside.relays.values()))
        insist(tuple(binds))
        self.release(inside)
        for folder in folders(inside):
            lend(Path(folder), self._lent_to)
        for path in inside.relays.values() if self._lent_to else ():
            os.chown(path, self._lent_to, self._lent_to)
        self._before[inside.home] = measure(folders(inside))
        bounds = inside.bounds
        wish = {
            "engine": self._engine,
            "image": self._settings.image,
            "label": self.label(inside),
            "cwd": inside.cwd,
            "user": self._user,
            "binds": [[path, path, how] for path, how in binds.items()]
            + [[path, f"{SOCKETS}/{port}.sock", "rw"] for port, path in inside.relays.items()],
            "temporary": _temporary(binds, bounds),
            "temporary_bytes": bounds.temporary_bytes_max,
            "memory_bytes": bounds.memory_bytes,
            "processes_max": bounds.processes_max,
            "file_bytes_max": bounds.file_bytes_max,
        }
        outside = launch(inside, wish, self._command(inside), start="container")
        return replace(outside, argv=(sys.executable, "-I", *outside.argv[3:]), cwd="/")

    def over(self, inside: Inside) -> str:
        """Return the bound that a live run has passed; memory and processes are held by the engine."""
        before = self._before.get(inside.home)
        if before is None:
            return ""
        return "disk" if passed(before, measure(folders(inside)), inside.bounds.disk_bytes_max) else ""

    def release(self, inside: Inside) -> str:
        """Remove the container if it still is there and take the folders back."""
        hit = self.over(inside)
        self._before.pop(inside.home, None)
        if not self._fault:
            self._call("--remove", self._engine, self.label(inside))
        for folder in folders(inside):
            if Path(folder).is_dir():
                take_back(Path(folder))
        return hit

    def label(self, inside: Inside) -> str:
        """Return the mark by which the containers of a run are known."""
        return sha256(inside.home.encode()).hexdigest()[:16]

    def _command(self, inside: Inside) -> tuple[str, ...]:
        """Return the command behind a program of ours, which opens ports and filters system calls."""
        words = [*_INSIDE_PYTHON, program("relay"), "--filter", "yes"]
        for port in inside.relays:
            words += ["--relay", f"{port}={SOCKETS}/{port}.sock"]
        for name, value in limits(inside.bounds).items():
            words += ["--limit", f"{name}={value}"]
        return (*words, "--", *inside.argv)

    def _binds(self, inside: Inside) -> dict[str, str]:
        reads = dict.fromkeys((*self._settings.read, *inside.reads))
        binds = {path: "ro" for path in reads if not path.startswith("/usr/") and path != "/usr"}
        binds[str(Path(program("relay")).parents[2])] = "ro"
        if inside.workspace:
            binds[inside.workspace] = "rw" if inside.writes else "ro"
        return binds | {inside.home: "rw"}

    @cached_property
    def _engine(self) -> str:
        named = self._settings.engine
        if named:
            return named
        places = [Path(text.format(uid=os.geteuid())) for text in _SOCKETS]
        return next((f"unix://{place}" for place in places if place.exists()), "")

    @cached_property
    def _lent_to(self) -> int:
        """Return the user who gets the folders: another one only where we are root."""
        return (self._settings.uid or UID) if os.geteuid() == 0 and not self._told.get("rootless") else 0

    @cached_property
    def _user(self) -> str:
        """Return the user inside; root of an engine without root is nobody but us."""
        if self._told.get("rootless"):
            return "0:0"
        return f"{self._lent_to}:{self._lent_to}" if self._lent_to else f"{os.geteuid()}:{os.getegid()}"

    @cached_property
    def _told(self) -> Mapping[str, Any]:
        if not self._engine:
            return {"fault": "there is no socket of a container engine here; set engine under [sandbox]"}
        if not self._settings.image:
            return {"fault": "no image is named under [sandbox]"}
        done = self._call("--ask", self._engine, self._settings.image)
        try:
            told: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            said = done.stderr.decode("utf-8", "replace").strip() or done.could_not_start or "it says nothing"
            return {"fault": said}
        return told

    @cached_property
    def _fault(self) -> str:
        told = self._told
        if "fault" in told:
            return str(told["fault"])
        return "" if told.get("images") else f"the engine has no image {self._settings.image}"

    def _missing(self) -> list[str]:
        return [] if self._told.get("memory") else ["the engine cannot bound memory"]

    def _call(self, *words: str) -> Done:
        argv = (sys.executable, "-I", program("container"), *words)
        return run(Command(argv, "/", {"PATH": "/usr/bin:/bin"}, _SECONDS_MAX))


def _insist_plain(paths: Iterable[str]) -> None:
    """Refuse paths that an engine would read as more than a path."""
    odd = next((path for path in paths if "," in path or ":" in path), "")
    if odd:
        raise YourFault(
            "cage_path_refused",
            f"{odd!r} cannot be shown inside a container: it holds a comma or a colon.",
            "rename it, or use another sandbox",
        )


def _temporary(binds: Mapping[str, str], bounds: Bounds) -> dict[str, str]:
    size = f"size={bounds.temporary_bytes_max}," if bounds.temporary_bytes_max else ""
    made = {"/tmp": f"{size}mode=1777,nosuid,nodev"}  # noqa: S108 - made empty inside
    made |= {place: _TINY for place in _SHADED if any(path.startswith(f"{place}/") for path in binds)}
    return made
