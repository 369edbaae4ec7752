"""The HTTP client keeps its bounds against a real server."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from keelway.clients.http import HttpClient
from keelway.core.errors import TheirFault


class _Room(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(
            201, json.dumps({"got": json.loads(body), "auth": self.headers.get("Authorization")}).encode()
        )

    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
        elif self.path == "/big":
            self._send(200, b"x" * 10_000)
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(40):
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(0.05)
        elif self.path == "/sleep":
            time.sleep(1)
        else:
            self._send(404, b"no such room")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            super().finish()


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def get_request(self) -> tuple[object, tuple[str, int]]:
        connection, _ = super().get_request()
        return connection, ("unix", 0)


def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Room)
    for _ in _served(server):
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def socket_path(tmp_path: Path) -> Iterator[str]:
    server = _UnixServer(str(tmp_path / "s"), _Room)
    for _ in _served(server):
        yield str(tmp_path / "s")


def test_json_and_token_go_out_and_json_comes_back(address: str) -> None:
    with HttpClient(address, token="t0k") as client:
        answer = client.request("POST", "/rooms", json={"a": [1]})
    assert answer.status == 201
    assert answer.ok
    assert answer.json == {"got": {"a": [1]}, "auth": "Bearer t0k"}
    assert answer.seconds > 0


def test_unix_socket(socket_path: str) -> None:
    with HttpClient(socket_path) as client:
        assert client.request("POST", "/x", json=1).json == {"got": 1, "auth": None}


def test_status_is_an_answer_and_redirects_are_not_followed(address: str) -> None:
    with HttpClient(address) as client:
        lost = client.request("GET", "/nowhere")
        assert (lost.status, lost.text, lost.ok) == (404, "no such room", False)
        assert client.request("GET", "/away").status == 302
        with pytest.raises(TheirFault) as fault:
            _ = lost.json
    assert fault.value.code == "not_json"


def test_bounds_of_size_and_time(address: str) -> None:
    with HttpClient(address, body_bytes_max=9_999) as client, pytest.raises(TheirFault) as fault:
        client.request("GET", "/big")
    assert fault.value.code == "answer_too_large"
    for path in ("/drip", "/sleep"):
        with HttpClient(address) as client, pytest.raises(TheirFault) as fault:
            client.request("GET", path, timeout_seconds=0.3)
        assert fault.value.code == "unreachable"


def test_nobody_there_names_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "stale"))
    stale.close()
    for address in (str(tmp_path / "stale"), "http://127.0.0.1:1", str(tmp_path / "none"), "http://"):
        with HttpClient(address) as client, pytest.raises(TheirFault) as fault:
            client.request("GET", "/")
        assert fault.value.code == "unreachable"
        assert address in fault.value.message
