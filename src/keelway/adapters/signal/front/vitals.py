"""Read what the processes of a release use, as far as the supervisor keeps them on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psutil

from keelway.clients.control import Supervisor
from keelway.clients.places import Places
from keelway.core.errors import TheirFault
from keelway.core.observe.sight import Vitals

_MB = 1024 * 1024
FILES_MAX = 20_000
"""Files whose size is added up at most."""


def vitals_of(places: Places, environment: str, release: str, at: datetime) -> Vitals | None:
    """Return what a release uses now; None when none of its processes can be found here."""
    kept = _kept(places, environment, release)
    if not kept:
        return None
    processes = [process for pid, _ in kept for process in _tree(pid)]
    memory, used, fullest = 0.0, 0.0, (0, 0)
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError), process.oneshot():
            memory += process.memory_info().rss
            times = process.cpu_times()
            used += times.user + times.system
            fullest = max(fullest, (process.num_fds(), process.rlimit(psutil.RLIMIT_NOFILE)[0]), key=_share)
    data = places.data(environment)
    return Vitals(
        at=at,
        processes=len(processes),
        memory_mb=memory / _MB,
        cpu_seconds=used,
        descriptors=fullest[0],
        descriptors_max=fullest[1],
        restarts=sum(restarts for _, restarts in kept),
        written_mb=sum(_sizes([data, places.logs(environment, release)])) / _MB,
        disk_free_mb=_free_mb(data),
        memory_free_mb=psutil.virtual_memory().available / _MB,
        cores=os.cpu_count() or 1,
    )


def _kept(places: Places, environment: str, release: str) -> list[tuple[int, int]]:
    """Return (pid, restarts) of every process that is kept of a release; none when nobody can be asked."""
    socket = places.supervisor() / "supervisor.sock"
    if not socket.exists():
        return []
    try:
        processes = Supervisor(socket).processes()
    except TheirFault:
        return []
    return [
        (int(one["pid"] or 0), int(one["restarts"]))
        for one in processes
        if one["labels"].get("environment") == environment and one["labels"].get("release") == release
    ]


def _tree(pid: int) -> list[psutil.Process]:
    if not pid:
        return []
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _share(held: tuple[int, int]) -> float:
    """Return how much of its limit a process holds."""
    return held[0] / held[1] if held[1] > 0 else 0.0


def _sizes(folders: list[Path]) -> Iterator[int]:
    """Yield the sizes of the files in some folders, of a bounded number of them."""
    left, waiting = FILES_MAX, [str(folder) for folder in folders]
    while waiting and left > 0:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                left -= 1
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield entry.stat(follow_symlinks=False).st_size


def _free_mb(folder: Path) -> float:
    """Return the free space below a folder, or below the nearest one that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free / _MB
