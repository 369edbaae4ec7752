"""Send every kind of bad release to production and print what each cost: ``python -m tests.releases.run``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.releases.kinds.kind import Kind
from tests.releases.kinds.table import ALONE, BY_NAME, GOOD, TOGETHER
from tests.releases.page import HEADING, cells, write_page
from tests.releases.row import Row, plain
from tests.releases.trial import CannotMount, trial, world

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".releases"


def main(words: list[str]) -> int:
    """Run what was chosen; the exit code is 1 when one ended as it must not."""
    asked = argparse.ArgumentParser(prog="make releases", description=__doc__)
    asked.add_argument("--only", default="", help="names of kinds, with commas between them")
    asked.add_argument(
        "--write", action="store_true", help="write the table into docs/explain/bad-releases.md"
    )
    asked.add_argument("--kept", action="store_true", help="run nothing: write what earlier runs kept")
    chosen = asked.parse_args(words)
    if chosen.kept:
        kept = keep([])
        write_page([kept[name] for name in BY_NAME if name in kept])
        return 0
    names = [name for name in chosen.only.split(",") if name]
    unknown = set(names) - set(BY_NAME)
    if unknown:
        sys.stderr.write(f"There is no kind {', '.join(sorted(unknown))}.\n")
        return 2
    wanted = [kind for kind in BY_NAME.values() if not names or kind.name in names]
    began, rows = time.monotonic(), run(wanted)
    kept = keep(rows)
    wrong = [row.name for row in rows if not row.right]
    seconds = time.monotonic() - began
    sys.stdout.write(
        f"{len(rows)} kinds in {seconds:.0f} s, {len(wrong)} ended as they must not: {', '.join(wrong)}\n"
    )
    if chosen.write:
        write_page([kept[name] for name in BY_NAME if name in kept])
    return 1 if wrong else 0


def keep(rows: list[Row]) -> dict[str, Row]:
    """Put rows beside those of earlier runs, and return all of them by name."""
    file = KEPT / "rows.json"
    KEPT.mkdir(exist_ok=True)
    kept = {line["name"]: Row(**line) for line in (json.loads(file.read_text()) if file.exists() else [])}
    kept |= {row.name: row for row in rows}
    file.write_text(json.dumps([plain(row) for row in kept.values()], indent=1))
    return kept


def run(wanted: list[Kind]) -> list[Row]:
    """Run kinds that share a world one after the other, then those that have one of their own."""
    found: dict[str, Row] = {}
    sys.stdout.write(" | ".join(HEADING) + "\n")
    together = [kind for kind in (*TOGETHER, *GOOD) if kind in wanted]
    if together:
        with tempfile.TemporaryDirectory(prefix="kw-rel-") as folder, world(Path(folder)) as pier:
            for number, kind in enumerate(together, start=1):
                found[kind.name] = tell(trial(pier, kind, number))
    for kind in [kind for kind in ALONE if kind in wanted]:
        with tempfile.TemporaryDirectory(prefix="kw-rel-") as folder:
            try:
                with world(Path(folder), kind) as pier:
                    found[kind.name] = tell(trial(pier, kind))
            except CannotMount:
                sys.stdout.write(f"{kind.name} | not run: it needs a small disk; run it as root\n")
    return [found[kind.name] for kind in wanted if kind.name in found]


def tell(row: Row) -> Row:
    """Print a row as soon as it is known."""
    sys.stdout.write(" | ".join(cells(row)) + ("" if row.right else f"   <-- {row.said}") + "\n")
    sys.stdout.flush()
    keep([row])  # a run that is broken off has lost nothing
    return row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
