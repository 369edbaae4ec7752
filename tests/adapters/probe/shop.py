"""A small application with a queue, channels and a name for its release, whose faults a test sets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shop:
    """Hold what the application does."""

    def __init__(self) -> None:
        self.url = ""
        self.release = "r-1"
        self.works = True
        """The worker does what is queued, one look after it was handed in."""
        self.holds_seconds = 0.0
        """So long it takes to say how a job is doing, from the second look on."""
        self.mute: set[str] = set()
        """Channels that do not answer."""
        self.jobs: dict[int, list[object]] = {}
        self.heard: list[tuple[str, str, dict[str, str]]] = []

    def answer(self, method: str, path: str, body: dict[str, object]) -> tuple[int, object]:
        parts = path.strip("/").split("/")
        if parts == ["healthz"]:
            return 200, {"status": "ok", "build": {"release": self.release}}
        if parts == ["jobs"] and method == "POST":
            number = len(self.jobs) + 1
            self.jobs[number] = ["queued", body["echo"]]
            return 202, {"id": number, "state": "queued"}
        if parts[0] == "jobs":
            job = self.jobs[int(parts[1])]
            state, echo = job[:2]
            time.sleep(self.holds_seconds if len(job) > 2 else 0)
            job[2:] = ["looked at"]
            if self.works:
                job[0] = "done"
            return 200, {"state": state, "result": echo if state == "done" else None}
        if parts[0] == "channel" and parts[1] not in self.mute:
            return 200, {"reply": f"you said {body['text']}" if method == "POST" else "pong"}
        return 404, {"detail": "nobody here"}


@contextmanager
def open_shop() -> Iterator[Shop]:
    """Serve the application on loopback."""
    shop = Shop()

    class App(BaseHTTPRequestHandler):
        def serve(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"
            shop.heard.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
            status, said = shop.answer(self.command, self.path, json.loads(text))
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Release", shop.release)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = serve  # noqa: N815 - names that the library looks for

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        shop.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield shop
        finally:
            server.shutdown()
            thread.join(5)
