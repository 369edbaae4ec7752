"""Chat with the harbour office: text in, text out."""

import sqlite3
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from harbor.routes.arrivals import list_arrivals
from harbor.routes.berths import list_berths
from harbor.routes.inputs import Db

router = APIRouter()

ChannelName = Annotated[str, InPath(pattern="^[a-z0-9-]{1,40}$")]


class Said(BaseModel):
    """Hold what somebody wrote."""

    text: Annotated[str, Field(max_length=1_000)]


class Reply(BaseModel):
    """Hold what the office answers."""

    channel: str
    reply: str


def _free_berths(db: sqlite3.Connection) -> str:
    free = [f"{berth['name']} ({berth['length_m']:g} m)" for berth in list_berths(db) if berth["free"]]
    return f"Free berths: {', '.join(free)}" if free else "No berth is free."


def _latest_arrivals(db: sqlite3.Connection) -> str:
    lines = [f"{arrival['ship']} ({arrival['berth'] or 'at anchor'})" for arrival in list_arrivals(db)[:5]]
    return f"Latest arrivals: {', '.join(lines)}" if lines else "No ship has arrived yet."


ANSWERS: dict[str, Callable[[sqlite3.Connection], str]] = {
    "ping": lambda _db: "pong",
    "berths": _free_berths,
    "arrivals": _latest_arrivals,
}


@router.post("/channel/{name}")
def say(name: ChannelName, said: Said, db: Db) -> Reply:
    """Answer a message; anything unknown gets the list of words the office understands."""
    answer = ANSWERS.get(said.text.strip().lower())
    return Reply(channel=name, reply=answer(db) if answer else f"I understand: {', '.join(ANSWERS)}.")


@router.get("/channel/{name}/ping")
def ping(name: ChannelName) -> Reply:
    """Show that the channel is open."""
    return Reply(channel=name, reply="pong")
