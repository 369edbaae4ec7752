"""Write what was said on the wire, without the values that must stay secret."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

BYTES_MAX = 20_000_000
"""Bound of one file, over all runs that append to it."""

_MESSAGE_CHARS_MAX = 262_144
_TEXT_CHARS_MAX = 65_536
_DEPTH_MAX = 60
_MASK = "[redacted]"


class Redactor:
    """Replace secret values in texts and in plain JSON values."""

    def __init__(self, values: tuple[str, ...]) -> None:
        # The longest first: a value that contains another one must not leave its rest behind.
        self._values = sorted({value for value in values if value}, key=len, reverse=True)
        self.held_back_chars = max((len(value) for value in self._values), default=1) - 1

    def text(self, text: str) -> str:
        """Return the text with every secret value masked."""
        for value in self._values:
            text = text.replace(value, _MASK)
        return text

    def plain(self, value: Any, depth: int = 0) -> Any:
        """Return a plain JSON value with every secret masked in its texts and keys."""
        if isinstance(value, str):
            return self.text(value)
        if depth > _DEPTH_MAX:
            return "[too deep]"
        if isinstance(value, dict):
            return {self.text(str(key)): self.plain(entry, depth + 1) for key, entry in value.items()}
        if isinstance(value, list):
            return [self.plain(entry, depth + 1) for entry in value]
        return value


class Transcript:
    """Append one JSON line per event: ``seq``, ``seconds`` since the start, ``event`` and its content.

    Pieces of a message or thought that follow one another are put together, so that a secret
    value is found even when the agent sends it in pieces.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self.redactor = redactor
        self._started = time.monotonic()
        self._seq = 0
        self._pending_kind = ""
        self._pending = ""
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._file = os.fdopen(descriptor, "ab", buffering=0)
        self._left_bytes = BYTES_MAX - os.fstat(descriptor).st_size

    def note(self, event: str, **content: Any) -> None:
        """Record an event of ours."""
        self._flush()
        self._write(event, content)

    def message(self, direction: str, message: dict[str, Any]) -> None:
        """Record a protocol message; ``direction`` is ``in`` or ``out``."""
        piece = _piece(message) if direction == "in" else None
        if piece:
            self.add(*piece)
            return
        self._flush()
        self._write(direction, {"message": message})

    def add(self, kind: str, text: str) -> None:
        """Record a piece of text that continues the one before, if that is of the same kind."""
        if kind != self._pending_kind:
            self._flush()
        self._pending_kind = kind
        self._pending += text
        if len(self._pending) > _TEXT_CHARS_MAX:
            clean = self.redactor.text(self._pending)
            cut = max(0, len(clean) - self.redactor.held_back_chars)
            self._write(kind, {"text": clean[:cut]})
            self._pending = clean[cut:]

    def close(self) -> None:
        """Write what is pending and let go of the file; closing twice does no harm."""
        if not self._file.closed:
            self._flush()
            self._file.close()

    def _flush(self) -> None:
        if self._pending:
            self._write(self._pending_kind, {"text": self._pending})
        self._pending = ""

    def _write(self, event: str, content: dict[str, Any]) -> None:
        self._seq += 1
        head = {"seq": self._seq, "seconds": round(time.monotonic() - self._started, 3), "event": event}
        body = self.redactor.plain(content)
        line = json.dumps(head | body, default=str)
        if len(line) > _MESSAGE_CHARS_MAX:
            short = json.dumps(body, default=str)[: _MESSAGE_CHARS_MAX // 2]
            line = json.dumps(head | {"shortened": short, "chars": len(line)})
        data = line.encode() + b"\n"
        if self._left_bytes < 0:
            return
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            data = json.dumps(head | {"event": "transcript_full"}).encode() + b"\n"
        self._file.write(data)


def _piece(message: dict[str, Any]) -> tuple[str, str] | None:
    params = message.get("params")
    update = params.get("update") if isinstance(params, dict) else None
    if not isinstance(update, dict):
        return None
    kind, content = update.get("sessionUpdate"), update.get("content")
    text = content.get("text") if isinstance(content, dict) else None
    if kind in {"agent_message_chunk", "agent_thought_chunk"} and isinstance(text, str):
        return str(kind), text
    return None
