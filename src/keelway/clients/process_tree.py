"""Find and end everything that a started program left behind, daemons included."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

import psutil

MARKER = "KEELWAY_RUN"
"""Environment variable whose value ties a process to a run, even after a double fork into an own session."""

_SAME_START_SECONDS = 1.0
_ROUNDS_MAX = 20
_ROUND_PAUSE_SECONDS = 0.02


def create_time(pid: int) -> float:
    """Return when a process started, as epoch seconds, or 0.0 when it is gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def runs(pid: int, started_at: float) -> bool:
    """Tell whether the process that started at ``started_at`` still runs.

    One that has ended and waits to be reaped does not: in many containers nobody reaps it for seconds.
    """
    try:
        process = psutil.Process(pid)
        return (
            bool(started_at)
            and abs(process.create_time() - started_at) <= _SAME_START_SECONDS
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:
        return False


def members(pid: int, marker: str = "") -> list[psutil.Process]:
    """Return the live processes that descend from ``pid``, share its session or carry the marker."""
    found: dict[int, psutil.Process] = {}
    with contextlib.suppress(psutil.Error):
        leader = psutil.Process(pid)
        for process in [*leader.children(recursive=True), leader]:
            found[process.pid] = process
    for process in psutil.process_iter():
        if _in_session(process.pid, pid) or (marker and _marker_of(process) == marker):
            found[process.pid] = process
    found.pop(os.getpid(), None)
    return [process for process in found.values() if _alive(process)]


def marked(marker: str) -> list[psutil.Process]:
    """Return the live processes whose environment carries the marker of a run."""
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _marker_of(process) == marker and _alive(process)
    ]


def end_tree(pid: int, started_at: float, grace_seconds: float, marker: str = "") -> bool:
    """End a program and all that it started; tell whether nothing is left.

    ``started_at`` is what ``create_time`` said when the program started: a process that has
    inherited the number since then is left alone. First SIGTERM, after the grace SIGKILL.
    """
    if _reused(pid, started_at):
        return not marker or _kill_until_none(lambda: marked(marker))
    if grace_seconds > 0:
        _signal_all(members(pid, marker), signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        while members(pid, marker) and time.monotonic() < deadline:
            time.sleep(_ROUND_PAUSE_SECONDS)
    return _kill_until_none(lambda: members(pid, marker))


def end_marked(marker: str) -> bool:
    """Kill every process that carries the marker of a run; tell whether nothing is left."""
    return _kill_until_none(lambda: marked(marker))


def kill_group(pid: int) -> None:
    """Kill what is left of the process group that a finished program led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _kill_until_none(find: Callable[[], list[psutil.Process]]) -> bool:
    for _ in range(_ROUNDS_MAX):
        left = find()
        if not left:
            return True
        # Stopped processes cannot fork while the rest of the tree is being killed.
        _signal_all(left, signal.SIGSTOP)
        _signal_all(left, signal.SIGKILL)
        time.sleep(_ROUND_PAUSE_SECONDS)
    return not find()


def _signal_all(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)


def _reused(pid: int, started_at: float) -> bool:
    now_started_at = create_time(pid)
    return bool(now_started_at) and abs(now_started_at - started_at) > _SAME_START_SECONDS


def _in_session(pid: int, leader: int) -> bool:
    try:
        return os.getsid(pid) == leader
    except (ProcessLookupError, PermissionError):
        return False


def _marker_of(process: psutil.Process) -> str:
    try:
        return process.environ().get(MARKER, "")
    except (psutil.Error, OSError):
        return ""


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
