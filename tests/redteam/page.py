"""Write the table of the catalogue into its page: ``python -m tests.redteam.page``."""

from __future__ import annotations

from pathlib import Path

from tests.redteam.rows import GROUPS, Row

PAGE = Path(__file__).parents[2] / "docs" / "explain" / "what-it-stops.md"
BEGIN, END = (
    "<!-- the catalogue: written by python -m tests.redteam.page -->",
    "<!-- end of the catalogue -->",
)


def table() -> str:
    """Return the whole catalogue in Markdown."""
    parts = []
    for name, rows in GROUPS.items():
        lines = [f"### {name}", "", "| row | attack | stopped by | shown by |", "|---|---|---|---|"]
        parts.append("\n".join([*lines, *map(_line, rows)]))
    return "\n\n".join(parts)


def _line(row: Row) -> str:
    if row.beyond:
        return f"| {row.id} | {row.attack} | *{row.beyond}* | |"
    files = dict.fromkeys(name.partition("::")[0] for name in row.tests)
    return f"| {row.id} | {row.attack} | {row.stop} | {', '.join(f'`{path}`' for path in files)} |"


def main() -> None:
    """Replace the table."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}")


if __name__ == "__main__":
    main()
