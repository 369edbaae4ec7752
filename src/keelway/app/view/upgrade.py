"""What an upgrade did, or would do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Moved:
    """Tell what became, or would become, of one story."""

    run: str
    story: str
    task: str
    """Name of its task, empty when it has none."""
    from_schema: str
    detail: str


@dataclass(frozen=True)
class Upgraded:
    """Tell what an upgrade did, or would do."""

    schema: str
    dry_run: bool
    book_from: int
    book_to: int
    backup: str = ""
    adopted: tuple[Moved, ...] = ()
    """Stories that go on under this schema."""
    closed: tuple[Moved, ...] = ()
    """Tasks whose recorded steps do not fit: they are ended, and their way back is walked."""
    stranded: tuple[Moved, ...] = ()
    """Stories that nothing could be done about."""
    untouched: int = 0
    """Unfinished runs that belong to this schema already."""
    in_the_way: tuple[str, ...] = ()
    """Who still works and would keep an upgrade from beginning."""
