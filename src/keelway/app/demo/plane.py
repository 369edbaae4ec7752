"""The control plane as its owner handles it: by the commands of the terminal, in a process of its own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from keelway.app import server_file
from keelway.app.demo.ground import DOWN_SECONDS_MAX, Ground
from keelway.app.remote import Remote
from keelway.app.server_file import Server
from keelway.clients.shell import Command, create_time, run, runs, start_detached
from keelway.core.errors import TheirFault

UP_SECONDS_MAX = 180.0
POLL_SECONDS = 0.05


class Plane:
    """Start, kill and end the control plane of the demo."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._remote: Remote | None = None
        self.pid = 0

    @property
    def remote(self) -> Remote:
        """Return the line to the running control plane.

        Raises:
            TheirFault: none runs.
        """
        if self._remote is None:
            raise TheirFault("not_running", "The demo's control plane does not run.")
        return self._remote

    def up(self, meanwhile: Callable[[str], None]) -> Server:
        """Run ``keelway up`` and wait until it answers; ``meanwhile`` gets what it says, or "".

        Raises:
            TheirFault: it ended, or did not answer in time.
        """
        ground, log = self._ground, self._ground.folder / "up.log"
        begun = log.stat().st_size if log.exists() else 0
        try:
            self.pid = start_detached(ground.keelway("up"), str(ground.repository), ground.env(), str(log))
        except OSError as error:
            raise TheirFault("not_started", f"keelway up cannot be started: {error}.") from error
        born, end = create_time(self.pid), time.monotonic() + UP_SECONDS_MAX
        while time.monotonic() < end:
            with log.open("rb") as file:
                file.seek(begun)
                block = file.read()
            whole = block[: block.rfind(b"\n") + 1]
            begun += len(whole)
            for said in whole.decode("utf-8", "replace").splitlines() or [""]:
                meanwhile(said)
            server = server_file.read(ground.place.home.server)
            if server is not None and server.pid == self.pid and Remote(server).alive():
                self._remote = Remote(server)
                return server
            if not runs(self.pid, born):
                break
            time.sleep(POLL_SECONDS)
        said = log.read_text("utf-8", "replace").strip()[-1_500:]
        raise TheirFault("not_started", f"keelway up did not come up. It said: {said}", f"read {log}")

    def kill(self) -> None:
        """Kill the control plane as a power cut would, and nothing but it."""
        born = create_time(self.pid)
        self._remote = None
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        while runs(self.pid, born):
            time.sleep(0.01)

    def down(self) -> str:
        """Run ``keelway down``: control plane, fronts and releases end; return what went wrong."""
        ground = self._ground
        if not ground.place.path.exists() or not ground.home.exists():
            return ""
        argv = ground.keelway("down", "--yes")
        done = run(Command(argv, str(ground.repository), ground.env(), DOWN_SECONDS_MAX))
        self._remote = None
        return "" if done.passed else (done.stdout + done.stderr).decode("utf-8", "replace").strip()[-1_500:]
