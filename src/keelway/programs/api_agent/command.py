"""Run a command in the session's folder, within bounds; nothing of its group outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from keelway.programs.api_agent.files import ToolFailed

KEPT_BYTES_MAX = 30_000
SECONDS_MAX = 600.0

_CHUNK_BYTES = 65_536
_HEAD_BYTES = 10_000


async def run(argv: Sequence[str], cwd: Path, seconds: float) -> tuple[int, str]:
    """Run a program and return its exit code, and the head and the tail of what it printed.

    Raises:
        ToolFailed: it did not start or took too long.
    """
    seconds = min(max(seconds, 1.0), SECONDS_MAX)
    kept = bytearray()
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
        async with asyncio.timeout(seconds):
            await _collect(process, kept)
            await process.wait()
    except TimeoutError as error:
        raise ToolFailed(f"It was ended after {seconds:g} seconds. It had printed:\n{_text(kept)}") from error
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode or 0, _text(kept)


async def _collect(process: asyncio.subprocess.Process, kept: bytearray) -> None:
    """Keep the first bytes and the last; what stands between is dropped."""
    while process.stdout and (chunk := await process.stdout.read(_CHUNK_BYTES)):
        kept += chunk
        if len(kept) > KEPT_BYTES_MAX + _CHUNK_BYTES:
            del kept[_HEAD_BYTES : len(kept) - (KEPT_BYTES_MAX - _HEAD_BYTES)]


def _text(kept: bytearray) -> str:
    if len(kept) <= KEPT_BYTES_MAX:
        return kept.decode(errors="replace")
    head, tail = kept[:_HEAD_BYTES], kept[len(kept) - (KEPT_BYTES_MAX - _HEAD_BYTES) :]
    return f"{head.decode(errors='replace')}\n[...]\n{tail.decode(errors='replace')}"
