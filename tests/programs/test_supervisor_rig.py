"""Drive a real supervisor process over its real socket; used by the other supervisor tests."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

PATIENCE_SECONDS = 15.0
PYTHON = (sys.executable, "-I", "-S", "-c")


class Wire(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("supervisor", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Rig:
    """One home; the supervisor in it can be started, killed and started again."""

    def __init__(self, tmp_path: Path) -> None:
        self.home = tmp_path / "h"
        self.work = tmp_path
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is None or self.process.poll() is not None:
            self.boot()
        self.call("POST", "/shutdown", {"stop_processes": True, "deadline_seconds": 0})
        self.leave()

    def boot(self) -> Self:
        argv = [sys.executable, "-m", "keelway.programs.supervisor", "--home", str(self.home)]
        self.process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
        until(self.serves)
        return self

    def serves(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.process.stderr.read()
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.call("GET", "/healthz")[1]["pid"] == self.process.pid
        return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.leave()

    def term(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.leave()

    def leave(self) -> int:
        assert self.process is not None
        with self.process:
            return self.process.wait(PATIENCE_SECONDS)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        wire = Wire(self.home / "supervisor.sock")
        try:
            wire.request(method, path, None if body is None else json.dumps(body))
            answer = wire.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            wire.close()

    def spec(self, *argv: str, **more: object) -> dict[str, Any]:
        return {"argv": list(argv), "cwd": "/", "log_path": str(self.work / "app.log"), "epoch": 1, **more}

    def put(self, name: str, *argv: str, **more: object) -> tuple[int, Any]:
        return self.call("PUT", f"/processes/{name}", self.spec(*argv, **more))

    def get(self, name: str) -> Any:
        return self.call("GET", f"/processes/{name}")[1]

    def clear(self) -> None:
        for one in self.call("GET", "/processes")[1]["processes"]:
            assert self.call("DELETE", f"/processes/{one['id']}", {"deadline_seconds": 0})[0] == 200

    def reach(self, name: str, state: str) -> Any:
        until(lambda: self.get(name)["state"] == state)
        return self.get(name)

    def state(self) -> Any:
        return json.loads((self.home / "state.json").read_text())

    def log(self) -> str:
        return (self.work / "app.log").read_text()


def until(true: Callable[[], object]) -> None:
    limit_at = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < limit_at, "waited in vain"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """Say whether the process runs; a zombie that nobody reaps does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ended(pid: int) -> bool:
    return not runs(pid)


def bystander() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "60"], start_new_session=True, env={"PATH": os.defpath})
