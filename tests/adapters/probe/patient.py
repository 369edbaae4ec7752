"""A server whose answers a test sets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from keelway.adapters.probe.http import HttpProbe


class WebPatient:
    def __init__(self) -> None:
        self.probe = HttpProbe()
        self.url = ""
        self.status, self.body, self.seconds = 200, b"well", 0.0
        self.asked: list[tuple[str, str, bytes]] = []

    def be(self, *, well: bool) -> None:
        self.status = 200 if well else 503


@contextmanager
def web_patient() -> Iterator[WebPatient]:
    patient = WebPatient()

    class App(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            patient.asked.append((self.command, self.path, body))
            time.sleep(patient.seconds)
            try:
                self.send_response(patient.status)
                if patient.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(patient.body)
            except OSError:
                pass

        do_GET = do_POST = answer  # noqa: N815 - names that the library looks for

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        patient.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield patient
        finally:
            server.shutdown()
            thread.join(5)
