"""What the database alone takes: ten inserts, each committed, with the settings that Keelway uses."""

from __future__ import annotations

import sqlite3
import sys
import threading

from turn import STEPS, Stamps, serve

INSERT = "INSERT INTO steps (task, number, result) VALUES ({0}, {0}, {0})"


def connect(url: str):
    """Open a connection of the driver's own."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)
        connection.execute("PRAGMA journal_mode=WAL").close()
        connection.execute("PRAGMA synchronous=FULL").close()
        return connection
    import psycopg

    return psycopg.connect(url.replace("+psycopg", ""))


def main() -> None:
    """Serve turns on the database of the first argument."""
    url, stamps, local = sys.argv[1], Stamps(), threading.local()
    insert = INSERT.format("?" if url.startswith("sqlite") else "%s")
    with connect(url) as first:
        first.execute(
            "CREATE TABLE steps (task TEXT, number INTEGER, result TEXT, PRIMARY KEY (task, number))"
        )
        first.commit()

    def run_one(task: str) -> None:
        if not hasattr(local, "connection"):
            local.connection = connect(url)
        for number in range(STEPS):
            local.connection.execute(insert, (task, number, str(stamps.note(task, number))))
            local.connection.commit()

    serve(run_one, stamps)


if __name__ == "__main__":
    main()
