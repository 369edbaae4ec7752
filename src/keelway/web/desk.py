"""What every handler of the API needs: the front desk, the questions, and the way out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi.responses import JSONResponse

from keelway.app.commands import Commands
from keelway.app.queries import Queries
from keelway.core.codec import to_json
from keelway.core.model.task import Actor
from keelway.web.guard import Keys


@dataclass(frozen=True)
class Desk:
    """Hold one running control plane."""

    commands: Commands
    queries: Queries
    owner: Actor
    """Who acts when the token is shown: it lies where only the owner can read it."""
    token: str
    version: str
    pid: int
    started_at: datetime
    stop: Callable[[], None]
    """End the control plane, after the answer is out."""
    keys: Keys = field(default_factory=Keys)
    closing: threading.Event = field(default_factory=threading.Event)


def shown(value: Any, status: int = 200) -> JSONResponse:
    """Return a view as JSON."""
    return JSONResponse(to_json(value), status)
