"""Errors as ``application/problem+json`` (RFC 9457), with the code, the hint and the exit code of the terminal."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from keelway.core.errors import KeelwayError, OurFault, PolicyRefused, RequestRefused, TheirFault, YourFault

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[KeelwayError], int], ...] = (
    (YourFault, 400),
    (RequestRefused, 409),
    (PolicyRefused, 403),
    (TheirFault, 502),
)
_log = logging.getLogger("keelway.web")


def problem(error: KeelwayError, status: int = 0) -> JSONResponse:
    """Return an error as an answer."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": error.code,
        "status": status or _status(error),
        "detail": error.message,
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "kind": type(error).__name__,
        "exit_code": error.exit_code,
    }
    return JSONResponse(body, body["status"], media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of an application as a problem."""
    app.add_exception_handler(KeelwayError, _known)
    app.add_exception_handler(RequestValidationError, _mistyped)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def _status(error: KeelwayError) -> int:
    if error.code.startswith("unknown_"):
        return 404
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def _known(_request: Request, error: Exception) -> JSONResponse:
    return problem(error if isinstance(error, KeelwayError) else _ours(error))


def _mistyped(_request: Request, error: Exception) -> JSONResponse:
    entries = error.errors() if isinstance(error, RequestValidationError) else ()
    wrong = "; ".join(
        f"{'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}" for entry in list(entries)[:5]
    )
    return problem(
        YourFault("bad_request", f"The request does not fit: {wrong}.", "see /api/openapi.json"), 422
    )


def _http(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else "unknown"
    return problem(YourFault("bad_request", f"{detail}.", "see /api/openapi.json"), status)


def _unforeseen(_request: Request, error: Exception) -> JSONResponse:
    _log.error("A request ended with an error that nobody foresaw.", exc_info=error)
    return problem(_ours(error))


def _ours(error: Exception) -> OurFault:
    return OurFault(
        "unforeseen",
        f"The control plane met an error that nobody foresaw: {type(error).__name__}.",
        "read keelway.log in the home, then report it",
    )
