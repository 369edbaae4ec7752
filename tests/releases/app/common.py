"""What all processes of the pier share: its database, its log, and the words for questions and answers."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

RELEASE, PRODUCTION = os.environ["KEELWAY_RELEASE"], os.environ["KEELWAY_ENVIRONMENT"] == "production"
DB, LOG, DATA = os.environ["PIER_DB"], os.environ["PIER_LOG"], os.environ["PIER_DATA"]
_local = threading.local()
_lock = threading.Lock()


@dataclass(frozen=True)
class Asked:
    """Hold one request."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """Hold one answer; ``raw`` wins over the JSON."""

    status: int
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @property
    def content(self) -> bytes:
        return json.dumps(self.value).encode() if self.raw is None else self.raw


class HangUp(Exception):
    """Close the connection without an answer."""


def database() -> sqlite3.Connection:
    """Return this thread's connection."""
    if not hasattr(_local, "db"):
        _local.db = sqlite3.connect(DB, timeout=5, isolation_level=None)
        _local.db.execute("PRAGMA journal_mode = WAL")
        _local.db.execute("PRAGMA synchronous = NORMAL")
    return _local.db


def log(level: str, message: str, error: BaseException | None = None, **more: Any) -> None:
    """Write one line of JSON."""
    line: dict[str, Any] = {
        "time": time.time(),
        "level": level,
        "release": RELEASE,
        "message": message,
        **more,
    }
    if error is not None:
        line["traceback"] = "".join(traceback.format_exception(error))
    with _lock, open(LOG, "a", encoding="utf-8") as out:  # noqa: PTH123
        out.write(json.dumps(line) + "\n")
