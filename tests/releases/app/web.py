"""The pier: ships are booked and listed, jobs are queued for the worker, everything is in SQLite."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fault
from common import DATA, RELEASE, Asked, HangUp, Said, database, log

COUNT = itertools.count(1)
BEGAN = time.time()
CACHE, CACHE_SECONDS = Path(DATA) / "report.json", 1.0


def healthz(asked: Asked) -> Said:
    """Say who runs here, after a look into the database."""
    version = database().execute("PRAGMA user_version").fetchone()[0]
    about = {"status": "ok", "release": RELEASE, "schema": version, "pid": os.getpid(), "began": BEGAN}
    return Said(200, about)


def ships(asked: Asked) -> Said:
    """List the newest ships."""
    rows = database().execute("SELECT id, name, length FROM ships ORDER BY id DESC LIMIT 20").fetchall()
    return Said(200, {"ships": [{"id": row[0], "name": row[1], "length": int(row[2])} for row in rows]})


def ship(asked: Asked) -> Said:
    """Show one ship."""
    row = database().execute("SELECT id, name, length FROM ships WHERE id = ?", (_number(asked),)).fetchone()
    if row is None:
        return Said(404, {"error": "no such ship"})
    return Said(200, {"id": row[0], "name": row[1], "length": int(row[2])})


def book(asked: Asked) -> Said:
    """Book a ship."""
    given = json.loads(asked.body)
    done = database().execute(
        "INSERT INTO ships (name, length) VALUES (?, ?)", (given["name"], int(given["length"]))
    )
    return Said(201, {"id": done.lastrowid})


def report(asked: Asked) -> Said:
    """Add up what is booked; the sum is kept in a file for a second."""
    with contextlib.suppress(FileNotFoundError):
        if time.time() - CACHE.stat().st_mtime < CACHE_SECONDS:
            return Said(200, json.loads(CACHE.read_text()))
    found = database().execute("SELECT COUNT(*), COALESCE(SUM(length), 0) FROM ships").fetchone()
    value = {"count": found[0], "metres": int(found[1])}
    fresh = CACHE.with_suffix(f".{threading.get_ident()}")
    fresh.write_text(json.dumps(value))
    fresh.replace(CACHE)
    return Said(200, value)


def tides(asked: Asked) -> Said:
    """Tell the tides; few people ask."""
    return Said(200, {"tides": [round(6.2 * turn, 1) for turn in range(4)]})


def feature(asked: Asked) -> Said:
    """Show what this release brought."""
    return Said(200, {"feature": fault.FEATURE})


def queue(asked: Asked) -> Said:
    """Queue a job."""
    done = database().execute("INSERT INTO jobs (echo) VALUES (?)", (json.loads(asked.body)["echo"],))
    return Said(202, {"id": done.lastrowid})


def job(asked: Asked) -> Said:
    """Show a job and its result."""
    row = database().execute("SELECT id, state, result FROM jobs WHERE id = ?", (_number(asked),)).fetchone()
    return (
        Said(404, {"error": "no such job"})
        if row is None
        else Said(200, dict(zip(("id", "state", "result"), row, strict=True)))
    )


def _number(asked: Asked) -> int:
    return int(asked.path.rpartition("/")[2])


ROUTES = {
    ("GET", "healthz"): healthz,
    ("GET", "ships"): ships,
    ("GET", "ships/"): ship,
    ("POST", "ships"): book,
    ("GET", "report"): report,
    ("GET", "tides"): tides,
    ("GET", "feature"): feature,
    ("POST", "jobs"): queue,
    ("GET", "jobs/"): job,
}


def answer(asked: Asked) -> Said:
    """Answer by the table of routes."""
    first, more, _ = asked.path.lstrip("/").partition("?")[0].partition("/")
    found = ROUTES.get((asked.method, first + more))
    return Said(404, {"error": "not found"}) if found is None else found(asked)


class Pier(BaseHTTPRequestHandler):
    """Serve one connection."""

    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self) -> None:
        """Take a question."""
        self._serve()

    do_POST = do_GET  # noqa: N815

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(next(COUNT), self.command, self.path, headers, body)
        try:
            said = fault.instead(asked)
            said = fault.after(asked, answer(asked) if said is None else said)
        except HangUp:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        except Exception as error:  # noqa: BLE001
            log("ERROR", f"{asked.method} {asked.path} failed", error, path=asked.path)
            said = Said(500, {"error": type(error).__name__})
        self._send(said)

    def _send(self, said: Said) -> None:
        self.send_response(said.status)
        for name, value in {"Content-Type": "application/json", **said.headers}.items():
            self.send_header(name, value)
        if "Content-Length" in said.headers:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(said.content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(said.content)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Take many connections at once."""

    request_queue_size = 256
    daemon_threads = True


if __name__ == "__main__":
    fault.begin("web")
    Server(("127.0.0.1", int(os.environ["PORT"])), Pier).serve_forever()
