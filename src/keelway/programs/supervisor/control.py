"""Answer the control plane: JSON over HTTP on the Unix socket."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keelway.programs.supervisor.fleet import Fleet
from keelway.programs.supervisor.keeper import Keeper
from keelway.programs.supervisor.refusal import Refusal
from keelway.programs.supervisor.spec import check_id, parse_spec, problems

BODY_BYTES_MAX = 512 * 1024
SHUTDOWN_SECONDS = 10.0

log = logging.getLogger("keelway.supervisor")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Seconds = Annotated[float, Field(ge=0, le=3600)]


class StopOrder(BaseModel):
    """Say within how many seconds a process must be gone; without a number its own ``stop_seconds`` holds."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    deadline_seconds: Seconds | None = None


class ShutdownOrder(StopOrder):
    """Say whether the kept processes end with the supervisor or wait for the next one."""

    stop_processes: bool = False


Order = TypeVar("Order", bound=BaseModel)


class Control:
    """Translate requests into calls of the fleet and its refusals into answers."""

    def __init__(self, fleet: Fleet, leave: asyncio.Event) -> None:
        self._fleet = fleet
        self._leave = leave

    def app(self) -> web.Application:
        """Build the web application."""
        app = web.Application(middlewares=[answer_errors], client_max_size=BODY_BYTES_MAX)
        app.add_routes(
            [
                web.get("/healthz", self.health),
                web.get("/processes", self.list),
                web.get("/processes/{id}", self.get),
                web.put("/processes/{id}", self.put),
                web.post("/processes/{id}/stop", self.stop),
                web.delete("/processes/{id}", self.delete),
                web.post("/shutdown", self.shutdown),
            ]
        )
        return app

    async def health(self, _: web.Request) -> web.Response:
        """Show that the supervisor serves, and what is wrong with its state."""
        return web.json_response({"pid": os.getpid(), **self._fleet.health()})

    async def list(self, _: web.Request) -> web.Response:
        """Show every kept process."""
        views = await asyncio.to_thread(
            lambda keepers: [one.view() for one in keepers], self._fleet.keepers()
        )
        return web.json_response({"processes": views})

    async def get(self, request: web.Request) -> web.Response:
        """Show one process."""
        return web.json_response(await asyncio.to_thread(self._kept(request).view))

    async def put(self, request: web.Request) -> web.Response:
        """Start a process: 201 when it is new, 200 when the same one is kept already."""
        process_id = check_id(request.match_info["id"])
        created = self._fleet.put(process_id, parse_spec(await request.read()))
        view = self._fleet.keeper(process_id).view()
        return web.json_response(view, status=HTTPStatus.CREATED if created else HTTPStatus.OK)

    async def stop(self, request: web.Request) -> web.Response:
        """End a process and answer when it and everything it started is gone."""
        keeper = self._kept(request)
        order = await read_order(request, StopOrder)
        seconds = order.deadline_seconds
        await keeper.stop(keeper.row.spec.stop_seconds if seconds is None else seconds)
        return web.json_response({"state": "stopped", "killed": keeper.killed})

    async def delete(self, request: web.Request) -> web.Response:
        """End a process and forget it."""
        process_id = check_id(request.match_info["id"])
        order = await read_order(request, StopOrder)
        killed = await self._fleet.delete(process_id, order.deadline_seconds)
        return web.json_response({"state": "stopped", "killed": killed, "forgotten": True})

    async def shutdown(self, request: web.Request) -> web.Response:
        """End the supervisor, with or without what it keeps."""
        order = await read_order(request, ShutdownOrder)
        self._fleet.closing = True
        killed: list[str] = []
        if order.stop_processes:
            seconds = SHUTDOWN_SECONDS if order.deadline_seconds is None else order.deadline_seconds
            try:
                killed = await self._fleet.stop_all(seconds)
            except BaseException:
                self._fleet.closing = False
                raise
        self._leave.set()
        return web.json_response({"state": "leaving", "stopped": order.stop_processes, "killed": killed})

    def _kept(self, request: web.Request) -> Keeper:
        return self._fleet.keeper(check_id(request.match_info["id"]))


async def read_order(request: web.Request, kind: type[Order]) -> Order:
    """Read a small JSON body; none at all means every default.

    Raises:
        Refusal: 400 that names the fields.
    """
    try:
        return kind.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "bad_order",
            f"The order is not valid: {problems(error)}.",
            "correct the named fields and send it again",
        ) from None


@web.middleware
async def answer_errors(request: web.Request, handler: Answer) -> web.StreamResponse:
    """Turn every failure into JSON with a code, a sentence and the next step."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return web.json_response(refusal.body(), status=refusal.status)
    except web.HTTPException as error:
        body = {"error": error.reason.lower().replace(" ", "_"), "message": error.reason, "hint": ""}
        return web.json_response(body, status=error.status)
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        body = {
            "error": "internal",
            "message": "The supervisor failed at this request; the processes it keeps are not affected.",
            "hint": "see supervisor.log in its home",
        }
        return web.json_response(body, status=HTTPStatus.INTERNAL_SERVER_ERROR)
