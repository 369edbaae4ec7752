"""Keep what belongs to one run on disk: its home, its transcript and which processes it started."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from keelway.clients.files import read_bounded, remove_tree, write_atomic
from keelway.clients.shell import create_time, end_marked, end_tree
from keelway.core.errors import KeelwayError, OurFault

HOME = "home"
EMPTY = "empty"

_RECORD_BYTES_MAX = 10_000
_SAME_START_SECONDS = 1.0
_POLL_SECONDS = 0.02
_MARGIN_SECONDS = 5.0
_TEXTS = ("transcript.jsonl", "requests.jsonl", "egress.jsonl", "stderr.log")
_TEXT_BYTES_MAX = 4_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Live:
    """Record a run while it lives; written before its process starts and once more after."""

    task: str
    marker: str
    grace_seconds: float
    driver_pid: int
    driver_started_at: float
    pid: int = 0
    started_at: float = 0.0
    version: int = 1

    @property
    def driven(self) -> bool:
        """Tell whether the process that drives the run still lives."""
        started_at = create_time(self.driver_pid)
        return bool(started_at) and abs(started_at - self.driver_started_at) < _SAME_START_SECONDS

    def end(self) -> bool:
        """End every process of the run; tell whether nothing is left."""
        if self.pid:
            return end_tree(self.pid, self.started_at, 0, self.marker)
        return end_marked(self.marker)


class Room:
    """Own the folder of one (task, role, attempt)."""

    def __init__(self, root: Path, task: str, role: str, attempt: int) -> None:
        for name in (task, role):
            if not _NAME.fullmatch(name):
                raise OurFault("run_name_refused", f"{name!r:.80} cannot be part of a run's folder name.")
        self.task = task
        self.folder = root / f"{task}-{role}-{attempt}"
        self.home = self.folder / HOME
        self.empty = self.folder / EMPTY
        """Where a run without a workspace works."""
        self.transcript = self.folder / "transcript.jsonl"
        self.requests = self.folder / "requests.jsonl"
        """What was asked of the model, as the gateway saw it."""
        self.egress = self.folder / "egress.jsonl"
        """Which hosts were tried."""
        self.stderr = self.folder / "stderr.log"

    def enter(self, grace_seconds: float) -> Live:
        """End what an earlier run left, make a fresh home and record that a run begins."""
        earlier = read_live(self.folder)
        if earlier:
            earlier.end()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(self.folder)
        for folder in (self.home, self.empty):
            folder.mkdir(mode=0o700)
        live = Live(
            task=self.task,
            marker=uuid.uuid4().hex,
            grace_seconds=grace_seconds,
            driver_pid=os.getpid(),
            driver_started_at=create_time(os.getpid()),
        )
        self.record(live)
        return live

    def record(self, live: Live) -> None:
        """Write down what is known of the live run."""
        write_atomic(self.folder / "pid.json", json.dumps(asdict(live)).encode(), 0o600)

    def leave(self, live: Live) -> None:
        """Take back the record and the home, unless a later run has taken over."""
        current = read_live(self.folder)
        if current and current.marker == live.marker:
            sweep(self.folder)
            (self.folder / "pid.json").unlink(missing_ok=True)

    def texts(self) -> list[tuple[str, str]]:
        """Return name and content of what the run left in writing; of a long one the beginning and the end."""
        found = []
        for name in _TEXTS:
            with contextlib.suppress(OSError):
                text = _bounded(self.folder / name)
                if text.strip():
                    found.append((name, text))
        return found

    def cancelled(self) -> bool:
        """Tell whether somebody asked for the end of the run."""
        return (self.folder / "cancel").exists()


def rooms(root: Path) -> list[tuple[Path, Live]]:
    """Return the folders under ``root`` that hold a record of a live run."""
    if not root.is_dir():
        return []
    found = ((folder, read_live(folder)) for folder in sorted(root.iterdir()))
    return [(folder, live) for folder, live in found if live]


def read_live(folder: Path) -> Live | None:
    """Return the record of a live run, or None when there is none that can be read."""
    try:
        return Live(**json.loads(read_bounded(folder / "pid.json", _RECORD_BYTES_MAX)))
    except (OSError, ValueError, TypeError, KeelwayError):
        return None


def ask_to_end(folder: Path, live: Live) -> None:
    """End a run: through its driver if that lives and is quick enough, else by force."""
    if live.driven:
        (folder / "cancel").touch()
        deadline = time.monotonic() + live.grace_seconds + _MARGIN_SECONDS
        while time.monotonic() < deadline:
            if _over(folder, live):
                return
            time.sleep(_POLL_SECONDS)
    clear(folder, live)


def clear(folder: Path, live: Live) -> None:
    """End the processes of a run whose driver is gone and take back its record."""
    current = read_live(folder) or live
    current.end()
    if current.marker == live.marker:
        sweep(folder)
        (folder / "pid.json").unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what only a live run needs; the transcript and the complaints stay."""
    (folder / "cancel").unlink(missing_ok=True)
    for name in (HOME, EMPTY):
        with contextlib.suppress(OSError):
            remove_tree(folder / name, folder)


def _bounded(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as stream:
        size, half = os.fstat(descriptor).st_size, _TEXT_BYTES_MAX // 2
        if size <= _TEXT_BYTES_MAX:
            return stream.read(_TEXT_BYTES_MAX).decode(errors="replace")
        head = stream.read(half).decode(errors="replace")
        stream.seek(size - half)
        tail = stream.read(half).decode(errors="replace")
    return f"{head}\n... {size - 2 * half} bytes left out ...\n{tail}"


def _over(folder: Path, live: Live) -> bool:
    current = read_live(folder)
    return current is None or current.marker != live.marker
