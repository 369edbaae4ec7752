"""Keep the head of the chain outside the database, so that a cut-off tail is noticed.

The file ``audit.head`` holds the sequence number and the hash of the newest event that this home
has written. It is overwritten after each commit; a crash between the two leaves it older than the
database, which is harmless, never newer.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_RECORD_BYTES = 160
"""The record has one length and lies in one sector, so that it is overwritten whole or not at all."""


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

    def advance(self, head: Head, hash_at: Callable[[int], str]) -> None:
        """Replace the file unless it is newer already, or has seen another chain than this one.

        A witness that contradicts the chain stays as it is until a person has looked at it; else the
        next events would cover up a tail that was cut off.

        Args:
            head: the new end of the chain.
            hash_at: returns the hash that the chain has at a sequence number.

        Raises:
            OSError: the home cannot be written.
            ValueError: the file does not hold a head; it is left for a person to look at.
        """
        with self._locked():
            known = self.read()
            if known is not None and not _extends(head, known, hash_at):
                return
            text = json.dumps({"hash": head.hash, "sequence": head.sequence})
            record = (text.ljust(_RECORD_BYTES - 1) + "\n").encode()
            if known is None:
                _create(self.path, record)
            else:
                _overwrite(self.path, record)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _extends(head: Head, known: Head, hash_at: Callable[[int], str]) -> bool:
    return head.sequence > known.sequence and hash_at(known.sequence) == known.hash


def _create(path: Path, record: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(record)
    fresh.replace(path)


def _overwrite(path: Path, record: bytes) -> None:
    # A rename over an old file waits for the disk; this does not, and the database has the truth.
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, record, 0)
    finally:
        os.close(descriptor)
