"""Speak HTTP/1.1 with one side of a connection, with patience that ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable

import h11

CHUNK_BYTES = 64 * 1024
_LINGER_SECONDS, _LINGER_CHUNKS_MAX = 1.0, 16

HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"proxy-authenticate"),
        *(b"te", b"trailer", b"upgrade", b"expect"),
    }
)
"""Headers that are meant for the next hop alone (RFC 9110, 7.6.1); ``Transfer-Encoding`` is h11's business."""


def _nobody(count: int) -> None:
    del count


class Peer:
    """Read events from one side and send it others; ``heard`` and ``said`` are told of the bytes."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: h11.Connection,
        *,
        patience_seconds: float,
        heard: Callable[[int], None] = _nobody,
        said: Callable[[int], None] = _nobody,
    ) -> None:
        self.reader, self.writer, self.connection = reader, writer, connection
        self._patience_seconds, self._heard, self._said = patience_seconds, heard, said
        self._bodiless = False

    async def event(self) -> h11.Event:
        """Return the next event.

        Raises:
            TimeoutError: nothing came.
            h11.RemoteProtocolError: what came is not HTTP.
        """
        while True:
            event = self.connection.next_event()
            if isinstance(event, h11.Event):
                self._bodiless = self._bodiless or (
                    isinstance(event, h11.Request) and event.method == b"HEAD"
                )
                return event
            if event is h11.PAUSED:
                return h11.ConnectionClosed()
            if self.connection.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[]))
            async with asyncio.timeout(self._patience_seconds):
                data = await self.reader.read(CHUNK_BYTES)
            self._heard(len(data))
            self.connection.receive_data(data)

    async def send(self, event: h11.Event) -> None:
        """Send an event and wait until the other side takes it.

        Raises:
            TimeoutError: it takes nothing.
        """
        data = self.connection.send(event)
        if data:
            self._said(len(data))
            self.writer.write(data)
            async with asyncio.timeout(self._patience_seconds):
                await self.writer.drain()

    async def answer(self, status: int, reason: str, body: str, *more: tuple[str, str]) -> None:
        """Send a whole answer of our own, and wait a moment for the client to have read it."""
        text = body.encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text)))]
        headers += [("Connection", "close"), *more]
        await self.send(
            h11.Response(status_code=status, headers=headers, reason=reason.encode("ascii", "replace"))
        )
        if not self._bodiless:
            await self.send(h11.Data(data=text))
        await self.send(h11.EndOfMessage())
        if self.writer.can_write_eof():
            self.writer.write_eof()
        with contextlib.suppress(TimeoutError):  # closing on unread bytes would take the answer back
            async with asyncio.timeout(_LINGER_SECONDS):
                for _ in range(_LINGER_CHUNKS_MAX):
                    if not await self.reader.read(CHUNK_BYTES):
                        return


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers that go on to the other side, without those that their sender ties to this hop."""
    headers = list(headers)
    own = {
        word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")
    }
    return [(name, value) for name, value in headers if name not in HOP_BY_HOP and name not in own]
