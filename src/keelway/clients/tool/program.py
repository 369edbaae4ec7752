"""Find a scanner's program and run it in a private folder, bounded in time and output."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import uuid
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from keelway.clients.shell import MARKER, Command, Done, base_env, run

_OUTPUT_BYTES_MAX = 16 * 1024 * 1024
_VERSION_SECONDS = 60.0
_SAID_CHARS_MAX = 300
_OFFLINE = ("PATH", "LANG", "HOME")


def find_program(name: str) -> str:
    """Return the path of a program beside our own Python or on the search path, empty when there is none."""
    beside = Path(sys.executable).parent / name
    if beside.is_file():
        return str(beside)
    return shutil.which(name, path=base_env("/nonexistent")["PATH"]) or ""


def version_of(name: str, package: str = "") -> str:
    """Return the version of a program; of one beside our own Python that of its package, without a start."""
    path = find_program(name)
    if not path:
        return ""
    if package and Path(path).parent == Path(sys.executable).parent:
        try:
            return version(package)
        except PackageNotFoundError:
            pass
    return _asked(path, Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _asked(path: str, _altered_at: int) -> str:
    with tempfile.TemporaryDirectory(prefix="keelway-version-") as home:
        done = run(Command((path, "--version"), home, base_env(home), _VERSION_SECONDS))
    words = done.stdout.decode("utf-8", "replace").split()
    return next((word for word in words if word[:1].isdigit()), "unknown")


def run_program(
    name: str, *args: str, folder: str, seconds_max: float, online: bool = False, **more: str
) -> Done:
    """Run a program to its end or its timeout in a folder; everything it started ends with it.

    Args:
        name: of the program.
        args: after its name.
        folder: where it runs; its home and its temporary files lie there too.
        seconds_max: how long it may take.
        online: give it the addresses of indexes and proxies; without them it has none.
        more: further variables of its environment.
    """
    room = Path(folder)
    for part in ("home", "tmp"):
        (room / part).mkdir(mode=0o700, exist_ok=True)
    env = base_env(str(room / "home"))
    if not online:
        env = {key: value for key, value in env.items() if key in _OFFLINE}
    env |= {
        "TMPDIR": str(room / "tmp"),
        "NO_COLOR": "1",
        "CI": "1",
        MARKER: f"scan-{uuid.uuid4().hex}",
        **more,
    }
    return run(Command((find_program(name) or name, *args), folder, env, seconds_max, _OUTPUT_BYTES_MAX))


def fault_of(done: Done, accepted: frozenset[int]) -> str:
    """Return why a run proves nothing, empty when it ended as it should."""
    if done.could_not_start:
        return f"it could not start: {done.could_not_start}"
    if done.timed_out:
        return f"it was stopped after {done.seconds:.0f} s."
    if done.truncated:
        return "it said more than is read."
    if done.exit_code not in accepted:
        said = " ".join((done.stderr or done.stdout).decode("utf-8", "replace").split())
        return f"it ended with {done.exit_code}: {said[-_SAID_CHARS_MAX:] or 'it said nothing.'}"
    return ""


def answer_of(done: Done) -> Any:
    """Return the JSON that a run printed.

    Raises:
        ValueError: it is none.
    """
    return json.loads(done.stdout.decode("utf-8", "replace"))
