"""The terminal in front of a real server: commands run in this process, answers come over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from tests.web.rig import TOKEN, House

from keelway.app import server_file
from keelway.app.home import Home
from keelway.app.server_file import Server

CONFIG = """
[project]
name = "fake"

[[check]]
name = "tests"
kind = "tests"
run = ["true"]

[[process]]
name = "web"
run = ["true"]

[staging]
port = 8001

[production]
port = 8002
"""


@dataclass(frozen=True)
class Said:
    """Hold what a command said."""

    code: int
    out: str
    err: str


def environment(home: Path) -> dict[str, str]:
    """Return what a command of a test gets to see."""
    passed = {name: value for name, value in os.environ.items() if not name.startswith(("KEELWAY", "COV"))}
    return passed | {"KEELWAY_HOME": str(home), "COLUMNS": "100", "TERM": "dumb"}


def keelway(repository: Path, home: Path, *words: str, seconds: float = 60.0) -> Said:
    """Run one command in a process of its own, without a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "keelway.cli.main", *words],
        cwd=repository,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


class Serving:
    """Serve a house on a free loopback port until ``stop``."""

    def __init__(self, house: House, pid: int | None = None) -> None:
        settings = uvicorn.Config(
            house.app, port=0, lifespan="off", log_config=None, loop="asyncio", ws="none", access_log=False
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        self.home = Home(house.world.home)
        server_file.write(
            self.home.server, Server(url, TOKEN, pid or house.desk.pid, "0.0.test", datetime.now(UTC))
        )

    def stop(self) -> None:
        """Stop serving; the file of the address stays, as after a crash."""
        self._server.should_exit = True
        self._thread.join(10)


@dataclass
class Terminal:
    """Type commands for a house."""

    house: House
    runner: object

    def __call__(self, *words: str, stdin: str | None = None) -> Said:
        """Run one command here."""
        return self.runner(words, stdin)  # type: ignore[operator]


def words_of(said: Said | Sequence[str]) -> str:
    """Return both outputs as one text."""
    return f"{said.out}\n{said.err}" if isinstance(said, Said) else " ".join(said)
