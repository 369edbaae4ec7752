"""The list of workers in the store (``ports.roster.Roster``); every time is that of the database's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, create_engine, delete, event, insert, or_, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from keelway.core.errors import YourFault
from keelway.ports.roster import Presence, Worker
from keelway.store.dialect import WRITE, lock_schema, prepare
from keelway.store.fault import reported
from keelway.store.tables.column import Instant
from keelway.store.tables.workers import WORKERS

KEPT_SECONDS = 86_400.0
"""A worker that is dead or has left is forgotten after a day."""

_SAID = ("id", "host", "place", "machine", "pid", "begun_epoch")


class ago(GenericFunction[datetime]):  # noqa: N801 - named like the SQL it becomes
    """Return the instant of the database's clock so many seconds ago."""

    type = Instant()
    inherit_cache = True


@compiles(ago, "postgresql")
def _ago_on_postgresql(element: ago, compiler: Any, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"(clock_timestamp() - make_interval(secs => CAST({seconds} AS double precision)))"


@compiles(ago, "sqlite")
def _ago_on_sqlite(element: ago, compiler: Any, **options: Any) -> str:
    return f"now_minus({compiler.process(element.clauses, **options)} || ' seconds')"


def open_roster(database_url: str, patience_seconds: float = 5.0) -> SqlRoster:
    """Open the list with connections of its own, which give up early: a beat must not wait for others.

    Args:
        database_url: the address of the store, whose schema is up to date.
        patience_seconds: how long the database may take for an answer.
    """
    address = make_url(database_url)
    postgresql = address.get_backend_name() == "postgresql"
    milliseconds = round(patience_seconds * 1_000)
    settings = {"connect_timeout": max(2, round(patience_seconds)), "tcp_user_timeout": milliseconds}
    engine = create_engine(
        address,
        pool_size=2,
        max_overflow=2,
        pool_timeout=patience_seconds,
        connect_args=settings if postgresql else {},
    )
    prepare(engine)
    if postgresql:
        event.listen(engine, "connect", lambda connection, _record: _hurry(connection, milliseconds))
    return SqlRoster(engine)


def _hurry(connection: Any, milliseconds: int) -> None:
    """Let no statement wait long, and a process that is frozen inside a transaction hold nothing for long."""
    with connection.cursor() as cursor:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SET {name} = {milliseconds}")
    connection.commit()


class SqlRoster:
    """Keep the list of workers in the store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def join(self, worker: Worker, lease_seconds: float) -> None:
        """Enter a worker and forget those that have been dead for a day.

        Raises:
            YourFault: its id was used before, or a worker that lives has another schema number.
        """
        told = {name: getattr(worker, name) for name in _SAID}
        told |= {"roles": list(worker.roles), "schema_number": worker.schema}
        told |= {"joined_at": ago(0), "heard_at": ago(0)}
        with self._writing() as connection:
            lock_schema(connection)  # two that join at once see each other
            other = connection.execute(
                select(WORKERS).where(
                    WORKERS.c.schema_number != worker.schema,
                    *_acting(lease_seconds),
                    WORKERS.c.id != worker.id,
                )
            ).first()
            if other is not None:
                raise _mixed(worker, other)
            old = or_(WORKERS.c.dead_at < ago(KEPT_SECONDS), WORKERS.c.left_at < ago(KEPT_SECONDS))
            connection.execute(delete(WORKERS).where(WORKERS.c.dead_at.is_not(None), old))
            try:
                connection.execute(insert(WORKERS).values(**told))
            except IntegrityError:
                raise _known(worker) from None

    def beat(self, worker_id: str) -> bool:
        """Say that a worker lives; ``False`` once it was declared dead, has left or is unknown."""
        mine = (WORKERS.c.id == worker_id, WORKERS.c.dead_at.is_(None), WORKERS.c.left_at.is_(None))
        with self._writing() as connection:
            return connection.execute(update(WORKERS).where(*mine).values(heard_at=ago(0))).rowcount == 1

    def claim_dead(self, by: str, lease_seconds: float, gone: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Declare dead who was silent for a lease, has left or is known to be gone, and return their ids."""
        over = or_(
            WORKERS.c.heard_at < ago(lease_seconds), WORKERS.c.left_at.is_not(None), WORKERS.c.id.in_(gone)
        )
        claim = (
            update(WORKERS)
            .where(WORKERS.c.dead_at.is_(None), WORKERS.c.id != by, over)
            .values(dead_at=ago(0), dead_by=by)
            .returning(WORKERS.c.id)
        )
        with self._writing() as connection:
            return tuple(sorted(connection.execute(claim).scalars()))

    def leave(self, worker_id: str) -> None:
        """End a worker's work: what it left unfinished may be taken up at once."""
        mine = (WORKERS.c.id == worker_id, WORKERS.c.dead_at.is_(None), WORKERS.c.left_at.is_(None))
        with self._writing() as connection:
            connection.execute(update(WORKERS).where(*mine).values(left_at=ago(0)))

    def workers(self) -> tuple[Presence, ...]:
        """Return everybody who joined within the last day or still works, oldest first."""
        query = select(WORKERS, ago(0).label("now_at")).order_by(WORKERS.c.joined_at, WORKERS.c.id)
        with reported(), self._engine.connect() as connection:
            return tuple(_presence(row) for row in connection.execute(query))

    def alive(self, worker_id: str, lease_seconds: float) -> bool:
        """Say whether a worker may act: heard of within a lease and not declared dead."""
        query = select(WORKERS.c.id).where(WORKERS.c.id == worker_id, *_acting(lease_seconds))
        with reported(), self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with (
            reported(),
            self._engine.connect().execution_options(**WRITE) as connection,
            connection.begin(),
        ):
            yield connection


def _acting(lease_seconds: float) -> tuple[Any, ...]:
    return (
        WORKERS.c.dead_at.is_(None),
        WORKERS.c.left_at.is_(None),
        WORKERS.c.heard_at >= ago(lease_seconds),
    )


def _presence(row: Row[Any]) -> Presence:
    said = {name: row._mapping[name] for name in _SAID}  # noqa: SLF001
    dead = 0.0 if row.dead_at is None else _seconds(row.now_at - row.dead_at)
    return Presence(
        Worker(**said, roles=tuple(row.roles or ()), schema=row.schema_number),
        row.joined_at,
        row.heard_at,
        _seconds(row.now_at - row.heard_at),
        row.left_at,
        row.dead_at,
        row.dead_by,
        dead,
    )


def _seconds(span: timedelta) -> float:
    return max(0.0, span.total_seconds())


def _known(worker: Worker) -> YourFault:
    return YourFault(
        "worker_known",
        f"A worker {worker.id} has joined before, and two of one name would do the work twice.",
        "start the worker again: it takes a new name",
    )


def _mixed(worker: Worker, other: Row[Any]) -> YourFault:
    return YourFault(
        "schema_mixed",
        f"The worker {other.id} on {other.host} continues stories of schema {other.schema_number}, "
        f"this one those of {worker.schema}.",
        "stop the old workers, run keelway upgrade once, then start the new ones",
    )
