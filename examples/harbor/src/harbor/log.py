"""Write one JSON line per event, whole, into a file that several processes append to."""

import json
import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from harbor.settings import Settings

STANDARD_ERROR = 2
CLOSED = -1
TRACEBACK_CHARS_MAX = 20_000


class JsonLines(logging.Handler):
    """Append each record as one JSON line in one write, so that lines of two processes never mix."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(logging.INFO)
        self._about = {"release": settings.release, "env": settings.env}
        self._file = STANDARD_ERROR
        if settings.log is not None:
            self._file = os.open(settings.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a full disk must not stop the harbour."""
        try:
            os.write(self._file, json.dumps(self._event(record)).encode() + b"\n")
        except OSError:
            self.handleError(record)

    def close(self) -> None:
        """Close the file and forget its number, because the system soon gives the number to another file."""
        if self._file > STANDARD_ERROR:
            os.close(self._file)
        self._file = CLOSED
        super().close()

    def _event(self, record: logging.LogRecord) -> dict[str, Any]:
        event: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._about,
        }
        if route := getattr(record, "route", None):
            event["route"] = route
        if record.exc_info and record.exc_info[0]:
            event["exc_type"] = record.exc_info[0].__name__
            event["traceback"] = "".join(traceback.format_exception(*record.exc_info))[-TRACEBACK_CHARS_MAX:]
        return event


@contextmanager
def open_log(settings: Settings) -> Iterator[None]:
    """Send the events of this process to the log for as long as the block runs."""
    handler, root = JsonLines(settings), logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
