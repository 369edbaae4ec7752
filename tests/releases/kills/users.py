"""Users in a process of their own, who write down every answer."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.releases.load import Users

RATE = 40.0


def use(folder: Path, port: int) -> None:
    """Ask until this process is told to end."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    with (folder / "users.jsonl").open("w", buffering=1) as out:
        users = Users(port, rate=RATE, out=out).start()
        while not over.wait(0.2):
            pass
        users.stop()


@dataclass
class Watched:
    """Read what the users wrote down."""

    folder: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    _at: int = 0

    def read(self) -> None:
        """Read the lines that are new and whole."""
        with (self.folder / "users.jsonl").open("rb") as file:
            file.seek(self._at)
            block = file.read()
        whole = block[: block.rfind(b"\n") + 1]
        self._at += len(whole)
        self.lines += [json.loads(line) for line in whole.splitlines()]

    def between(self, since: float, until: float, struck_at: float) -> dict[str, Any]:
        """Count what users saw between two instants."""
        self.read()
        seen = [line for line in self.lines if since < line["done_at"] <= until]
        bad = {line["release"] for line in seen if line["wrong"] == "status 500"}
        wrong = [line for line in seen if line["wrong"]]
        unanswered = [line for line in wrong if not line["release"]]
        return {
            "requests": len(seen),
            "errors": len(wrong),
            "errors_of_good": sum(1 for line in wrong if line["release"] and line["release"] not in bad),
            "unanswered": len(unanswered),
            "gap_seconds": round(max((line["done_at"] - struck_at for line in unanswered), default=0.0), 2),
            "kinds": sorted({line["wrong"] for line in wrong}),
            "lost": len(self.lost()),
        }

    def lost(self) -> list[int]:
        """Return the promised ships that are not there."""
        path = self.folder / "home" / "data" / "production" / "pier.sqlite"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            there = dict(db.execute("SELECT id, name FROM ships"))
        return [
            line["booked"]
            for line in self.lines
            if line["booked"] and there.get(line["booked"]) != line["name"]
        ]
