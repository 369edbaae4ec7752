"""Move the schema: ``up``, ``down STEPS`` or ``status``; a migration is a file with the texts UP and DOWN."""

from __future__ import annotations

import runpy
import sqlite3
import sys
from os import environ
from pathlib import Path

FOLDER = Path(__file__).parent / "migrations"


def migrations() -> dict[int, dict[str, object]]:
    """Return every migration by its number."""
    return {int(path.name[:4]): runpy.run_path(str(path)) for path in sorted(FOLDER.glob("[0-9]*.py"))}


def move(db: sqlite3.Connection, number: int, text: object, after: int) -> None:
    """Carry out one migration and its number in one transaction."""
    if text is None:
        sys.exit(f"migration {number} has no way down")
    db.execute("BEGIN IMMEDIATE")
    for statement in str(text).split(";"):
        if statement.strip():
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {after}")
    db.execute("COMMIT")


def main(words: list[str]) -> None:
    """Do what the words say."""
    db = sqlite3.connect(environ["PIER_DB"], timeout=20, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    known = migrations()
    if words[0] == "up":
        for number in [number for number in known if number > version]:
            move(db, number, known[number]["UP"], number)
    if words[0] == "down":
        for number in range(version, version - int(words[1]), -1):
            move(db, number, known[number].get("DOWN"), number - 1)
    print(db.execute("PRAGMA user_version").fetchone()[0])


if __name__ == "__main__":
    main(sys.argv[1:])
