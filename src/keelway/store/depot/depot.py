"""Keep bytes under the SHA-256 of themselves: the one shape that files and object stores fill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Item:
    """Name what lies in a depot."""

    name: str
    """The hash, or the name of a stray that a crash left."""
    size_bytes: int
    modified_at: datetime


class Depot(Protocol):
    """Keep, give and remove bytes; every verb may be repeated."""

    def put(self, sha: str, raw: bytes) -> None:
        """Keep bytes; when this returns they are safe, and half of them is never seen.

        Raises:
            TheirFault: there is no room (``disk_full``), or the place cannot be written.
        """
        ...

    def get(self, sha: str) -> bytes:
        """Return bytes as they lie there; the caller compares the hash.

        Raises:
            TheirFault: they are gone (``artefact_lost``), or the place cannot be read.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove an item; one that is not there is fine.

        Raises:
            TheirFault: the place cannot be written.
        """
        ...

    def items(self) -> Iterator[Item]:
        """Yield everything that lies there, strays included.

        Raises:
            TheirFault: the place cannot be read.
        """
        ...
