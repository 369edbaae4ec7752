"""Backups of data in text."""

from __future__ import annotations

from keelway.app.data.hand import Kept, Proven
from keelway.cli.show.text import say
from keelway.core.words.text import instant

MEGABYTE = 1_000_000


def listing(backups: tuple[Kept, ...]) -> None:
    """Print one line for each backup."""
    if not backups:
        say("There is no backup yet; one is taken before every deploy.")
    for one in backups:
        say(_line(one))


def taken(one: Kept) -> None:
    """Print what was taken."""
    say(f"Taken and proven: {_line(one)}", style="green")


def proven(found: Proven) -> None:
    """Print whether a backup comes back."""
    if found.wrong:
        say(f"{found.id} does NOT come back: {found.wrong}.", style="red")
        say(f"Next: keelway data take {found.environment}")
        return
    said = f"{found.id} came back in a scratch place in {found.seconds:.1f} s, {found.rows} rows as counted."
    say(said, style="green")


def _line(one: Kept) -> str:
    kinds, closed = "+".join(one.kinds), ", encrypted" if one.encrypted else ""
    size = f"{one.size_bytes / MEGABYTE:.1f} MB"
    return f"{one.id}  {instant(one.taken_at)}  {kinds}, {size}, {one.rows} rows{closed}"
