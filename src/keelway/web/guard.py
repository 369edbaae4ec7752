"""The door of the control plane: loopback names only, the token for the API, a cookie for the page."""

from __future__ import annotations

import secrets
import threading
import time
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keelway.core.errors import PolicyRefused, YourFault
from keelway.web.problem import problem

COOKIE = "keelway"
KEY_SECONDS = 600.0
"""How long a link to the page may be used, once."""
SESSION_SECONDS = 12 * 3_600.0
KEYS_MAX = 20
BODY_BYTES_MAX = 1_000_000

_CLOSED = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Keelway: a link is needed</title></head><body>
<h1>This page opens with a link</h1>
<p>A link works once, for ten minutes; a session lasts twelve hours. Ask for a new one in the project:</p>
<pre>keelway status --link</pre>
</body></html>
"""
_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Keys:
    """Give out links that open the page once, and the sessions that they open; all in memory, all bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[str, float] = {}
        self._sessions: dict[str, float] = {}

    def link(self) -> str:
        """Return a new key for the page."""
        return self._add(self._links, KEY_SECONDS)

    def open(self, key: str) -> str:
        """Turn a key into a session, once; an empty text when the key is not or no longer valid."""
        with self._lock:
            until = self._links.pop(key, 0.0)
        return self._add(self._sessions, SESSION_SECONDS) if time.monotonic() < until else ""

    def known(self, session: str) -> bool:
        """Tell whether a session is open."""
        with self._lock:
            return time.monotonic() < self._sessions.get(session, 0.0)

    def _add(self, where: dict[str, float], seconds: float) -> str:
        key = secrets.token_urlsafe(32)
        with self._lock:
            while len(where) >= KEYS_MAX:
                del where[min(where, key=lambda name: where[name])]
            where[key] = time.monotonic() + seconds
        return key


class Guard:
    """Refuse what did not come from this machine's owner, before any handler sees it."""

    def __init__(self, app: ASGIApp, token: str, keys: Keys) -> None:
        self._app, self._token, self._keys = app, token.encode(), keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refusal = self._refusal(request)
        answer = _with_headers(send)
        if refusal is not None:
            await refusal(scope, receive, answer)
        else:
            await self._app(scope, receive, answer)

    def _refusal(self, request: Request) -> Response | None:
        # A name that only resolves to loopback is a page of somebody else (DNS rebinding).
        if _host(request.headers.get("host", "")) not in _NAMES:
            return problem(
                PolicyRefused("host_refused", "Only loopback names are served.", "use 127.0.0.1"), 421
            )
        if _too_large(request):
            return problem(
                YourFault("body_refused", f"A body needs a length of at most {BODY_BYTES_MAX}."), 413
            )
        path = request.url.path
        if path == "/healthz" or path.startswith("/answer/"):  # a link of ours proves itself
            return None
        if path == "/":
            return self._page(request)
        return None if self._has_token(request) else _unauthorised("Authorization: Bearer <token>")

    def _page(self, request: Request) -> Response | None:
        given = parse_qs(request.url.query).get("key", [""])[0]
        session = self._keys.open(given) if given else ""
        if session:
            back = RedirectResponse("/", 303)
            back.set_cookie(COOKIE, session, httponly=True, samesite="strict", path="/")
            return back
        if self._keys.known(request.cookies.get(COOKIE, "")) or self._has_token(request):
            return None
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(_CLOSED, 401, {"content-security-policy": "default-src 'none'"})
        return _unauthorised("a link from: keelway status --link")

    def _has_token(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), self._token)


def _unauthorised(what: str) -> Response:
    answer = problem(PolicyRefused("not_yours", f"This needs {what}.", "keelway status --link"), 401)
    answer.headers["www-authenticate"] = "Bearer"
    return answer


def _host(header: str) -> str:
    name, colon, port = header.rpartition(":")
    return name.lower() if colon and port.isdigit() else header.lower()


def _too_large(request: Request) -> bool:
    length = request.headers.get("content-length", "")
    if not length:
        return "transfer-encoding" in request.headers
    return not length.isdigit() or int(length) > BODY_BYTES_MAX


def _with_headers(send: Send) -> Send:
    async def safer(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message.get("headers", [])}
            extra = [(name, value) for name, value in _HEADERS if name not in there]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return safer
