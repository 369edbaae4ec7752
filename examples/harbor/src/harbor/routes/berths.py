"""Know the quay: which berths there are and which are taken."""

import sqlite3
from typing import Any

from fastapi import APIRouter

from harbor.allocation import Berth
from harbor.db import timestamp
from harbor.routes.inputs import Db

router = APIRouter()


def all_berths(db: sqlite3.Connection) -> list[Berth]:
    """Read the quay from end to end."""
    return [
        Berth(**row) for row in map(dict, db.execute("SELECT id, name, length_m FROM berths ORDER BY name"))
    ]


def taken_berths(db: sqlite3.Connection) -> set[int]:
    """Find the berths that a ship lies in right now."""
    rows = db.execute(
        "SELECT berth_id FROM arrivals WHERE berth_id IS NOT NULL AND departs_at > ?", (timestamp(),)
    )
    return {row["berth_id"] for row in rows}


@router.get("/berths")
def list_berths(db: Db) -> list[dict[str, Any]]:
    """List the berths, free or not."""
    taken = taken_berths(db)
    return [
        {"id": berth.id, "name": berth.name, "length_m": berth.length_m, "free": berth.id not in taken}
        for berth in all_berths(db)
    ]
