"""Run the migrations on the connection that the caller opened."""

from __future__ import annotations

from typing import Any

from alembic import context

from keelway.store.lesson.search import is_ours
from keelway.store.tables import METADATA


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave every table that is not ours alone: the engine keeps its own in the same database."""
    return is_ours(name, kind)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table="keel_schema",
    include_name=include_name,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
