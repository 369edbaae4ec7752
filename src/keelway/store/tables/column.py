"""Hold the metadata with its naming convention and the three column types that both databases share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, Dialect, MetaData, Text
from sqlalchemy.types import TypeDecorator

from keelway.core.codec import canonical

PREFIX = "keel_"

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def clean(value: str) -> str:
    """Return text that every database can hold: NUL and lone surrogates become a mark."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


class Words(TypeDecorator[str]):
    """Keep text from outside."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace the characters that would make the write fail."""
        del dialect
        return None if value is None else clean(value)


class Instant(TypeDecorator[datetime]):
    """Keep an aware instant; SQLite holds it as UTC text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an instant into UTC.

        Raises:
            ValueError: the instant has no time zone.
        """
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant without a time zone: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware instant in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Plain(TypeDecorator[Any]):
    """Keep plain JSON, or a frozen value that has a plain form, as canonical text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return the canonical text."""
        del dialect
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return the plain form."""
        del dialect
        return None if value is None else json.loads(value)


def text(name: str, doc: str, *, default: str | None = "") -> Column[Any]:
    """Return a text column; with a default it is never null."""
    return Column(name, Words, nullable=default is None, server_default=default, doc=doc)


def name_of(name: str, doc: str) -> Column[Any]:
    """Return a text column that every row must fill."""
    return Column(name, Words, nullable=False, doc=doc)


def instant(name: str, doc: str, *, required: bool = False) -> Column[Any]:
    """Return a column for an instant."""
    return Column(name, Instant, nullable=not required, doc=doc)


def plain(name: str, doc: str) -> Column[Any]:
    """Return a column for JSON, null when nothing was said."""
    return Column(name, Plain, nullable=True, doc=doc)
