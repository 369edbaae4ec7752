"""Run programs in the session's folder, leave a daemon behind, or fall over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from keelway.programs.replay_agent.voice import ToolFailed

_KEPT_BYTES_MAX = 20_000
_CHUNK_BYTES = 65_536
_SLICE_SECONDS = 0.5
_DAEMON = """
import sys, time
end = time.monotonic() + float(sys.argv[2])
count = 0
while time.monotonic() < end:
    count += 1
    with open(sys.argv[1], "w") as file:
        file.write(f"{count}\\n")
    time.sleep(0.02)
"""


async def run(argv: list[str], cwd: str, timeout_seconds: float) -> str:
    """Run a program and return its exit code and bounded output.

    Raises:
        ToolFailed: it did not start, failed or took too long.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ToolFailed(f"{argv[0]} did not start: {error}") from error
    try:
        output = await asyncio.wait_for(_collect(process), timeout_seconds)
    except TimeoutError as error:
        raise ToolFailed(f"{argv[0]} was ended after {timeout_seconds:g} seconds") from error
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    text = f"exit {process.returncode}\n{output}"
    if process.returncode != 0:
        raise ToolFailed(text)
    return text


def spawn_daemon(place: Path, cwd: str, seconds: float) -> None:
    """Leave a process in a session of its own that goes on writing a file for a while.

    Raises:
        ToolFailed: it did not start.
    """
    try:
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _DAEMON, str(place), str(seconds)],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ToolFailed(f"no daemon: {error}") from error


def crash(exit_code: int) -> None:
    """Leave at once, without a word to anybody."""
    os._exit(exit_code)


def hang_deaf(seconds: float) -> None:
    """Hear nothing for a while: neither the client nor a request to terminate."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(_SLICE_SECONDS)


async def _collect(process: asyncio.subprocess.Process) -> str:
    kept = bytearray()
    if process.stdout is not None:
        while chunk := await process.stdout.read(_CHUNK_BYTES):
            kept += chunk[: _KEPT_BYTES_MAX - len(kept)]
    await process.wait()
    return kept.decode(errors="replace")
