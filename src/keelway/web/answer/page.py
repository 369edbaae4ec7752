"""The page behind a link: GET says what would be answered, only its own form answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.concurrency import run_in_threadpool

from keelway.app.consent.links import Links
from keelway.app.view.task import Asked
from keelway.core.errors import RequestRefused, YourFault
from keelway.core.words.text import instant
from keelway.web.desk import Desk

FORM = "application/x-www-form-urlencoded"
BODY_BYTES_MAX, FIELDS_MAX = 20_000, 10
_GONE = frozenset(
    {"link_used", "link_expired", "link_void", "already_answered", "void", "expired", "code_used"}
)


class _Pages:
    """Render what a link leads to."""

    def __init__(self) -> None:
        pages = Environment(loader=PackageLoader("keelway.web"), autoescape=select_autoescape(default=True))
        pages.filters["instant"] = _instant
        self._template = pages.get_template("answer.html")

    def page(self, status: int = 200, **view: Any) -> HTMLResponse:
        """Return a page that no other site may frame and that sends its form to us only."""
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
        known = {"shown": None, "done": None, "refused": None, "nonce": nonce} | view
        return HTMLResponse(self._template.render(known), status, {"content-security-policy": policy})

    def attempt(self, work: Callable[[], HTMLResponse]) -> HTMLResponse:
        """Do something, or say on a page why it does not count."""
        try:
            return work()
        except (RequestRefused, YourFault) as error:
            return self.page(410 if error.code in _GONE else 403, refused=error)


def answer_page(desk: Desk) -> APIRouter:
    """Return the routes of a link; the link itself is what opens them."""
    router, pages, links = APIRouter(), _Pages(), desk.commands.links

    @router.get("/answer/{text}", response_class=HTMLResponse, include_in_schema=False)
    def show(text: str) -> HTMLResponse:
        return pages.attempt(lambda: pages.page(shown=links.show(text), link=text))

    @router.post("/answer/{text}", response_class=HTMLResponse, include_in_schema=False)
    async def use(text: str, request: Request) -> HTMLResponse:
        """Read the form, then answer in a thread: the book may make one wait."""
        body = await request.body()
        return await run_in_threadpool(
            pages.attempt, lambda: pages.page(done=_use(links, text, request, body))
        )

    return router


def _use(links: Links, text: str, request: Request, body: bytes) -> Asked:
    if _foreign(request):
        raise links.cross_site(text)
    form = _form(request, body)
    return links.use(text, form.get("mark", ""), form.get("note", ""))


def _foreign(request: Request) -> bool:
    """Tell whether a browser says that another site sent the form."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return True
    return origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()


def _form(request: Request, body: bytes) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM or len(body) > BODY_BYTES_MAX:
        raise YourFault("bad_form", "This is not the form of the page.", "open the link again")
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise YourFault("bad_form", "This is not the form of the page.", "open the link again") from error
    return {name: values[-1] for name, values in fields.items()}


def _instant(at: datetime | None) -> str:
    return instant(at) if at else ""
