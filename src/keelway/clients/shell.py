"""Run programs: argument lists only, clean environment, time and output bounded, nothing left running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from keelway.clients.process_tree import (
    MARKER,
    create_time,
    end_marked,
    end_tree,
    kill_group,
    marked,
    runs,
)
from keelway.clients.pump import Pump
from keelway.core.errors import OurFault

__all__ = [
    "MARKER",
    "Command",
    "Done",
    "base_env",
    "create_time",
    "end_marked",
    "end_piped",
    "end_tree",
    "marked",
    "open_piped",
    "run",
    "runs",
    "start_detached",
]

_END_SECONDS = 5.0
_CHUNK_BYTES = 65_536
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    *("GIT_SSL_CAINFO", "NPM_CONFIG_CAFILE", "NPM_CONFIG_REGISTRY"),
    *("PIP_CERT", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"),
    *("PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_CACHE_DIR"),
    *("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_OFFLINE"),
    *("UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_CACHE_DIR", "UV_PYTHON", "UV_PYTHON_INSTALL_DIR"),
    *("UV_PYTHON_DOWNLOADS", "UV_PYTHON_PREFERENCE", "UV_LINK_MODE", "UV_HTTP_TIMEOUT"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "TZ"),
)


@dataclass(frozen=True)
class Command:
    """Describe one program run."""

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    """The exact environment; nothing is inherited."""
    timeout_seconds: float
    output_bytes_max: int = 1_000_000
    """Bound of each of the two outputs; head and tail are kept."""
    stdin: bytes = b""


@dataclass(frozen=True)
class Done:
    """State how a program ended; a signal shows as a negative exit code."""

    exit_code: int | None
    """None when it did not start or had to be ended."""
    stdout: bytes = b""
    stderr: bytes = b""
    seconds: float = 0.0
    timed_out: bool = False
    truncated: bool = False
    could_not_start: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether the program ran to its end and said 0."""
        return self.exit_code == 0 and not self.timed_out


def base_env(home: str, path_first: Sequence[str] = ()) -> dict[str, str]:
    """Return a minimal environment for programs that we start.

    It holds the search path, the language, the given home and where package installers find
    indexes and certificates; an address with a user or a password in it is not passed on.
    """
    path = os.environ.get("PATH", _DEFAULT_PATH)
    env = {"PATH": os.pathsep.join([*path_first, path]), "LANG": "C.UTF-8", "HOME": home}
    for name in _PASSED:
        value = os.environ.get(name, "")
        if value and not any(_has_credentials(word) for word in value.split()):
            env[name] = value
    return env


def run(command: Command) -> Done:
    """Run a program to its end or its timeout; everything it started ends with it.

    A failing, missing or hanging program is a result, not an exception. Processes that carry
    the same ``KEELWAY_RUN`` value as ``command.env`` count as started by it.
    """
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=dict(command.env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError, IndexError) as error:
        return Done(None, could_not_start=f"{command.argv[0] if command.argv else '(nothing)'}: {error}")
    with process:
        return _attend(process, command, started)


def start_detached(argv: Sequence[str], cwd: str, env: Mapping[str, str], log_path: str) -> int:
    """Start a daemon that outlives us, its output appended to a file; return its process id.

    Raises:
        OSError: the program or the log file cannot be opened.
    """
    with open(log_path, "ab") as log:  # noqa: PTH123 - a plain descriptor is what the child needs
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # Somebody must collect the exit status while we live, else the daemon ends as a zombie that looks alive.
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
    return process.pid


async def open_piped(command: Command, stderr_path: str = "") -> asyncio.subprocess.Process:
    """Start a program to talk to over its pipes; ``output_bytes_max`` bounds one line.

    With ``stderr_path`` its complaints go to that file, else into a pipe. ``timeout_seconds``
    and ``stdin`` are the caller's business here.

    Raises:
        OSError: the program cannot be started.
    """
    log = open(stderr_path, "ab") if stderr_path else None  # noqa: ASYNC230, PTH123, SIM115
    try:
        return await asyncio.create_subprocess_exec(
            *command.argv,
            cwd=command.cwd,
            env=dict(command.env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log or subprocess.PIPE,
            start_new_session=True,
            limit=command.output_bytes_max,
        )
    finally:
        if log:
            log.close()


async def end_piped(process: asyncio.subprocess.Process, grace_seconds: float, marker: str = "") -> bool:
    """End a piped program and all that it started; tell whether nothing is left."""
    started_at = create_time(process.pid)
    if process.returncode is None:
        gone = await asyncio.to_thread(end_tree, process.pid, started_at, grace_seconds, marker)
    else:
        kill_group(process.pid)
        gone = not marker or await asyncio.to_thread(end_marked, marker)
    if process.stdin:
        process.stdin.close()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            # A full buffer holds the pipe open, and with it the end of the process.
            with contextlib.suppress(TimeoutError, ValueError, RuntimeError):
                await asyncio.wait_for(_discard(pipe), timeout=5)
    await asyncio.wait_for(process.wait(), timeout=5)
    return gone


async def _discard(pipe: asyncio.StreamReader) -> None:
    while await pipe.read(_CHUNK_BYTES):
        pass


def _has_credentials(word: str) -> bool:
    try:
        parts = urlsplit(word)
    except ValueError:
        return True
    return "@" in parts.netloc


def _attend(process: subprocess.Popen[bytes], command: Command, started: float) -> Done:
    started_at = create_time(process.pid)
    marker = command.env.get(MARKER, "")
    in_time = False
    try:
        pump = _pump(process, command)
        in_time = pump.until(lambda: process.poll() is not None, started + command.timeout_seconds)
    finally:
        if in_time:
            kill_group(process.pid)
            _ = marker and end_marked(marker)
        else:
            end_tree(process.pid, started_at, 0, marker)
    code = process.wait(_END_SECONDS)
    pump.finish()
    return Done(
        exit_code=code if in_time else None,
        stdout=pump.stdout.bytes(),
        stderr=pump.stderr.bytes(),
        seconds=time.monotonic() - started,
        timed_out=not in_time,
        truncated=pump.stdout.truncated or pump.stderr.truncated,
    )


def _pump(process: subprocess.Popen[bytes], command: Command) -> Pump:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise OurFault("pipe_missing", "A program was started without its three pipes.")
    pump = Pump(process.stdout.fileno(), process.stderr.fileno(), command.output_bytes_max)
    pump.feed(process.stdin.fileno(), command.stdin, process.stdin.close)
    return pump
