"""Dump and list a PostgreSQL database with the server's own programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from keelway.clients.backup.kind.programs import postgres_program
from keelway.clients.shell import Command, base_env, run
from keelway.core.errors import TheirFault

DUMP_SECONDS_MAX = 4 * 3_600.0
LIST_SECONDS_MAX = 600.0
_LIST_BYTES_MAX = 8_000_000
_WANTED = "keel_events"
"""The table without which a dump is none of the store."""


def take(engine: Engine, fresh: Path, say: Callable[[str], None]) -> None:
    """Dump the database into a file in the custom format, and read the list of what is in it.

    Raises:
        YourFault: the programs are not installed.
        TheirFault: the dump failed, or is not one of a store.
    """
    dump, restore = postgres_program("pg_dump"), postgres_program("pg_restore")
    where, environment = _place(engine)
    say("Dumping the database.")
    argv = (dump, "--format=custom", "--no-password", f"--file={fresh}", f"--dbname={where}")
    _insist(Command(argv, "/", environment, DUMP_SECONDS_MAX), "dumped")
    say("Checking the dump.")
    told = _insist(
        Command((restore, "--list", str(fresh)), "/", environment, LIST_SECONDS_MAX, _LIST_BYTES_MAX),
        "read back",
    )
    if f" {_WANTED} " not in told:
        raise TheirFault(
            "backup_damaged",
            f"The dump does not hold {_WANTED} and was removed.",
            "keelway db check; is this the right database?",
        )


def _place(engine: Engine) -> tuple[str, dict[str, str]]:
    """Return the connection as libpq reads it, and the environment that holds what nobody may see in a list."""
    from psycopg.conninfo import make_conninfo

    words: dict[str, Any] = engine.url.translate_connect_args(database="dbname", username="user")
    words |= engine.url.query
    environment = base_env(str(Path("~").expanduser()))
    password = words.pop("password", None)
    if password:
        environment["PGPASSWORD"] = str(password)
    return make_conninfo("", **{name: _one(value) for name, value in words.items()}), environment


def _one(value: Any) -> str:
    """Return a word of the address as libpq takes it: several hosts are one list."""
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _insist(command: Command, what: str) -> str:
    done = run(command)
    if done.passed:
        return done.stdout.decode("utf-8", "replace")
    said = done.could_not_start or " ".join(done.stderr.decode("utf-8", "replace").split())[-600:]
    newer = "server version mismatch" in said
    raise TheirFault(
        "backup_failed",
        f"The database could not be {what}: {said or 'it took too long'}. Nothing was left there.",
        "install the client programs of the server's version" if newer else "keelway doctor, then try again",
    )
