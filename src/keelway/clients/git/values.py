"""What git told us, as values."""

from __future__ import annotations

from dataclasses import dataclass

ZERO = "0" * 40


@dataclass(frozen=True)
class Commit:
    """Describe one commit."""

    sha: str
    tree_sha: str
    parents: tuple[str, ...]
    at: int
    """Commit time in epoch seconds."""
    message: str


@dataclass(frozen=True)
class Entry:
    """Describe one file of a tree."""

    mode: str
    sha: str
    path: str


@dataclass(frozen=True)
class Merged:
    """State the result of a merge in memory; with conflicts the tree is of no use."""

    tree_sha: str
    conflicts: tuple[str, ...] = ()
