"""A database that money moves through while it is copied: the sum never changes, the moves only grow."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ACCOUNTS, CENTS = 50, 100
SUM = ACCOUNTS * CENTS
TABLES = (
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, cents INTEGER NOT NULL)",
    "CREATE TABLE moves (id {serial}, account INTEGER REFERENCES accounts (id), note TEXT)",
)


@contextmanager
def writers(write: Callable[..., None], *args: Any, count: int = 2, folder: Path) -> Iterator[None]:
    """Let processes write until the end of the block; they are told by a file."""
    stop = folder / f"stop-{time.monotonic_ns()}"
    context = multiprocessing.get_context("spawn")
    children = [
        context.Process(target=write, args=(*args, seed * 1_000, str(stop))) for seed in range(1, count + 1)
    ]
    for child in children:
        child.start()
    try:
        yield
    finally:
        stop.write_text("x")
        for child in children:
            child.join(30)
        assert [child.exitcode for child in children] == [0] * count


def move_in_postgres(told: str, seed: int, stop: str) -> None:
    """Move money between accounts in transactions that keep the sum, until told to stop; connect again when ended."""
    import psycopg

    number = seed
    while not Path(stop).exists():
        try:
            with psycopg.connect(told, autocommit=True) as db:
                while not Path(stop).exists():
                    number += 1
                    one, other = sorted((number % ACCOUNTS + 1, number * 7 % ACCOUNTS + 1))
                    with db.transaction():
                        db.execute("UPDATE accounts SET cents = cents - 1 WHERE id = %s", (one,))
                        db.execute("UPDATE accounts SET cents = cents + 1 WHERE id = %s", (other,))
                        db.execute("INSERT INTO moves (account, note) VALUES (%s, 'x')", (one,))
                    time.sleep(0.002)
        except psycopg.OperationalError:
            time.sleep(0.05)


def make_in_postgres(db: Any) -> None:
    """Make the tables and fill the accounts."""
    for statement in TABLES:
        db.execute(statement.replace("{serial}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"))
    db.execute(f"INSERT INTO accounts SELECT n, {CENTS} FROM generate_series(1, {ACCOUNTS}) n")
