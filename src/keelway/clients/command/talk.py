"""Listen to a program that was started with its prompt, until it has ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from pathlib import Path
from typing import Any

from keelway.clients.command.account import Account
from keelway.clients.command.rules import FILE, LINES, TEXT, Output
from keelway.clients.files import read_bounded
from keelway.clients.run.talk import Tongue
from keelway.clients.run.transcript import Transcript
from keelway.clients.run.turn import Broken, End, Order, cause_of
from keelway.core.errors import TheirFault

_CHUNK_BYTES = 65_536
_LINE_BYTES_MAX = 50_000_000
_FILE_BYTES_MAX = 50_000_000
_TICK_SECONDS = 0.05
_LAST_WORDS_SECONDS = 1.0
"""How long output may still arrive after the program has left."""
_VERSION = re.compile(r"\d+\.\d+[\w.+-]*")
_VERSION_CHARS_MAX = 100


class OneShot:
    """Hear out one program."""

    leaves = True

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        transcript: Transcript,
        order: Order,
        home: str,
        output: Output,
    ) -> None:
        self.account = Account(output)
        self.last_at = time.monotonic()
        self.fault: Broken | None = None
        self.agent = ""
        self.version = ""
        self._process = process
        self._transcript = transcript
        self._bytes_max = order.limits.output_bytes_max
        self._bytes_in = 0
        self._output = output
        self._file = Path(home) / output.file if output.format == FILE else None
        self._buffer = bytearray()
        self._searched = 0

    @property
    def strange(self) -> bool:
        """Tell whether JSON was due and nothing that came was any."""
        return self._output.format == LINES and self._bytes_in > 0 and not self.account.objects

    async def greet(self) -> None:
        """Find the version in what the program prints.

        Raises:
            Broken: it prints none.
        """
        said = b"".join([chunk async for chunk in self._chunks()]).decode(errors="replace")
        found = _VERSION.search(said)
        if self._process.returncode != 0 or not found:
            first = said.strip().splitlines()[:1]
            raise Broken(End.CRASHED, f"It does not tell its version. {' '.join(first)}".strip())
        self.version = found[0][:_VERSION_CHARS_MAX]

    async def work(self, cwd: str, prompt: str) -> End:
        """Listen until the program has ended; what it was to do stands in its command already.

        Raises:
            Broken: it failed, or said that it failed.
        """
        del cwd, prompt
        async for chunk in self._chunks():
            self._take(chunk)
        self._rest()
        code, account = self._process.returncode, self.account
        if self.fault:
            raise self.fault
        if account.error:
            raise Broken(cause_of(account.error), account.error)
        if account.stop:
            return End(account.stop)
        if code != 0:
            raise Broken(End.CRASHED, f"It left with the exit code {code}.")
        if self.strange or (self._file and not account.objects):
            raise Broken(End.PROTOCOL_ERROR, "It ended well, but its output cannot be read by the rules.")
        return End.COMPLETED

    async def cancel(self) -> None:
        """Ask the program to stop."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    async def close(self) -> None:
        """Do nothing: the process and its pipes are ended by whoever started it."""

    async def _chunks(self) -> Any:
        """Yield what the program prints until it has ended, even if a child of it holds the pipe."""
        stdout = self._process.stdout
        while stdout and self.fault is None:
            try:
                chunk = await asyncio.wait_for(stdout.read(_CHUNK_BYTES), _TICK_SECONDS)
            except TimeoutError:
                if self._process.returncode is None or time.monotonic() - self.last_at < _LAST_WORDS_SECONDS:
                    continue
                return
            if not chunk:
                break
            self.last_at = time.monotonic()
            self._bytes_in += len(chunk)
            if self._bytes_in > self._bytes_max:
                self.fault = Broken(End.LIMIT_OUTPUT, f"The agent printed more than {self._bytes_max} bytes.")
                return
            yield chunk
        await self._process.wait()  # it may have closed its output and work on

    def _take(self, chunk: bytes) -> None:
        self._buffer += chunk
        while (end := self._buffer.find(b"\n", self._searched)) >= 0:
            line = bytes(self._buffer[: end + 1])
            del self._buffer[: end + 1]
            self._searched = 0
            self._line(line)
        self._searched = len(self._buffer)
        if len(self._buffer) > _LINE_BYTES_MAX:
            self.fault = Broken(End.PROTOCOL_ERROR, f"A line is longer than {_LINE_BYTES_MAX} bytes.")

    def _line(self, line: bytes) -> None:
        told = _object(line) if self._output.format == LINES else None
        if told is not None:
            self._transcript.message("in", told)
            self.account.hear(told)
            return
        text = line.decode(errors="replace")
        self._transcript.add("output", text)
        if self._output.format == TEXT:
            self.account.say(text)

    def _rest(self) -> None:
        if self._buffer:
            self._line(bytes(self._buffer))
            self._buffer.clear()
        if self._file:
            with contextlib.suppress(OSError, TheirFault):
                told = _object(read_bounded(self._file, _FILE_BYTES_MAX))
                if told is not None:
                    self._transcript.message("in", told)
                    self.account.hear(told)


def speech(output: Output) -> Tongue:
    """Return how programs are heard whose output follows these rules."""

    def speak(
        process: asyncio.subprocess.Process, transcript: Transcript, order: Order, home: str
    ) -> OneShot:
        return OneShot(process, transcript, order, home, output)

    return speak


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
