"""Users from outside: Harbor's own load generator, and what it saw of every single request."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keelway.app.demo.ground import EXAMPLE, Ground, remember
from keelway.clients.shell import base_env, create_time, end_tree, runs, start_detached
from keelway.core.errors import TheirFault

FAILED_FROM = 500
CREATED = 201
STOP_SECONDS = 40.0
BEGIN_SECONDS = 20.0
POLL_SECONDS = 0.05
SAME_START_SECONDS = 1.0


@dataclass(frozen=True)
class Sent:
    """State what became of one request."""

    done_at: float
    """When its answer was there, in epoch seconds."""
    failed: bool
    """There was no answer, or one with a status of 500 or more."""
    answered: bool
    release: str = ""
    stored: bool = False
    """Harbor said that it keeps an arrival."""


@dataclass
class Traffic:
    """Keep the load generator running and read what it writes."""

    ground: Ground
    rate: float
    """Requests a second."""
    pid: int = 0
    sent: list[Sent] = field(default_factory=list)
    _born: float = 0.0
    _at: int = 0
    _rows_before: int = 0

    def start(self, url: str) -> None:
        """Begin to send.

        Raises:
            TheirFault: no answer came back.
        """
        ground = self.ground
        self._rows_before = self.rows()
        program = str(ground.checkout / EXAMPLE / "loadgen.py")
        argv = (sys.executable, "-P", program, "--url", url, "--rate", f"{self.rate:g}")
        try:
            self.pid = start_detached(
                (*argv, "--out", str(ground.requests)),
                str(ground.folder),
                base_env(str(ground.folder)),
                str(ground.folder / "load.log"),
            )
        except OSError as error:
            raise TheirFault("no_traffic", f"The load generator cannot be started: {error}.") from error
        self._born = create_time(self.pid)
        remember(ground, pid=self.pid, born=self._born)
        end = time.monotonic() + BEGIN_SECONDS
        while not self.sent:
            if time.monotonic() > end or not runs(self.pid, self._born):
                said = (ground.folder / "load.log").read_text("utf-8", "replace")[-500:]
                raise TheirFault("no_traffic", f"The load generator sends nothing. {said}")
            time.sleep(POLL_SECONDS)
            self.read()

    def stop(self) -> None:
        """Stop sending, wait for the answers on their way, and read the last lines."""
        end_process(self.pid, self._born, STOP_SECONDS)
        self.read()

    def read(self) -> None:
        """Read the lines that are new and whole."""
        with suppress(FileNotFoundError), self.ground.requests.open("rb") as file:
            file.seek(self._at)
            block = file.read()
            whole = block[: block.rfind(b"\n") + 1]
            self._at += len(whole)
            self.sent += [_sent(json.loads(line)) for line in whole.splitlines()]

    def between(self, since: float, until: float) -> list[Sent]:
        """Return the requests whose answer came between two instants, in the order of their answers."""
        chosen = [one for one in self.sent if since < one.done_at <= until]
        return sorted(chosen, key=lambda one: one.done_at)

    def rows(self) -> int:
        """Count the arrivals in the database of production; 0 before there is one."""
        path = self.ground.home / "data" / "production" / "harbor.db"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            return int(db.execute("SELECT COUNT(*) FROM arrivals").fetchone()[0])

    def rows_lost(self) -> int:
        """Count the arrivals that Harbor said it keeps and that its database does not hold."""
        self.read()
        promised = sum(one.stored for one in self.sent)
        return max(0, promised - (self.rows() - self._rows_before))


def end_process(pid: int, born: float, seconds_max: float) -> None:
    """Ask a process of ours to end, and end it when it does not; a stranger with its number is left alone."""
    if not runs(pid, born):
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + seconds_max
    while runs(pid, born) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    if runs(pid, born):
        end_tree(pid, born, 1.0)


def end_earlier(path: Path) -> None:
    """End the load generator that an earlier demo left running."""
    try:
        plain = json.loads(path.read_text())
        pid, born = int(plain["pid"]), create_time(int(plain["pid"]))
        if abs(born - float(plain["born"])) < SAME_START_SECONDS:
            end_process(pid, born, STOP_SECONDS)
    except (OSError, ValueError, KeyError, TypeError):
        return


def _sent(line: dict[str, Any]) -> Sent:
    status = int(line.get("status", 0))
    return Sent(
        done_at=float(line["at"]) + float(line["ms"]) / 1000,
        failed=status == 0 or status >= FAILED_FROM,
        answered=status > 0,
        release=str(line.get("release", "")),
        stored=line["method"] == "POST" and line["route"] == "/arrivals" and status == CREATED,
    )
