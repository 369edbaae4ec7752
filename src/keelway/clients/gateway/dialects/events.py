"""Part a stream of server-sent events into events, whatever pieces it comes in."""

from __future__ import annotations

import re

from keelway.core.errors import TheirFault

_END = re.compile(rb"\r?\n\r?\n|\r\r")
_END_BYTES_MAX = 4
_LINE = re.compile(rb"\r\n|\n|\r")


class Events:
    """Give each event as soon as it is complete; a piece of one is of no use to anybody."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the events that they complete, each with its empty line.

        Raises:
            TheirFault: an event is larger than the bound.
        """
        begin = max(0, len(self._held) - _END_BYTES_MAX + 1)
        self._held += data
        whole, at = [], 0
        for end in _END.finditer(self._held, begin):
            whole.append(bytes(self._held[at : end.end()]))
            at = end.end()
        del self._held[:at]
        if len(self._held) > self._bytes_max:
            raise TheirFault("event_too_large", f"An event is larger than {self._bytes_max} bytes.")
        return whole

    def rest(self) -> bytes:
        """Return what came after the last empty line."""
        return bytes(self._held)


def data_of(event: bytes) -> bytes:
    """Return what an event carries: the rest of its ``data:`` lines."""
    lines = (line for line in _LINE.split(event) if line.startswith(b"data:"))
    return b"\n".join(line[6:] if line[5:6] == b" " else line[5:] for line in lines)
