"""What a scanner says: what it found, how much it looked at, or why it could not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Hit:
    """Name one thing that a scanner found; no secret is ever part of it."""

    path: str
    line: int
    """First line, from 1; 0 when the hit is about the whole file."""
    rule: str
    message: str
    end_line: int = 0
    """Last line; 0 for the first one."""
    text: str = ""
    """What tells this hit from others of its rule in the file, wherever it stands: such as a digest of its lines."""
    sure: bool = True
    """A hit that is not sure asks a person."""


def lines_mark(text: str, first: int, last: int) -> str:
    """Return a digest of some lines, the same wherever they stand and however they are indented."""
    said = text.split("\n")[first - 1 : last]
    return hashlib.sha256("".join(" ".join(line.split()) for line in said).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ScanReport:
    """Hold what one scanner says about a patch."""

    tool: str
    version: str = ""
    examined: tuple[str, ...] = ()
    """Paths of the patch that it really read."""
    hits: tuple[Hit, ...] = ()
    base_hits: tuple[Hit, ...] = ()
    """The same about the files as they were before."""
    absent: str = ""
    """The command that installs it, when it is not there."""
    error: str = ""
    """Why it could say nothing."""
    unreached: str = ""
    """Why the service that it asks gave no answer; then a person is asked."""
