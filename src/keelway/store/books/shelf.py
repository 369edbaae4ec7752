"""The common part of the books: where they are written."""

from __future__ import annotations

from keelway.store.chain.journal import Journal

ROWS_MAX = 10_000
"""No list is longer than this, whatever a caller asks for."""


class Shelf:
    """Hold the journal that a book reads and writes."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal


def bounded(limit: int) -> int:
    """Return a limit that a database can serve."""
    return max(0, min(limit, ROWS_MAX))
