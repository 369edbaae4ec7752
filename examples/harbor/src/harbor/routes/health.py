"""Say whether this process can do its work."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from harbor import jobs
from harbor.db import connect
from harbor.migrate import current_version, migrations
from harbor.settings import Settings

router = APIRouter()


@router.get("/healthz")
def healthz(request: Request, response: Response) -> dict[str, Any]:
    """Report health; 503 when the database cannot be queried or its schema is older than this release."""
    settings: Settings = request.app.state.settings
    about = {"release": settings.release, "env": settings.env}
    try:
        with closing(connect(settings.db)) as db:
            facts = _facts(db, settings.release)
    except sqlite3.Error as error:
        response.status_code = 503
        return {"status": "database_unavailable", **about, "detail": str(error)}
    if facts["schema"] < max(step.version for step in migrations()):
        response.status_code = 503
        return {"status": "schema_behind", **about, **facts}
    return {"status": "ok", **about, **facts}


def _facts(db: sqlite3.Connection, release: str) -> dict[str, Any]:
    version = current_version(db)
    seen = None
    if version >= 2:
        seen = db.execute("SELECT seen_at FROM workers WHERE release = ?", (release,)).fetchone()
    return {
        "schema": version,
        "queue_depth": jobs.depth(db),
        "worker_seen_seconds": None if seen is None else _age_seconds(seen["seen_at"]),
    }


def _age_seconds(seen_at: str) -> float:
    return round((datetime.now(UTC) - datetime.fromisoformat(seen_at)).total_seconds(), 3)
