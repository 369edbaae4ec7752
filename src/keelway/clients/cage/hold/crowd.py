"""Watch the memory of a run where the kernel does not hold it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

from keelway.clients.process_tree import marked

_KIB = 1024


def passed(mark: str, bytes_max: int) -> bool:
    """Tell whether the processes that carry a mark, and all that descend from them, use more than a bound."""
    if not bytes_max:
        return False
    found: dict[int, psutil.Process] = {}
    for top in marked(mark):
        found[top.pid] = top
        with contextlib.suppress(psutil.Error):
            found |= {process.pid: process for process in top.children(recursive=True)}
    resident = sum(_resident(process) for process in found.values())
    # Shared pages count once for each process there; the exact figure costs more and is rarely needed.
    return resident > bytes_max and sum(map(_share, found)) > bytes_max


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _share(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * _KIB
    return 0
