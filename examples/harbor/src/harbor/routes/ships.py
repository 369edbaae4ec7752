"""Keep the register of ships."""

import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from harbor.db import timestamp
from harbor.routes.inputs import Db, RowNumber

router = APIRouter()

Name = Annotated[str, Field(min_length=1, max_length=80)]
Length = Annotated[float, Field(ge=0, le=400, description="metres")]


class NewShip(BaseModel):
    """Describe a ship to register."""

    name: Name
    length_m: Length


def register(db: sqlite3.Connection, name: str, length_m: float) -> int:
    """Enter a ship, or correct the length of a known one; return its number."""
    row = db.execute(
        """INSERT INTO ships (name, length_m, registered_at) VALUES (?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET length_m = excluded.length_m RETURNING id""",
        (name, length_m, timestamp()),
    ).fetchone()
    return int(row["id"])


@router.get("/ships")
def list_ships(db: Db) -> list[dict[str, Any]]:
    """List the ships that were registered last."""
    return [dict(row) for row in db.execute("SELECT * FROM ships ORDER BY id DESC LIMIT 50")]


@router.post("/ships", status_code=201)
def add_ship(ship: NewShip, db: Db) -> dict[str, Any]:
    """Register a ship, or correct a known one."""
    return show_ship(register(db, ship.name, ship.length_m), db)


@router.get("/ships/{ship_id}")
def show_ship(ship_id: RowNumber, db: Db) -> dict[str, Any]:
    """Show one ship."""
    row = db.execute("SELECT * FROM ships WHERE id = ?", (ship_id,)).fetchone()
    if row is None:
        raise HTTPException(404, f"No ship has the number {ship_id}.")
    return dict(row)
