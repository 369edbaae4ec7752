"""Find lessons by words, with what each database has for it; nothing else knows which that is.

SQLite: an FTS5 table beside ``keel_lessons``; where SQLite was built without it, ``LIKE``.
PostgreSQL: ``tsvector`` and a GIN index. All of them only choose candidates among terms that
hold letters and digits alone; the order is worked out in the core, so it is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
)

from keelway.core.lesson.terms import terms
from keelway.store.tables import LESSONS
from keelway.store.tables.column import PREFIX

INDEX = "keel_lessons_index"
"""The FTS5 table; SQLite keeps its parts in tables whose names begin so."""
GIN = "ix_keel_lessons_words"
CANDIDATES_MAX = 200

_THERE = text(
    "SELECT 1 FROM sqlite_master WHERE name = :name "
    "AND EXISTS (SELECT 1 FROM pragma_module_list WHERE name = 'fts5')"
)
_PARTS = text(f"SELECT count(*), total(id) FROM {INDEX}_docsize")  # noqa: S608 - our own name
_WHOLE = text("SELECT count(*), total(id) FROM keel_lessons")
_FRESH = text(f"INSERT INTO {INDEX}({INDEX}) VALUES ('rebuild')")  # noqa: S608 - as above
_ADD = text(f"INSERT INTO {INDEX}(rowid, words) VALUES (:id, :words)")  # noqa: S608 - as above
_REMOVE = text(f"INSERT INTO {INDEX}({INDEX}, rowid, words) VALUES ('delete', :id, :words)")  # noqa: S608 - as above


def is_ours(name: str | None, kind: str) -> bool:
    """Tell whether a comparison of schemas is about this name: not about what only one database has."""
    if kind == "index":
        return name != GIN
    return kind != "table" or ((name or "").startswith(PREFIX) and not (name or "").startswith(INDEX))


def make_index(connection: Connection) -> None:
    """Make what the search needs where it is not there, and bring it up to date."""
    if connection.dialect.name == "postgresql":
        vector = "to_tsvector('simple', words)"
        connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {GIN} ON keel_lessons USING gin ({vector})")
        return
    if not connection.exec_driver_sql("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").first():
        return
    shape = "words, content='keel_lessons', content_rowid='id', tokenize='unicode61'"
    connection.exec_driver_sql(f"CREATE VIRTUAL TABLE IF NOT EXISTS {INDEX} USING fts5({shape})")
    # An SQLite without FTS5 may have written lessons meanwhile.
    if tuple(connection.execute(_PARTS).one()) != tuple(connection.execute(_WHOLE).one()):
        connection.execute(_FRESH)


def words_of(*texts: str) -> str:
    """Return the terms of some texts as they are searched, with a space on both sides of each."""
    return f" {' '.join(terms(' '.join(texts)))} "


def add(connection: Connection, number: int, words: str) -> None:
    """Let a lesson be found."""
    if _has_index(connection):
        connection.execute(_ADD, {"id": number, "words": words})


def remove(connection: Connection, number: int, words: str) -> None:
    """Let a lesson be found no more; its words are those that it was added with."""
    if _has_index(connection):
        connection.execute(_REMOVE, {"id": number, "words": words})


def candidates(connection: Connection, wanted: Sequence[str]) -> Select[Any]:
    """Return the query for the numbers of the lessons that hold a term, those with the most first."""
    if connection.dialect.name == "postgresql":
        return _by_vector(wanted)
    return _by_index(wanted) if _has_index(connection) else _by_like(wanted)


def _has_index(connection: Connection) -> bool:
    if connection.dialect.name != "sqlite":
        return False
    return connection.execute(_THERE, {"name": INDEX}).first() is not None


def _by_index(wanted: Sequence[str]) -> Select[Any]:
    asked = " OR ".join(f'"{term}"' for term in wanted)
    number: ColumnElement[int] = column("rowid")
    matching = literal_column(INDEX).op("MATCH")(asked)
    found = select(number.label("id")).select_from(table(INDEX)).where(matching)
    return found.order_by(column("rank"), number.desc()).limit(CANDIDATES_MAX)


def _by_vector(wanted: Sequence[str]) -> Select[Any]:
    simple: ColumnElement[str] = literal_column("'simple'")
    vector = func.to_tsvector(simple, LESSONS.c.words)
    each: list[ColumnElement[Any]] = [func.plainto_tsquery(simple, term) for term in wanted]
    asked = reduce(lambda one, other: one.op("||")(other), each)
    best = func.ts_rank(vector, asked).desc()
    matching = select(LESSONS.c.id).where(vector.op("@@")(asked))
    return matching.order_by(best, LESSONS.c.id.desc()).limit(CANDIDATES_MAX)


def _by_like(wanted: Sequence[str]) -> Select[Any]:
    held = [LESSONS.c.words.contains(f" {term} ", autoescape=True) for term in wanted]
    points: list[ColumnElement[int]] = [case((each, 1), else_=0) for each in held]
    count = reduce(lambda one, other: one + other, points)
    most = (count.desc(), LESSONS.c.id.desc())
    return select(LESSONS.c.id).where(or_(*held)).order_by(*most).limit(CANDIDATES_MAX)
