"""Wait until a release listens; a balancer takes a server for well until its first check says otherwise."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

from keelway.programs.front.control import NotTaken
from keelway.programs.front.table import Backend

_UP_SECONDS = 5.0
_STEP_SECONDS = 0.02


def place_of(backend: Backend) -> tuple[str, int]:
    """Return host and port of a release."""
    parts = urlsplit(backend.url)
    host = parts.hostname or ""
    return ("127.0.0.1" if host == "localhost" else host, parts.port or 0)


async def reach(backend: Backend) -> None:
    """Open a connection and close it again, trying for some seconds.

    Raises:
        NotTaken: nobody listens.
    """
    host, port = place_of(backend)
    deadline = time.monotonic() + _UP_SECONDS
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            if time.monotonic() > deadline:
                said = f"{backend.release} at {backend.url}: no connection within {_UP_SECONDS:.0f} s"
                raise NotTaken(said) from error
            await asyncio.sleep(_STEP_SECONDS)
        else:
            writer.close()
            return
