"""Start programs that outlive whoever started them, one at a time, and end them again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from keelway.clients.shell import base_env, create_time, end_tree, runs, start_detached
from keelway.core.errors import TheirFault

_UP_SECONDS = 60.0
"""A program that has died ends the wait at once; one on a busy machine may take its time."""

_STEP_SECONDS = 0.05
_SHOWN_BYTES = 2_000
_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Daemon:
    """Describe a program of ours that serves until it is told to end."""

    name: str
    """As people know it, such as ``front-production``."""
    argv: tuple[str, ...]
    """Module and arguments, for the interpreter that has Keelway."""
    log: Path
    up: Callable[[], bool]
    """Say whether it serves."""


def ensure(daemon: Daemon, home: Path, python: str) -> bool:
    """Start a program unless it serves; tell whether it had to be.

    Raises:
        TheirFault: it does not come up (``daemon_not_started``), with its last lines.
    """
    if daemon.up():
        return False
    with locked(home, f"start-{daemon.name}", 2 * _UP_SECONDS):
        if daemon.up():
            return False
        _start(daemon, home, python)
    return True


def _start(daemon: Daemon, home: Path, python: str) -> None:
    # -P: a folder called keelway in the working directory must not take the place of ours.
    command = (python, "-P", "-m", *daemon.argv)
    try:
        pid = start_detached(command, str(home), base_env(str(home)), str(daemon.log))
    except OSError as error:
        raise TheirFault("daemon_not_started", f"The {daemon.name} cannot be started: {error}.") from error
    deadline = time.monotonic() + _UP_SECONDS
    born = create_time(pid)
    while not daemon.up():
        if not runs(pid, born) or time.monotonic() > deadline:
            said = f"The {daemon.name} did not come up: {tail(daemon.log)}"
            raise TheirFault("daemon_not_started", said, f"see {daemon.log}")
        time.sleep(_STEP_SECONDS)


def end(ask: Callable[[], None], pid: int, deadline_seconds: float) -> None:
    """Ask a program to end; end it by its number when it stays.

    Raises:
        TheirFault: it could not be ended (``not_ended``).
    """
    born = create_time(pid)
    ask()
    deadline = time.monotonic() + deadline_seconds + _GRACE_SECONDS
    while runs(pid, born) and time.monotonic() < deadline:
        time.sleep(_STEP_SECONDS)
    if runs(pid, born) and not end_tree(pid, born, _GRACE_SECONDS):
        raise TheirFault("not_ended", f"Process {pid} could not be ended.", f"kill {pid}")


def tail(path: Path, bytes_max: int = _SHOWN_BYTES) -> str:
    """Return the last lines of a log for an error message."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - bytes_max))
            return file.read(bytes_max).decode("utf-8", "replace").strip() or "it said nothing"
    except OSError as error:
        return f"its log cannot be read ({error.strerror})"


@contextmanager
def locked(home: Path, name: str, seconds_max: float) -> Iterator[None]:
    """Do one thing at a time over all processes that use a home.

    Raises:
        TheirFault: another process holds the lock for too long.
    """
    folder = make_folder(home / "locks")
    lock = FileLock(folder / f"{name}.lock", timeout=seconds_max)
    try:
        lock.acquire()
    except Timeout:
        raise TheirFault(
            "locked", f"Another process holds {name} for more than {seconds_max:g} s.", "try again later"
        ) from None
    try:
        yield
    finally:
        lock.release()


def make_folder(path: Path) -> Path:
    """Make a folder that only we can enter, unless it is there.

    Raises:
        TheirFault: the disk does not take it (``disk_failed``).
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise disk_failed(path, error) from error
    return path


def disk_failed(path: Path, error: OSError) -> TheirFault:
    """Say that the disk did not take something."""
    return TheirFault(
        "disk_failed",
        f"{path} cannot be written: {error.strerror or error}.",
        "free space or correct the rights of the folder, then try again",
    )
