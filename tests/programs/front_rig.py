"""Drive a real front process: start, kill, order about over its socket, and stand in for releases behind it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from keelway.clients.control import free_port

PATIENCE_SECONDS = 15.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Wire(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("front", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class FrontRig:
    """One state folder; the front on it can be started, stopped, killed and started again."""

    def __init__(self, home: Path, *options: str) -> None:
        self.short = Path(tempfile.mkdtemp(prefix="kwf-", dir="/tmp"))
        self.control = self.short / "c"
        self.state = home / "front.json"
        self.log = home / "front.log"
        self.options = options
        self.port = free_port()
        """Chosen where the system gives no port to others meanwhile: a front that starts again needs the same."""
        self.process: subprocess.Popen[bytes] | None = None
        self.epochs = itertools.count(1)

    def start(self) -> FrontRig:
        command = [sys.executable, "-m", "keelway.programs.front", "--listen", f"127.0.0.1:{self.port}"]
        command += ["--control", str(self.control), "--state", str(self.state), *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log)
        pid = self.process.pid
        until(
            lambda: self.alive() and self._answers(pid), f"the front did not come up: {self.log.read_text()}"
        )
        return self

    def alive(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the front ended: {self.log.read_text()}"
        return True

    def _answers(self, pid: int) -> bool:
        try:
            return self.call("GET", "/state")[1]["pid"] == pid
        except OSError:
            return False

    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        wire = Wire(self.control)
        try:
            content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
            wire.request(method, path, body=content)
            answer = wire.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            wire.close()

    async def acall(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        return await asyncio.to_thread(self.call, method, path, body)

    def route(self, epoch: int | None = None, **backends: tuple[str, int]) -> dict[str, Any]:
        table = {name: {"url": url, "weight": weight} for name, (url, weight) in backends.items()}
        status, answer = self.call("PUT", "/routes", {"epoch": epoch or next(self.epochs), "backends": table})
        assert status == 200, answer
        return answer

    def numbers(self, release: str) -> dict[str, Any]:
        return self.call("GET", "/counters")[1]["releases"].get(release, {})

    def stop(self, *, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def leave(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_SECONDS)
        shutil.rmtree(self.short, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rss_kib(self) -> int:
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def until(true: Callable[[], object], why: str, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, why
        time.sleep(0.01)


async def auntil(
    true: Callable[[], object], why: str = "never became true", seconds: float = PATIENCE_SECONDS
) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(true):
        assert time.monotonic() < deadline, why
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def release(handler: Handler) -> AsyncIterator[str]:
    """Serve one aiohttp handler as a release and give its URL."""
    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, keepalive_timeout=30)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def raw_release(handler: RawHandler) -> AsyncIterator[str]:
    """Serve bare TCP connections as a release, for misbehaviour no HTTP library allows."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def head(reader: asyncio.StreamReader) -> bytes:
    """Read one request or response head."""
    return await reader.readuntil(b"\r\n\r\n")


def say(word: str) -> Handler:
    """Make a release that answers every request with one word."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=word)

    return answer


async def speak(port: int, sent: bytes, *, seconds: float = 10.0) -> bytes:
    """Send raw bytes to the front and give everything that comes back until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        async with asyncio.timeout(seconds):
            return await reader.read()
    finally:
        writer.close()


def closed_port() -> int:
    """Give a port that nothing listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
