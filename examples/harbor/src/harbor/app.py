"""Put the web application together."""

import logging
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harbor.routes import arrivals, berths, channel, health, jobs, login, ships
from harbor.settings import Settings, read_settings

ROUTERS = (health, login, ships, berths, arrivals, jobs, channel)
log = logging.getLogger("harbor.web")


class FailureLog:
    """Turn an unhandled exception into one ERROR line and one JSON answer with status 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a failure after the answer began is left to the server, which logs it."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            log.exception("%s", str(error) or type(error).__name__, extra={"route": route_of(scope)})
            answer = JSONResponse({"detail": "Something broke here; it has been logged."}, 500)
            await answer(scope, receive, send)


def route_of(scope: Scope) -> str:
    """Name the route by its template, so that all requests to it count as one."""
    route: Any = scope.get("route")
    return f"{scope['method']} {getattr(route, 'path', scope['path'])}"


async def refuse(_request: Request, error: RequestValidationError) -> JSONResponse:
    """Name the faults of a request without repeating what was sent, which may be nothing JSON can carry."""
    faults = [{key: fault[key] for key in ("loc", "msg", "type")} for fault in error.errors()]
    return JSONResponse({"detail": faults}, 422)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; without settings it reads the environment."""
    settings = settings or read_settings()
    refusals: dict[int | type[Exception], Any] = {RequestValidationError: refuse}
    app = FastAPI(title="Harbor", version=settings.release, exception_handlers=refusals)
    app.state.settings = settings
    app.add_middleware(FailureLog)
    for module in ROUTERS:
        app.include_router(module.router)
    return app
