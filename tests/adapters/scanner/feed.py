"""A service of advisories on the loopback: what it knows, in the words of OSV and of npm's registry."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Feed:
    """Answer about ``flaws``: name to the version that mends it; keep what was ``asked``."""

    flaws: dict[str, str] = field(default_factory=dict)
    status: int = 200
    asked: list[Any] = field(default_factory=list)
    url: str = ""

    @property
    def osv(self) -> str:
        return f"{self.url}/v1/query"

    def answer(self, path: str, body: Any) -> Any:
        self.asked.append(body)
        if path == "/v1/query":
            name = body["package"]["name"]
            return {"vulns": [self._osv(name)]} if self._touches(name, body["version"]) else {}
        return {
            name: [self._npm(name)] for name, versions in body.items() if self._touches(name, versions[0])
        }

    def _touches(self, name: str, version: str) -> bool:
        return name in self.flaws and version < self.flaws[name]

    def _osv(self, name: str) -> dict[str, Any]:
        events = [{"introduced": "0"}, {"fixed": self.flaws[name]}]
        ranges = [{"type": "ECOSYSTEM", "events": events}]
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": ranges}]
        return {
            "id": f"GHSA-{name}",
            "summary": "Bad",
            "details": "Bad",
            "modified": "2020-01-01T00:00:00Z",
            "affected": affected,
        }

    def _npm(self, name: str) -> dict[str, Any]:
        url = f"https://example.org/advisories/GHSA-{name}"
        return {
            "id": 1,
            "url": url,
            "title": "Bad",
            "severity": "high",
            "vulnerable_versions": f"<{self.flaws[name]}",
        }


@contextmanager
def feed() -> Iterator[Feed]:
    """Serve until the end of a test."""
    made = Feed()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                raw = gzip.decompress(raw)
            said = json.dumps(made.answer(self.path, json.loads(raw))).encode()
            self.send_response(made.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
