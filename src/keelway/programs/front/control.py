"""Take orders over a Unix socket that only the owner may open: routes, drains, counts, history, shutdown."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from keelway.programs.front.record.counters import Counters
from keelway.programs.front.record.history import History, expand
from keelway.programs.front.table import BadRoutes, Routes, parse_routes

_BODY_BYTES_MAX = 256 * 1024
_PATH_BYTES_MAX = 107
_DEADLINE_SECONDS_MAX = 3600.0
_ENTRIES_AT_ONCE = 250
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StaleEpoch(Exception):
    """Say that someone with a newer epoch owns the routes."""

    def __init__(self, given: int, current: int) -> None:
        super().__init__(
            f"epoch {given} is older than {current}: a newer owner has taken over, so stop and read GET /state"
        )
        self.given = given
        self.current = current


class StillRouted(Exception):
    """Say that a release takes new requests, so that waiting for its last one would never end."""


class NotTaken(Exception):
    """Say that a balancer did not do what it was told."""


class Stopping(Exception):
    """Say that this front is on its way out and takes no orders."""


class Commanded(Protocol):
    """Name what the control API asks of the front behind it."""

    @property
    def inflight_total(self) -> int:
        """Give the number of requests that have not ended."""
        ...

    @property
    def counters(self) -> Counters:
        """Give the totals."""
        ...

    @property
    def history(self) -> History:
        """Give the ticks."""
        ...

    def now(self) -> float:
        """Give the time in epoch seconds."""
        ...

    async def look(self) -> None:
        """Bring up to date what `state` tells."""
        ...

    def state(self) -> dict[str, Any]:
        """Describe the front."""
        ...

    async def route(self, routes: Routes) -> None:
        """Replace the routing table."""
        ...

    async def drain(self, release: str, seconds: float) -> int:
        """Wait for the last request of a release."""
        ...

    def stop(self, drain_seconds: float | None = None) -> None:
        """Begin to stop."""
        ...


@dataclass(slots=True)
class Control:
    """Serve the control API of one front."""

    front: Commanded
    path: Path
    _runner: web.AppRunner | None = field(default=None, init=False)
    _inode: int = field(default=0, init=False)

    async def start(self) -> None:
        """Open the socket with mode 0600, taking the place of one that a dead front left behind."""
        app = web.Application(client_max_size=_BODY_BYTES_MAX, middlewares=[_in_json])
        app.router.add_get("/state", self._state)
        app.router.add_put("/routes", self._routes)
        app.router.add_post("/drain", self._drain)
        app.router.add_get("/counters", self._counters)
        app.router.add_get("/history", self._history)
        app.router.add_post("/shutdown", self._shutdown)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        opened = _private_socket(self.path)
        self._inode = self.path.stat().st_ino
        await web.SockSite(self._runner, opened).start()

    async def stop(self) -> None:
        """Close the socket, and remove it unless a newer front has put its own there."""
        if self._runner is not None:
            await self._runner.cleanup()
        try:
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()
        except FileNotFoundError:
            return

    async def _state(self, _: web.Request) -> web.Response:
        """Show what the front does right now."""
        await self.front.look()
        return web.json_response(self.front.state())

    async def _routes(self, request: web.Request) -> web.Response:
        """Replace the routing table in one step."""
        await self.front.route(parse_routes(await _json(request)))
        return web.json_response(self.front.state())

    async def _drain(self, request: web.Request) -> web.Response:
        """Wait for the last request of a release."""
        body = await _fields(request, {"release", "deadline_seconds"})
        release = body.get("release")
        if not isinstance(release, str) or not release:
            raise BadRoutes("release", "must be the name of a release")
        left = await self.front.drain(release, _deadline(body))
        return web.json_response({"release": release, "inflight": left})

    async def _counters(self, _: web.Request) -> web.Response:
        """Show the totals."""
        return web.json_response(self.front.counters.to_json())

    async def _history(self, request: web.Request) -> web.StreamResponse:
        """Show ticks, written out piece by piece so that a day of them holds nothing up."""
        since = _since(request.query.get("since", "0"))
        release = request.query.get("release")
        history = self.front.history
        entries, missing = history.after(since), history.missing(since, self.front.now())
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"tick_seconds": %s, "ticks": [' % json.dumps(history.tick_seconds).encode())
        separator = ""
        for start in range(0, len(entries), _ENTRIES_AT_ONCE):
            ticks = [
                json.dumps(t) for e in entries[start : start + _ENTRIES_AT_ONCE] for t in expand(e, release)
            ]
            if ticks:
                await response.write((separator + ",\n".join(ticks)).encode())
                separator = ",\n"
        await response.write(b'], "missing": %s}' % json.dumps(missing).encode())
        return response

    async def _shutdown(self, request: web.Request) -> web.Response:
        """Begin to stop; the answer comes at once."""
        body = await _fields(request, {"deadline_seconds"})
        self.front.stop(_deadline(body))
        return web.json_response({"stopping": True, "inflight": self.front.inflight_total})


def _private_socket(path: Path) -> socket.socket:
    """Bind a Unix socket that only its owner may use; raises OSError with the cure when the path will not do."""
    if len(os.fsencode(path)) > _PATH_BYTES_MAX:
        raise OSError(
            f"the control socket path is longer than {_PATH_BYTES_MAX} bytes: choose a shorter --control"
        )
    if path.exists() and not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(f"{path} exists and is not a socket: choose another --control")
    path.unlink(missing_ok=True)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        opened.bind(str(path))
    except OSError:
        opened.close()
        raise
    finally:
        os.umask(before)
    return opened


@web.middleware
async def _in_json(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Give every refusal as JSON with a code that a program can act on."""
    try:
        return await handler(request)
    except BadRoutes as error:
        return _refusal(400, "bad_body", str(error), field=error.field)
    except StaleEpoch as error:
        return _refusal(409, "stale_epoch", str(error), given=error.given, epoch=error.current)
    except StillRouted as error:
        return _refusal(409, "still_routed", str(error))
    except NotTaken as error:
        return _refusal(502, "not_taken", str(error))
    except Stopping as error:
        return _refusal(503, "stopping", str(error))
    except OSError as error:
        return _refusal(500, "state_not_written", f"nothing was changed: {error}")
    except web.HTTPException as error:
        return _refusal(
            error.status,
            error.reason.lower().replace(" ", "_"),
            f"{request.method} {request.path}: {error.reason}",
        )


def _refusal(status: int, code: str, message: str, **more: Any) -> web.Response:
    """Make one refusal."""
    return web.json_response({"error": code, "message": message, **more}, status=status)


async def _json(request: web.Request) -> object:
    """Decode the body; raises BadRoutes when it is not JSON."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise BadRoutes("body", f"is not JSON: {error}") from error


async def _fields(request: web.Request, known: set[str]) -> dict[str, object]:
    """Decode a flat JSON object with known names only."""
    body = await _json(request)
    if not isinstance(body, dict):
        raise BadRoutes("body", "must be a JSON object")
    for name in body:
        if name not in known:
            raise BadRoutes(str(name), f"unknown field; known are {', '.join(sorted(known))}")
    return body


def _deadline(body: dict[str, object]) -> float:
    """Read a deadline in seconds."""
    value = body.get("deadline_seconds")
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= _DEADLINE_SECONDS_MAX
    ):
        raise BadRoutes("deadline_seconds", f"must be a number from 0 to {_DEADLINE_SECONDS_MAX:.0f}")
    return float(value)


def _since(text: str) -> float:
    """Read a point in time in epoch seconds."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise BadRoutes("since", "must be a time in seconds since 1970, 0 or more")
    return value
