"""Real servers on loopback, and a client that speaks to the proxy byte by byte."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from keelway.clients.egress import Egress, EgressGrant, EgressPass


class Echo(socketserver.BaseRequestHandler):
    """Send back what comes, and say goodbye when the other side is done."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.request.recv(65_536):
                self.request.sendall(data)
            self.request.sendall(b"goodbye")


class Pages(BaseHTTPRequestHandler):
    """Tell what was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self._chunks()
        told = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode(),
        }
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Keep-Alive", "timeout=9")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_POST = do_HEAD = do_GET  # noqa: N815

    def _chunks(self) -> bytes:
        body = b""
        while self.headers.get("Transfer-Encoding") == "chunked" and (size := int(self.rfile.readline(), 16)):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(kind: type[socketserver.BaseRequestHandler], family: int = socket.AF_INET) -> Iterator[int]:
    """Serve on a free loopback port."""
    base = (
        ThreadingHTTPServer if issubclass(kind, BaseHTTPRequestHandler) else socketserver.ThreadingTCPServer
    )

    class Server(base):  # type: ignore[misc, valid-type]
        address_family = family
        daemon_threads = True

    with Server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def has_ipv6() -> bool:
    """Tell whether ::1 can be listened on."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


class Line:
    """One connection to the proxy."""

    def __init__(self, opened: EgressPass, *, loopback: bool = False) -> None:
        self.socket: Any
        if loopback:
            port = int(opened.url.rpartition(":")[2])
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.connect(opened.socket)  # without a bound: with one, a full queue would be an error
            self.socket.settimeout(20)

    def say(self, text: str | bytes) -> None:
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def head(self) -> tuple[int, str]:
        """Read to the end of the head; return the status and the head."""
        text = b""
        while not text.endswith(b"\r\n\r\n"):
            more = self.socket.recv(1)
            assert more, f"the line broke after {text!r}"
            text += more
        return int(text.split(b" ")[1]), text.decode()

    def rest(self) -> bytes:
        """Read until the other side is done."""
        text = b""
        with contextlib.suppress(ConnectionResetError):
            while more := self.socket.recv(65_536):
                text += more
        return text

    def connect(self, place: str, more: str = "") -> tuple[int, str]:
        self.say(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{more}\r\n")
        return self.head()

    def get(self, url: str, more: str = "") -> tuple[int, str, bytes]:
        self.say(f"GET {url} HTTP/1.1\r\nHost: elsewhere.test\r\n{more}\r\n")
        status, head = self.head()
        return status, head, self.rest()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the record."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def open_files() -> int:
    """Count what this process holds open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def client_hello(name: str | None) -> bytes:
    """Return the first bytes of a real TLS client."""
    context = ssl.create_default_context()
    context.check_hostname = False
    out = ssl.MemoryBIO()
    wrapped = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        wrapped.do_handshake()
    return out.read()


def names(**known: list[str]) -> Any:
    """Return a resolver that knows these names, with dots for underscores."""

    async def resolve(host: str, port: int) -> list[str]:
        del port
        found = known.get(host.replace(".", "_"))
        if found is None:
            raise OSError("no such name")
        return found

    return resolve


@contextlib.contextmanager
def proxy(
    folder: Path, *hosts: str, loopback: bool = False, **options: Any
) -> Iterator[tuple[Egress, EgressPass]]:
    """Open the proxy for some hosts; its record is ``egress.jsonl`` in the folder."""
    egress = Egress(folder / "e", **options)
    try:
        yield egress, egress.open(EgressGrant(hosts, str(folder / "egress.jsonl"), loopback))
    finally:
        egress.stop()
