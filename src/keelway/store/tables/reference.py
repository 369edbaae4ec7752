"""Write the reference of the tables and views from the code that defines them."""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy import Table
from sqlalchemy.schema import Column

from keelway.store.tables import METADATA
from keelway.store.tables.views import VIEWS, View

START = "<!-- generated: tables -->"
END = "<!-- end of generated part -->"


def reference() -> str:
    """Return the Markdown of every view and table, between the marks that the page carries."""
    views = [_view(view) for view in VIEWS]
    tables = [_table(table) for _, table in sorted(METADATA.tables.items())]
    return "\n\n".join([START, "## Views", *views, "## Tables", *tables, END])


def inserted(page: str) -> str:
    """Return a page with its generated part renewed.

    Raises:
        ValueError: the page does not carry the marks.
    """
    before, rest = page.split(START, 1)
    _, after = rest.split(END, 1)
    return before + reference() + after


def _view(view: View) -> str:
    names = ", ".join(f"`{name}`" for name in view.columns)
    return f"### {view.name}\n\n{view.purpose}\n\nColumns: {names}."


def _table(table: Table) -> str:
    rows = [f"| `{column.name}` | {_kind(column)} | {column.doc or ''} |" for column in table.columns]
    return "\n".join([f"### {table.name}", "", "| column | type | meaning |", "|---|---|---|", *rows])


def _kind(column: Column[object]) -> str:
    kind = {"Words": "text", "Instant": "instant", "Plain": "JSON"}.get(type(column.type).__name__)
    shown = kind or type(column.type).__name__.lower()
    return f"{shown}, key" if column.primary_key else shown


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(inserted(page.read_text(encoding="utf-8")), encoding="utf-8")
