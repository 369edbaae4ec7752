"""Lines and tables: coloured on a terminal, plain everywhere else, never a control character from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from keelway.core.words.text import clean, cut, duration

STYLES = {
    "deployed": "green",
    "live": "green",
    "pass": "green",
    "passed": "green",
    "ok": "green",
    "failed": "red",
    "fail": "red",
    "rolled_back": "red",
    "undone": "red",
    "aborted": "dim",
    "superseded": "dim",
    "waiting": "dim",
    "plan_pending_approval": "yellow",
    "hold": "yellow",
    "held": "yellow",
    "warn": "yellow",
    "running": "cyan",
    "blocked": "green",
    "ESCAPED": "bold red",
    "known gap": "yellow",
    "not tested": "dim",
}

Cell = str | int | float | None
CELL_CHARS_MAX = 240


def console() -> Console:
    """Return the terminal as it is now; without one there is no colour and no cutting of lines."""
    return Console(highlight=False, soft_wrap=True)


def say(*lines: str, style: str = "") -> None:
    """Print lines that mean nothing but their letters."""
    screen = console()
    for text in lines:
        screen.print(Text(clean(text), style=style))


def brief(text: str, limit: int = CELL_CHARS_MAX) -> str:
    """Return the beginning of a text for a row; ``keelway explain``, ``logs`` and ``--json`` have the whole."""
    return cut(" ".join(text.split()), limit)


def table(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Print rows under headers; words of a status get their colour."""
    body = [[_word(cell) for cell in row] for row in rows]
    screen = console()
    if not screen.is_terminal:
        _plain(headers, body)
        return
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        shown.add_column(header, overflow="fold")
    for row in body:
        shown.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    screen.print(shown, soft_wrap=False)


def facts(pairs: Iterable[tuple[str, Cell]]) -> None:
    """Print names with their values, those without a value left out."""
    known = [(name, _word(value)) for name, value in pairs if value not in {None, ""}]
    width = max((len(name) for name, _ in known), default=0)
    screen = console()
    for name, value in known:
        screen.print(Text.assemble((f"{name:<{width}}  ", "dim"), (value, STYLES.get(value, ""))))


def ago(at: datetime | None) -> str:
    """Return how long ago something was."""
    if at is None:
        return ""
    return f"{duration((datetime.now(UTC) - at).total_seconds())} ago"


def clock(at: datetime | None) -> str:
    """Return the time of day here."""
    return f"{at.astimezone():%H:%M:%S}" if at else ""


def number(value: Any, unit: str = "") -> str:
    """Return a figure for people."""
    shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f"{shown}{unit}"


def _plain(headers: Sequence[str], body: list[list[str]]) -> None:
    rows = [list(headers), *body]
    widths = [max(len(row[column]) for row in rows) for column in range(len(headers))]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _word(cell: Cell) -> str:
    if cell is None:
        return ""
    return " ".join(clean(str(cell)).split())
