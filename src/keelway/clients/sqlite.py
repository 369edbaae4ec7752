"""What every connection to an SQLite file of ours needs, and what the library does not wait for by itself."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

_PAUSE_SECONDS = 0.02


def use_wal(connection: Any, patience_seconds: float) -> None:
    """Turn the write-ahead log on, and wait for others who are opening or leaving the file just now.

    SQLite refuses a change of the journal mode at once when the file is in use: its busy timeout does
    not apply there (https://www.sqlite.org/wal.html).

    Raises:
        sqlite3.OperationalError: the file stays locked for the whole patience, or cannot be read.
    """
    end = time.monotonic() + patience_seconds
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            if mode != "wal":
                connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
