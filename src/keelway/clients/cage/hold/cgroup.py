"""Hold all processes of a run together to a bound of memory and number, where the kernel's groups are ours to use.

Three situations are told apart: control groups version 2 that somebody delegated to us, version 1 folders that we
may write, and neither.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from keelway.clients.cage.cage import Bounds

V2, V1, NONE = "cgroup v2", "cgroup v1", "prlimit"
_WANTED = ("memory", "pids")
_PREFIX = "keelway-run-"
_ROUNDS_MAX = 100
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Place:
    """Say where groups of runs can be made: one folder for version 2, one a controller for version 1."""

    kind: str
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Group:
    """Own the group of one run."""

    kind: str
    folders: tuple[Path, ...]

    @property
    def procs(self) -> list[str]:
        """Return the files that a process writes 0 to in order to enter."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def memory_hit(self) -> bool:
        """Tell whether the kernel ended a process because the group was out of memory."""
        name = "memory.events" if self.kind == V2 else "memory.oom_control"
        for folder in self.folders:
            for line in _read(folder / name).splitlines():
                key, _, value = line.partition(" ")
                if key == "oom_kill" and value.strip() not in {"", "0"}:
                    return True
        return False

    def remove(self) -> bool:
        """End whatever is left inside and remove the group; tell whether it is gone."""
        for _ in range(_ROUNDS_MAX):
            left = [folder for folder in self.folders if folder.is_dir()]
            if not left:
                return True
            for folder in left:
                for pid in _read(folder / "cgroup.procs").split():
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(int(pid), signal.SIGKILL)
                with contextlib.suppress(OSError):
                    folder.rmdir()
            time.sleep(_PAUSE_SECONDS)
        return False


def make(place: Place, name: str, bounds: Bounds) -> Group:
    """Make the group of a run and set its bounds; one of the same name is removed first.

    Raises:
        OSError: the kernel refuses.
    """
    name = f"{_PREFIX}{os.getpid()}-{name}"
    group = Group(place.kind, tuple(folder / name for folder in place.folders))
    if not group.folders:
        return group
    group.remove()
    try:
        for folder in group.folders:
            folder.mkdir()
        for file, value in _limits(group, bounds):
            file.write_text(str(value))
    except OSError:
        group.remove()
        raise
    return group


def sweep(place: Place) -> int:
    """Remove the groups that processes of ours which are gone have left; return how many."""
    count = 0
    for folder in place.folders:
        for left in folder.glob(f"{_PREFIX}*-*"):
            maker = left.name.removeprefix(_PREFIX).partition("-")[0]
            if maker.isdigit() and not psutil.pid_exists(int(maker)):
                count += Group(place.kind, (left,)).remove()
    return count


def find_place() -> Place:
    """Find out which situation this process is in, by trying."""
    own, mounts = _read(Path("/proc/self/cgroup")), _read(Path("/proc/self/mountinfo"))
    return next((place for place in candidates(own, mounts) if _can_make(place)), Place(NONE))


def candidates(own: str, mounts: str) -> list[Place]:
    """Return where groups might be made, the best first.

    Args:
        own: text of ``/proc/self/cgroup``.
        mounts: text of ``/proc/self/mountinfo``.
    """
    groups, trees = _own_groups(own), _trees(mounts)
    found = [Place(V2, (folder,)) for folder in _version_2(groups, trees)]
    folders = [_inside(trees.get(name), groups.get(name)) for name in _WANTED]
    if all(folders):
        found.append(Place(V1, tuple(filter(None, folders))))
    return found


def _limits(group: Group, bounds: Bounds) -> list[tuple[Path, int]]:
    memory, pids = group.folders[0], group.folders[-1]
    found: list[tuple[Path, int]] = []
    if bounds.memory_bytes and group.kind == V2:
        found = [(memory / "memory.max", bounds.memory_bytes)]
        found += [(file, 0) for file in (memory / "memory.swap.max",) if file.exists()]
        found += [(file, 1) for file in (memory / "memory.oom.group",) if file.exists()]
    elif bounds.memory_bytes:
        found = [(memory / "memory.limit_in_bytes", bounds.memory_bytes)]
        swap = memory / "memory.memsw.limit_in_bytes"
        found += [(swap, bounds.memory_bytes)] if swap.exists() else []
    if bounds.processes_max:
        found += [(pids / "pids.max", bounds.processes_max)]
    return found


def _can_make(place: Place) -> bool:
    """Tell whether a group can be made and bounded; it is tried."""
    with contextlib.suppress(OSError):
        return make(place, f"trial-{threading.get_ident()}", Bounds()).remove()
    return False


def _version_2(groups: dict[str, str], trees: dict[str, tuple[Path, str]]) -> Sequence[Path]:
    """Return the folders whose children may be bounded: beside our own group, or below it when it may be split.

    A group that holds processes cannot bound children, so the one above ours is asked first.
    """
    own = _inside(trees.get(""), groups.get(""))
    if own is None:
        return []
    above = [] if trees[""][0] == own else [own.parent]
    return [folder for folder in (*above, own) if _offers(folder)]


def _offers(folder: Path) -> bool:
    """Tell whether the children of a folder are bounded, after having asked for it."""
    with contextlib.suppress(OSError):
        if not set(_WANTED) <= set(_read(folder / "cgroup.subtree_control").split()):
            (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in _WANTED))
    return set(_WANTED) <= set(_read(folder / "cgroup.subtree_control").split())


def _own_groups(text: str) -> dict[str, str]:
    """Return our group by controller, that of version 2 under the empty name."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        _, names, path = line.split(":", 2)
        found |= dict.fromkeys(names.split(","), path)
    return found


def _trees(text: str) -> dict[str, tuple[Path, str]]:
    """Return mount point and root within its file system by controller, version 2 under the empty name."""
    found: dict[str, tuple[Path, str]] = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, point = before.split(" ")[3:5]
        if kind == "cgroup2":
            found.setdefault("", (Path(point), root))
        elif kind == "cgroup":
            for name in set(options.split(" ")[-1].split(",")) & set(_WANTED):
                found.setdefault(name, (Path(point), root))
    return found


def _inside(tree: tuple[Path, str] | None, group: str | None) -> Path | None:
    """Return the folder of a group where its tree is mounted, which may be a part of the whole tree."""
    if tree is None or group is None:
        return None
    point, root = tree
    with contextlib.suppress(ValueError):
        return point / Path(group).relative_to(root)
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
