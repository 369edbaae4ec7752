"""Move bytes to and from a running program on one thread, within bounds."""

from __future__ import annotations

import contextlib
import os
import selectors
import time
from collections.abc import Callable

_TICK_SECONDS = 0.05
_SHORT_TICK_SECONDS = 0.002
_DRAIN_SECONDS = 0.2
_CHUNK_BYTES = 65_536
_LAST_READS_MAX = 1_000


class BoundedOutput:
    """Collect bytes up to a bound; the head and the tail stay, the middle goes."""

    def __init__(self, bytes_max: int) -> None:
        self._head_max = max(1, bytes_max // 2)
        self._tail_max = max(1, bytes_max - self._head_max)
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        room = self._head_max - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        excess = len(self._tail) - self._tail_max
        if excess > 0:
            del self._tail[:excess]
            self._dropped += excess

    @property
    def truncated(self) -> bool:
        """Tell whether bytes were left out."""
        return self._dropped > 0

    def bytes(self) -> bytes:
        """Return what was kept; a line in between says how much is missing."""
        gap = f"\n[{self._dropped} bytes left out]\n".encode() if self._dropped else b""
        return bytes(self._head) + gap + bytes(self._tail)


class Pump:
    """Feed a program and read both its outputs; the caller owns the descriptors."""

    def __init__(self, stdout_fd: int, stderr_fd: int, bytes_max: int) -> None:
        self.stdout = BoundedOutput(bytes_max)
        self.stderr = BoundedOutput(bytes_max)
        self._selector = selectors.DefaultSelector()
        self._pending = memoryview(b"")
        self._close_stdin: Callable[[], None] = lambda: None
        for descriptor, sink in ((stdout_fd, self.stdout), (stderr_fd, self.stderr)):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, sink)

    def feed(self, stdin_fd: int, data: bytes, close: Callable[[], None]) -> None:
        """Send ``data`` to the program and close its input by ``close`` after the last byte."""
        if not data:
            close()
            return
        os.set_blocking(stdin_fd, False)
        self._pending, self._close_stdin = memoryview(data), close
        self._selector.register(stdin_fd, selectors.EVENT_WRITE)

    def until(self, ended: Callable[[], bool], deadline: float) -> bool:
        """Pump until the program has ended; False when the monotonic deadline came first.

        A background child may hold the outputs open: it gets a moment, then is not waited for.
        """
        ended_at: float | None = None
        while True:
            now = time.monotonic()
            if ended_at is None and ended():
                ended_at = now
            if ended_at is not None:
                if not self._selector.get_map() or now - ended_at > _DRAIN_SECONDS:
                    return True
                self._turn(_SHORT_TICK_SECONDS)
            elif now >= deadline:
                return False
            else:
                self._turn(min(_TICK_SECONDS, deadline - now))

    def finish(self) -> None:
        """Take what still lies in the pipes and let go of them."""
        for _ in range(_LAST_READS_MAX):
            if not self._turn(0.0):
                break
        self._selector.close()

    def _turn(self, seconds: float) -> bool:
        if not self._selector.get_map():
            time.sleep(min(seconds, _SHORT_TICK_SECONDS))
            return False
        moved = False
        for key, _mask in self._selector.select(seconds):
            if isinstance(key.data, BoundedOutput):
                moved = self._read(key.fd, key.data) or moved
            else:
                self._write(key.fd)
        return moved

    def _read(self, descriptor: int, sink: BoundedOutput) -> bool:
        try:
            data = os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(descriptor)
            return False
        sink.add(data)
        return True

    def _write(self, descriptor: int) -> None:
        try:
            self._pending = self._pending[os.write(descriptor, self._pending[:_CHUNK_BYTES]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._pending = self._pending[:0]
        if not self._pending:
            self._selector.unregister(descriptor)
            with contextlib.suppress(OSError):
                self._close_stdin()
