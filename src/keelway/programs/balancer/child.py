"""Start the balancer as a process that outlives us, find it again, and end it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keelway.programs.front.record.disk import DamagedFile, read_json, write_atomic

_STEP_SECONDS = 0.05
_SHOWN_BYTES = 2_000


@dataclass(slots=True)
class Child:
    """Own one process, by its number and the moment it began."""

    record: Path
    log: Path
    pid: int = 0
    born: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def adopt(self) -> bool:
        """Take over the process of an earlier keeper; tell whether it lives."""
        with contextlib.suppress(DamagedFile):
            found = read_json(self.record, lambda value: (int(value["pid"]), str(value["born"])))
            if found is not None and begun(found[0]) == found[1] != "":
                self.pid, self.born = found
                return True
        return False

    def start(self, argv: Sequence[str], cwd: Path) -> None:
        """Start it in a session of its own, its words at the end of its log; raises OSError."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                list(argv), cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.pid, self.born = self._process.pid, begun(self._process.pid)
        write_atomic(self.record, json.dumps({"pid": self.pid, "born": self.born}).encode())

    def lives(self) -> bool:
        """Tell whether it still runs."""
        if self._process is not None:
            return self._process.poll() is None
        return self.pid > 0 and begun(self.pid) == self.born

    def end(self, number: signal.Signals) -> None:
        """Send it a signal, unless it is gone."""
        if self.lives():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; tell whether it came."""
        deadline = time.monotonic() + seconds
        while self.lives():
            if time.monotonic() > deadline:
                return False
            time.sleep(_STEP_SECONDS)
        return True

    def last_words(self) -> str:
        """Return the end of its log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - _SHOWN_BYTES))
                return file.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""


def begun(pid: int) -> str:
    """Return when a process began, in the kernel's own count; empty when it is gone or only waits to be collected."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in {"Z", "X"} else f"{_boot()}.{fields[19]}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
