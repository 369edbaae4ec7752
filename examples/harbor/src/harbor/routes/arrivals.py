"""Bring ships in: find a berth, write it down, have the quay told."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from harbor import jobs
from harbor.allocation import allocate
from harbor.db import timestamp, transaction
from harbor.routes.berths import all_berths, taken_berths
from harbor.routes.inputs import Db
from harbor.routes.ships import Length, Name, register

router = APIRouter()

ARRIVALS = """
    SELECT arrivals.id, ships.name AS ship, berths.name AS berth, arrived_at, departs_at, notified_at
    FROM arrivals JOIN ships ON ships.id = ship_id LEFT JOIN berths ON berths.id = berth_id
"""


class Announcement(BaseModel):
    """Describe a ship that is about to come in, as it reports itself over the radio."""

    ship: Name
    length_m: Length
    stay_hours: Annotated[float, Field(gt=0, le=720)] = 12.0


@router.post("/arrivals", status_code=201)
def announce(news: Announcement, db: Db) -> dict[str, Any]:
    """Give the ship a berth, or let it wait at anchor, and queue the message to the quay."""
    with transaction(db):
        ship_id = register(db, news.ship, news.length_m)
        berth = allocate(all_berths(db), taken_berths(db), news.length_m)
        arrival = db.execute(
            "INSERT INTO arrivals (ship_id, berth_id, arrived_at, departs_at) VALUES (?, ?, ?, ?) RETURNING id",
            (ship_id, berth.id if berth else None, timestamp(), timestamp(news.stay_hours * 3600)),
        ).fetchone()
        note = {"arrival_id": arrival["id"], "ship": news.ship, "berth": berth.name if berth else None}
        job_id = jobs.enqueue(db, "notify", note)
    return {
        **dict(db.execute(f"{ARRIVALS} WHERE arrivals.id = ?", (arrival["id"],)).fetchone()),
        "job_id": job_id,
    }


@router.get("/arrivals")
def list_arrivals(db: Db) -> list[dict[str, Any]]:
    """List the latest arrivals; a ship without a berth waits at anchor."""
    return [dict(row) for row in db.execute(f"{ARRIVALS} ORDER BY arrivals.id DESC LIMIT 50")]
