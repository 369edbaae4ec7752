"""The table of bad releases in the documentation."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.releases.row import Row

PAGE = Path(__file__).parents[2] / "docs" / "explain" / "bad-releases.md"
BEGIN, END = "<!-- table: make releases -->", "<!-- end of the table -->"
HEADING = (
    "kind",
    "row",
    "what is wrong",
    "end",
    "noticed by",
    "noticed after",
    "good again after",
    "errors",
    "of",
    "rows lost",
)


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row."""
    return (
        row.name,
        row.row,
        row.what,
        row.end,
        row.by,
        _seconds(row.detect_seconds),
        _seconds(row.back_seconds),
        str(row.errors),
        str(row.requests),
        str(row.rows_lost),
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def table(rows: list[Row]) -> str:
    """Return the table with one sentence about the whole."""
    ends = Counter(row.end for row in rows)
    counted = ", ".join(f"{count} {end}" for end, count in ends.most_common())
    lines = [
        f"{len(rows)} kinds, {counted}; {sum(row.rows_lost for row in rows)} rows lost.",
        "",
        "| " + " | ".join(HEADING) + " |",
        "|---|---|---|---|---|---:|---:|---:|---:|---:|",
        *("| " + " | ".join(cells(row)) + " |" for row in rows),
    ]
    return "\n".join(lines)


def write_page(rows: list[Row]) -> None:
    """Put the table where the page has its place for it."""
    text = PAGE.read_text()
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{table(rows)}\n{END}{tail}")
