"""Serve the figures to a scraper, behind the same guard as the API."""

from __future__ import annotations

import secrets

from fastapi import FastAPI
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from keelway.telemetry.figures import Figures

PATH = "/metrics"


def with_metrics(app: FastAPI, figures: Figures, api_token: str, scrape_token: str) -> ASGIApp:
    """Return the application with its figures: they open with the token of the API or with that of scrapers.

    Args:
        app: from ``create_app``.
        figures: what is shown.
        api_token: opens everything.
        scrape_token: opens the figures and nothing else.
    """

    @app.get(PATH, include_in_schema=False)
    def metrics() -> Response:
        return Response(figures.text(), media_type=CONTENT_TYPE_LATEST)

    return _ScrapeDoor(app, api_token, scrape_token)


class _ScrapeDoor:
    """Hand the guard the token that it knows, when a scraper shows its own for the one path that it opens.

    Every other check of the guard stays as it is.
    """

    def __init__(self, app: ASGIApp, api_token: str, scrape_token: str) -> None:
        self._app, self._shown = app, f"Bearer {api_token}".encode()
        self._token = scrape_token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through."""
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == PATH:
            scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
            known = secrets.compare_digest(given.strip().encode(), self._token)
            if scheme.lower() == "bearer" and known:
                others = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
                scope = {**scope, "headers": [*others, (b"authorization", self._shown)]}
        await self._app(scope, receive, send)
