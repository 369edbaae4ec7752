"""The status page: rendered here, readable without scripts, in light and dark, on a phone."""

from __future__ import annotations

import secrets
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, select_autoescape

from keelway.core.words.text import amount, instant
from keelway.web.desk import Desk

REFRESH_SECONDS = 5


def page(desk: Desk) -> APIRouter:
    """Return the route of the page."""
    router = APIRouter()
    templates = Environment(loader=PackageLoader("keelway.web"), autoescape=select_autoescape(default=True))
    templates.filters["instant"] = _instant
    templates.filters["amount"] = amount
    template = templates.get_template("status.html")

    @router.get("/", response_class=HTMLResponse, include_in_schema=False)
    def status() -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        html = template.render(
            view=desk.queries.status(), nonce=nonce, refresh_seconds=REFRESH_SECONDS, version=desk.version
        )
        policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        return HTMLResponse(html, headers={"content-security-policy": policy})

    return router


def _instant(at: datetime | None) -> str:
    return instant(at) if at else ""
