"""Hand work to the queue and ask what became of it."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from harbor import jobs
from harbor.routes.inputs import Db, RowNumber

router = APIRouter()


class NewJob(BaseModel):
    """Describe a job that comes back with what it was given."""

    echo: Annotated[str, Field(max_length=1_000)]


@router.post("/jobs", status_code=202)
def add_job(job: NewJob, db: Db) -> dict[str, Any]:
    """Queue a round trip through the worker."""
    return show_job(jobs.enqueue(db, "echo", {"echo": job.echo}), db)


@router.get("/jobs/{job_id}")
def show_job(job_id: RowNumber, db: Db) -> dict[str, Any]:
    """Show the state of a job and, once it has ended, its result."""
    row = db.execute("SELECT id, kind, state, attempts, result FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise HTTPException(
            404, f"No job has the number {job_id}; finished jobs are forgotten after a while."
        )
    return {**dict(row), "result": json.loads(row["result"] or "null")}
