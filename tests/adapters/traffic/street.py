"""Small releases that run, and whatever carries traffic to them, on ports of this machine."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
from tests.adapters.target.process_rig import PYTHON, project_of

from keelway.clients.balance.carried import CarriedTraffic
from keelway.clients.control import free_port
from keelway.clients.places import Places
from keelway.core.model.project import Project
from keelway.ports.traffic import Route


class _App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Release

    def do_GET(self) -> None:
        if self.path.startswith("/hold/"):
            self.server.held += 1
            time.sleep(float(self.path.rpartition("/")[2]))
        if self.path == "/lost":  # as a release that dies while it answers
            self.server.lost += 1
            self.close_connection = True
            return
        body = self.server.name.encode()
        self.send_response(500 if self.path == "/wrong" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that the library asks for

    def log_message(self, *words: Any) -> None:
        pass


class Release(ThreadingHTTPServer):
    """Answer every question with its own name."""

    daemon_threads, request_queue_size, held, lost = True, 128, 0, 0

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _App)
        self.name = name
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@dataclass
class RealStreet:
    """Serve as street of the traffic tests."""

    kind: type[CarriedTraffic]
    home: Path
    project: Project
    environment: str = "production"
    releases: dict[str, Release] = field(default_factory=dict)

    @property
    def traffic(self) -> CarriedTraffic:
        return self.kind(self.project, str(self.home), PYTHON)

    @property
    def port(self) -> int:
        return self.project.environment(self.environment).port

    @property
    def folder(self) -> Path:
        return Places(self.home).front(self.environment)

    def open(self, release: str) -> Route:
        if release not in self.releases:
            self.releases[release] = Release(release)
        return Route(100, (self.releases[release].url,))

    def ask(self, *, wrong: bool = False, path: str = "/", method: str = "GET") -> str:
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            wire.request(method, "/wrong" if wrong else path)
            answer = wire.getresponse()
            text = answer.read().decode()
        except OSError:
            return ""
        finally:
            wire.close()
        return text if text in self.releases else ""

    def hold(self, release: str, seconds: float) -> None:
        before = self.releases[release].held
        threading.Thread(target=self.ask, kwargs={"path": f"/hold/{seconds}"}, daemon=True).start()
        deadline = time.monotonic() + 10
        while self.releases[release].held == before:
            assert time.monotonic() < deadline, "the request did not arrive"
            time.sleep(0.01)

    def crash(self) -> None:
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self.processes(), 5)

    def processes(self) -> list[psutil.Process]:
        """Return what belongs to the balancer of this street, by the folder in its command line."""
        mark = str(self.folder)
        return [
            one
            for one in psutil.process_iter(["cmdline"])
            if mark in " ".join(one.info["cmdline"] or ()) and one.pid != psutil.Process().pid
        ]

    def said(self) -> dict[str, Any]:
        """Return what the program that carries the traffic says of itself."""
        from keelway.clients.control import Front

        return dict(Front(Places(self.home).front_socket(self.environment)).state())

    def saved(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())


@contextmanager
def real_street(kind: type[CarriedTraffic], root: Path) -> Iterator[RealStreet]:
    home = root / "home"
    home.mkdir()
    street = RealStreet(kind, home.resolve(), project_of((free_port(), free_port())))
    try:
        yield street
    finally:
        for release in street.releases.values():
            release.shutdown()
            release.server_close()
        street.traffic.stop(street.environment, 1.0)
        street.crash()
