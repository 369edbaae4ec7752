"""Move the schema up or down, one transaction per step: python -m harbor.migrate up | down | status."""

import argparse
import json
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harbor.db import connect, timestamp, transaction
from harbor.settings import read_settings

FOLDER = Path(__file__).parent / "migrations"


class MigrationError(Exception):
    """Say why the schema cannot be moved, and what to do."""


@dataclass(frozen=True)
class Migration:
    """Name one step of the schema and the two files that take it there and back."""

    version: int
    name: str

    def statements(self, direction: str) -> list[str]:
        """Split the file for "up" or "down" into single statements, because executescript would commit early."""
        file = FOLDER / f"{self.version:04}_{self.name}.{direction}.sql"
        found, text = [], ""
        for line in file.read_text().splitlines(keepends=True):
            text += line
            if sqlite3.complete_statement(text):
                found.append(text.strip())
                text = ""
        return found


def migrations() -> list[Migration]:
    """List the steps this release knows, oldest first."""
    names = sorted(file.name.removesuffix(".up.sql") for file in FOLDER.glob("*.up.sql"))
    return [Migration(int(name[:4]), name[5:]) for name in names]


def current_version(db: sqlite3.Connection) -> int:
    """Return the schema version of a migrated database."""
    return int(db.execute("SELECT COALESCE(MAX(version), 0) FROM schema_version").fetchone()[0])


def _prepare(db: sqlite3.Connection) -> None:
    columns = "version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL"
    db.execute(f"CREATE TABLE IF NOT EXISTS schema_version ({columns})")


def up(db: sqlite3.Connection) -> list[int]:
    """Apply every missing step and return their versions; a schema from a newer release is left alone."""
    _prepare(db)
    applied = []
    for step in migrations():
        with transaction(db):
            if step.version <= current_version(db):
                continue
            for statement in step.statements("up"):
                db.execute(statement)
            db.execute("INSERT INTO schema_version VALUES (?, ?, ?)", (step.version, step.name, timestamp()))
        applied.append(step.version)
    return applied


def down(db: sqlite3.Connection, steps: int) -> list[int]:
    """Take back the newest steps and return their versions; raise MigrationError for a step of a newer release."""
    _prepare(db)
    known = {step.version: step for step in migrations()}
    reverted = []
    for _ in range(min(steps, current_version(db))):
        with transaction(db):
            version = current_version(db)
            if version not in known:
                raise MigrationError(f"no file for step {version}. Run down with the release that made it.")
            for statement in known[version].statements("down"):
                db.execute(statement)
            db.execute("DELETE FROM schema_version WHERE version = ?", (version,))
        reverted.append(version)
    return reverted


def report(db: sqlite3.Connection) -> dict[str, Any]:
    """Tell where the schema stands and what this release would add."""
    version, known = current_version(db), [step.version for step in migrations()]
    return {"version": version, "latest": max(known), "pending": [step for step in known if step > version]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command against HARBOR_DB; return 1 with a sentence on the error stream when it cannot be done."""
    parser = argparse.ArgumentParser(prog="harbor.migrate", description="Move the schema of HARBOR_DB.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="apply every missing step")
    commands.add_parser("down", help="take steps back").add_argument("--steps", type=int, default=1)
    commands.add_parser("status", help="print the version").add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        with closing(connect(read_settings().db, create=True)) as db:
            _prepare(db)
            if asked.command == "status":
                print(json.dumps(report(db)) if asked.json else current_version(db))
            else:
                moved = up(db) if asked.command == "up" else down(db, asked.steps)
                print(f"{asked.command}: {moved or 'nothing to do'}, schema {current_version(db)}")
    except (MigrationError, sqlite3.Error) as error:
        print(f"Stopped, earlier steps are kept: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
