"""Begin a control plane as a process of its own, in the foreground or in the background."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from keelway.app import server_file
from keelway.app.config import environment_variables
from keelway.app.desk import Place, running
from keelway.app.doctor.examine import preflight
from keelway.app.server_file import Server
from keelway.clients.shell import create_time, runs, start_detached
from keelway.core.errors import TheirFault, YourFault

PROGRESS = "up.log"
"""What a control plane in the background says until it is ready, and at its end."""

PROGRAM = "keelway.web"
"""The module that serves; the surfaces do not import each other."""

DETACH_EXTRA_SECONDS = 900.0
POLL_SECONDS = 0.2
SHOWN_BYTES = 4_000


def refuse_second(place: Place) -> None:
    """Refuse a second control plane on the same home.

    Raises:
        YourFault: one runs already.
    """
    server = running(place)
    if server is not None:
        raise YourFault(
            "already_running",
            f"A control plane already runs for this project (pid {server.pid}, {server.url}).",
            "use it, or end it first: keelway down",
        )


def arguments(place: Place, port: int | None) -> tuple[str, ...]:
    """Return the command that serves a project."""
    chosen = () if port is None else ("--port", str(port))
    return (sys.executable, "-P", "-m", PROGRAM, "--config", str(place.path), *chosen)


def become(place: Place, port: int | None) -> NoReturn:
    """Turn this process into the control plane, so that signals reach it without a middleman."""
    argv = arguments(place, port)
    os.execv(argv[0], argv)  # noqa: S606 - our own interpreter and a fixed list


def detach(place: Place, port: int | None, say: Callable[[str], None]) -> Server:
    """Start a control plane in the background and wait until it answers.

    Raises:
        YourFault: it would not start, for a reason that was found before.
        TheirFault: it ended, or did not answer in time; its last words are in the message.
    """
    refuse_second(place)
    preflight(place.config, place.home)
    log = place.home.root / PROGRESS
    try:
        place.home.prepare()
        log.unlink(missing_ok=True)
        pid = start_detached(
            arguments(place, port), str(place.path.parent), environment_variables(), str(log)
        )
    except OSError as error:
        raise YourFault(
            "home_unusable", f"{place.home.root} cannot be used: {error}.", "free space, or set KEELWAY_HOME"
        ) from error
    return _wait(place, pid, _Tail(log, say))


class _Tail:
    """Pass on what is appended to a log."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path, self._at, self._say = path, 0, say
        self.last = ""

    def read(self) -> None:
        """Say the whole lines that are new."""
        with self._path.open("rb") as stream:
            stream.seek(self._at)
            block = stream.read(64_000)
        whole = block[: block.rfind(b"\n") + 1]
        self._at += len(whole)
        for row in whole.decode("utf-8", "replace").splitlines():
            self.last = f"{self.last}\n{row}"[-SHOWN_BYTES:]
            self._say(row)


def _wait(place: Place, pid: int, tail: _Tail) -> Server:
    environments = len(place.config.project.environments)
    limit_seconds = environments * (place.config.project.setup_seconds_max + DETACH_EXTRA_SECONDS)
    end, started_at = time.monotonic() + limit_seconds, create_time(pid)
    while time.monotonic() < end:
        tail.read()
        server = server_file.read(place.home.server)
        if server is not None and server.pid == pid and running(place):
            return server
        if not runs(pid, started_at):
            tail.read()
            raise TheirFault(
                "not_started",
                f"The control plane ended before it answered.{tail.last}",
                f"read {place.home.root / PROGRESS}, then keelway doctor",
            )
        time.sleep(POLL_SECONDS)
    raise TheirFault(
        "not_started",
        f"The control plane did not answer within {limit_seconds:.0f} s.",
        f"read {place.home.root / PROGRESS}",
    )
