"""Carry protocol messages over an agent's pipes, within bounds and tolerant of strangers.

Agent Client Protocol, stdio transport: JSON-RPC 2.0, one message per line.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from keelway.clients.run.transcript import Transcript
from keelway.clients.run.turn import Broken, End

LINE_BYTES_MAX = 50_000_000
STRAY_LINES_MAX = 20
"""Launchers and package managers print a line or two; more than that is no agent speaking."""

_CHUNK_BYTES = 65_536
_STRAY_CHARS_MAX = 500


class Wire:
    """Send and receive the messages of one agent process; counts bytes and remembers silence."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        transcript: Transcript,
        bytes_max: int,
        heard: Callable[[dict[str, Any]], None],
    ) -> None:
        self._process = process
        self._transcript = transcript
        self._bytes_max = bytes_max
        self._heard = heard
        self._buffer = bytearray()
        self._searched = 0
        self._bytes_in = 0
        self._stray = 0
        self._messages = 0
        self.last_at = time.monotonic()
        """Monotonic time of the latest message."""
        self.fault: Broken | None = None
        """Why nothing more is read, when the agent broke a bound."""
        self.ended = False
        """Whether the agent closed its output."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message; an agent that is gone is noticed by its exit, not here."""
        self._transcript.message("out", message)
        stdin = self._process.stdin
        if stdin is None or stdin.is_closing():
            return
        try:
            stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            await stdin.drain()
        except ConnectionError:
            return

    async def receive(self) -> dict[str, Any] | None:
        """Return the next message, or None at the end of output or when a bound was broken."""
        while self.fault is None:
            line = self._next_line()
            if line is None:
                if not await self._read():
                    return None
            elif line.strip():
                message = _message(line)
                if message is not None:
                    self._messages += 1
                    self.last_at = time.monotonic()
                    self._transcript.message("in", message)
                    self._heard(message)
                    return message
                self._note_stray(line)
        return None

    async def close(self) -> None:
        """Do nothing: the process and its pipes are ended by whoever started it."""

    @property
    def strange(self) -> bool:
        """Tell whether something was received and none of it was a message."""
        return self._stray > 0 and self._messages == 0

    def _next_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    async def _read(self) -> bool:
        stdout = self._process.stdout
        chunk = await stdout.read(_CHUNK_BYTES) if stdout else b""
        if not chunk:
            self.ended = True
            if self._buffer:
                self._note_stray(bytes(self._buffer))
            return False
        self._bytes_in += len(chunk)
        self._buffer += chunk
        if self._bytes_in > self._bytes_max:
            self.fault = Broken(End.LIMIT_OUTPUT, f"The agent sent more than {self._bytes_max} bytes.")
        elif len(self._buffer) > LINE_BYTES_MAX:
            self.fault = Broken(End.PROTOCOL_ERROR, f"A line is longer than {LINE_BYTES_MAX} bytes.")
        return self.fault is None

    def _note_stray(self, line: bytes) -> None:
        self._stray += 1
        text = line[: _STRAY_CHARS_MAX * 4].decode(errors="replace")
        # A cut through a secret value would hide it from the mask, so mask before the cut.
        self._transcript.note("stray", text=self._transcript.redactor.text(text)[:_STRAY_CHARS_MAX])
        if self._stray > STRAY_LINES_MAX:
            self.fault = Broken(
                End.PROTOCOL_ERROR, f"More than {STRAY_LINES_MAX} lines of output are no protocol messages."
            )


def _message(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    number, method = value.get("id"), value.get("method")
    known = isinstance(number, str | int | None) and isinstance(method, str | None)
    return value if known and ("method" in value or "id" in value) else None
