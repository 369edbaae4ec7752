"""Let the harbour master in."""

import hashlib
import hmac
import logging
import secrets
import sqlite3
from html import escape
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from harbor.db import timestamp
from harbor.routes.inputs import Db
from harbor.settings import Settings

router = APIRouter()
log = logging.getLogger("harbor.login")

COOKIE = "harbor_session"
FORM_BYTES_MAX = 4_096
PAGE = """<!doctype html>
<html lang="en">
<title>Harbor</title>
<h1>Harbor</h1>
<p>{message}</p>
<form method="post" action="/login">
  <label>User <input name="user" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
</form>
</html>
"""


async def _form(request: Request) -> dict[str, str]:
    """Read the few fields of a form; a body that is larger or no text is refused."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES_MAX:
            raise HTTPException(413, "The form is too large.")
    try:
        return {key: values[0] for key, values in parse_qs(body.decode(), max_num_fields=10).items()}
    except ValueError as error:
        raise HTTPException(422, "The form cannot be read.") from error


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def signed_in(request: Request, db: Db) -> str | None:
    """Return the user of a valid session cookie."""
    key = (_digest(request.cookies.get(COOKIE, "")), timestamp())
    row: sqlite3.Row | None = db.execute(
        "SELECT user FROM sessions WHERE token_hash = ? AND expires_at > ?", key
    ).fetchone()
    return row["user"] if row else None


@router.get("/login")
def show_form(user: Annotated[str | None, Depends(signed_in)]) -> HTMLResponse:
    """Show the form and, if so, who is signed in."""
    return HTMLResponse(PAGE.format(message=f"Signed in as {escape(user)}." if user else "Please sign in."))


@router.post("/login")
def sign_in(request: Request, form: Annotated[dict[str, str], Depends(_form)], db: Db) -> Response:
    """Start a session for the right user and password."""
    settings: Settings = request.app.state.settings
    given = f"{form.get('user', '')}\n{form.get('password', '')}"
    if not hmac.compare_digest(given.encode(), f"{settings.user}\n{settings.password}".encode()):
        log.warning("sign-in refused")
        return HTMLResponse(PAGE.format(message="User or password is wrong."), 401)
    token, lasts = secrets.token_urlsafe(32), settings.profile.session_seconds
    db.execute("DELETE FROM sessions WHERE expires_at < ?", (timestamp(),))
    db.execute("INSERT INTO sessions VALUES (?, ?, ?)", (_digest(token), settings.user, timestamp(lasts)))
    answer = RedirectResponse("/login", 303)
    answer.set_cookie(COOKIE, token, max_age=lasts, httponly=True, samesite="lax")
    return answer
