"""Keep the head of the chain outside the database, so that a cut-off tail is noticed.

The file ``audit.head`` holds the sequence number and the hash of the newest event that this home
has written. It is replaced after each commit; a crash between the two leaves it older than the
database, which is harmless, never newer.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Head:
    """Name the end of the chain."""

    sequence: int
    hash: str


class Witness:
    """Read and replace the file of one home."""

    def __init__(self, home: Path) -> None:
        self.path = home / "audit.head"
        self._lock = home / "audit.head.lock"

    def read(self) -> Head | None:
        """Return the head, ``None`` when the file is not there.

        Raises:
            ValueError: the file does not hold a head.
        """
        try:
            plain = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        try:
            return Head(int(plain["sequence"]), str(plain["hash"]))
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not a chain head: {plain!r}") from problem

    def advance(self, head: Head) -> None:
        """Replace the file unless it is newer already.

        Raises:
            OSError: the home cannot be written.
            ValueError: the file does not hold a head; it is left for a person to look at.
        """
        with self._locked():
            known = self.read()
            if known is not None and known.sequence >= head.sequence:
                return
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps({"hash": head.hash, "sequence": head.sequence}), encoding="utf-8")
            fresh.replace(self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
