"""Write down what goes through the gateway, one JSON line an event, and read what a crash left open."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keelway.clients.files import read_bounded
from keelway.clients.gateway.values import Entry, Grant
from keelway.core.errors import TheirFault, YourFault

BEGAN, ENDED, BOOKED, REFUSED = "began", "ended", "booked", "refused"
BYTES_MAX = 20_000_000

_MASK = "[key]"
_KEY_CHARS_MIN = 4
"""Shorter keys would blacken half of every text."""


class Mask:
    """Replace a provider's key wherever it stands."""

    def __init__(self, key: str) -> None:
        usable = key if len(key) >= _KEY_CHARS_MIN else ""
        # A key with characters that JSON escapes comes back in another form.
        self._texts = tuple({text for text in (usable, json.dumps(usable)[1:-1]) if text})
        self._bytes = tuple(text.encode() for text in self._texts)

    def text(self, text: str) -> str:
        """Return a text without the key."""
        for value in self._texts:
            text = text.replace(value, _MASK)
        return text

    def raw(self, data: bytes) -> bytes:
        """Return bytes without the key."""
        for value in self._bytes:
            data = data.replace(value, _MASK.encode())
        return data

    def held(self, data: bytes) -> int:
        """Return how many bytes at the end could be the beginning of the key."""
        longest = max((len(value) for value in self._bytes), default=1) - 1
        for size in range(min(longest, len(data)), 0, -1):
            if any(value.startswith(data[-size:]) for value in self._bytes):
                return size
        return 0


class RequestLog:
    """Append events to the log of one run; an empty path logs nothing."""

    def __init__(self, path: str) -> None:
        self._file, self._left_bytes = -1, 0
        if not path:
            return
        place = Path(path)
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(place, flags, 0o600)
        except OSError as error:
            raise YourFault(
                "request_log_unwritable", f"{path} cannot be written: {error}.", "free the place, then retry"
            ) from error
        self._left_bytes = BYTES_MAX - os.fstat(self._file).st_size

    def note(self, event: str, **content: Any) -> None:
        """Record an event; a full log, or a disk that fails, loses the line and nothing else."""
        if self._file < 0 or self._left_bytes <= 0:
            return
        line = json.dumps({"event": event, "at": datetime.now(UTC).isoformat()} | content, default=str)
        data = line.encode() + b"\n"
        if len(data) > self._left_bytes:
            data = json.dumps({"event": "log_full"}).encode() + b"\n"
            self._left_bytes = len(data)
        self._left_bytes -= len(data)
        with contextlib.suppress(OSError):
            os.write(self._file, data)

    def close(self) -> None:
        """Let go of the file; closing twice does no harm."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1


def left_open(path: str, grant: Grant) -> tuple[Entry, ...]:
    """Return what an earlier life of the same run used and did not see booked.

    What had begun and not ended counts with everything that was held back for it.
    """
    began: dict[str, Mapping[str, Any]] = {}
    ended: dict[str, Mapping[str, Any]] = {}
    for line in _lines(path):
        name = str(line.get("id", ""))
        if line.get("event") == BEGAN:
            began[name] = line
        elif line.get("event") == ENDED:
            ended[name] = line
        elif line.get("event") == BOOKED:
            began.pop(name, None)
            ended.pop(name, None)
    found = [
        _entry(ended[name], grant) if name in ended else _lost(line, grant) for name, line in began.items()
    ]
    return tuple(entry for entry in found if entry is not None)


def _lines(path: str) -> list[dict[str, Any]]:
    try:
        data = read_bounded(Path(path), BYTES_MAX + 1_000) if path else b""
    except (OSError, TheirFault):
        return []
    lines = []
    for line in data.splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(line)
            if isinstance(value, dict):
                lines.append(value)
    return lines


def shown(entry: Entry) -> dict[str, Any]:
    """Return an entry as it stands in the log."""
    return asdict(entry) | {"at": entry.at.isoformat()}


def _entry(line: Mapping[str, Any], grant: Grant) -> Entry | None:
    """Read an entry back; None when the line is not one of ours."""
    try:
        return Entry(
            id=str(line["id"]),
            task=grant.task,
            role=grant.role,
            attempt=grant.attempt,
            agent=grant.agent,
            provider=str(line["provider"]),
            model=str(line["model"]),
            input_tokens=int(line["input_tokens"]),
            output_tokens=int(line["output_tokens"]),
            cached_tokens=int(line["cached_tokens"]),
            cost_usd=float(line["cost_usd"]),
            estimated=bool(line["estimated"]),
            status=int(line["status"]),
            seconds=float(line["seconds"]),
            at=datetime.fromisoformat(str(line["at"])),
            note=str(line["note"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _lost(line: Mapping[str, Any], grant: Grant) -> Entry | None:
    note = "the gateway ended meanwhile: everything that was held back is counted"
    given = {"cached_tokens": 0, "status": 0, "seconds": 0.0, "estimated": True, "note": note}
    return _entry({**line, **given, "cost_usd": line.get("held_usd")}, grant)
