"""Listen where agents can reach the gateway, within bounds, and refuse in words that they understand."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from keelway.clients.files import remove_tree
from keelway.clients.gateway.dialects.dialect import Dialect
from keelway.clients.gateway.dialects.refusal import Refusal, late, too_large, unfit
from keelway.clients.gateway.upstream import TOKEN_HEADERS, header_bytes
from keelway.clients.gateway.values import GatewayLimits

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_LINE_BYTES_MAX = 8_190
_HEADERS_MAX = 128
_IDLE_SECONDS = 120.0
_LINGER_SECONDS = 1.0
_FIRST_REQUEST_SECONDS = 15.0
_END_SECONDS = 2.0
SOCKET_NAME = "api"
_TOKEN_CHARS_MAX = 500
_NESTS_MAX = 200_000
_COMMAS_MAX = 2_000_000
# aiohttp reports every client that breaks off or talks nonsense; both are an agent's right.
_QUIET = logging.getLogger(f"{__name__}.http")
_QUIET.setLevel(logging.CRITICAL)


class Listener(web.Server):
    """Serve the clients of one socket or port: so many, and none that says nothing."""

    def __init__(self, answer: Answer, limits: GatewayLimits) -> None:
        super().__init__(
            self._greet,
            handler_cancellation=True,
            access_log=None,
            logger=_QUIET,
            keepalive_timeout=_IDLE_SECONDS,
            lingering_time=_LINGER_SECONDS,
            max_line_size=_LINE_BYTES_MAX,
            max_field_size=limits.header_bytes_max,
            max_headers=_HEADERS_MAX,
        )
        self._answer, self._connections_max = answer, limits.connections_max
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}

    async def _greet(self, request: web.BaseRequest) -> web.StreamResponse:
        self._heard(request.protocol)
        return await self._answer(request)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Take a client, or drop one too many."""
        super().connection_made(handler, transport)
        if len(self.connections) > self._connections_max:
            transport.abort()
            return
        timer = asyncio.get_running_loop().call_later(_FIRST_REQUEST_SECONDS, transport.abort)
        self._silent[handler] = timer

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a client."""
        self._heard(handler)
        super().connection_lost(handler, exc)

    def _heard(self, handler: RequestHandler) -> None:
        timer = self._silent.pop(handler, None)
        if timer is not None:
            timer.cancel()


@dataclass(slots=True, eq=False)
class Site:
    """Hold one place where the gateway listens."""

    runner: web.ServerRunner
    socket: socket.socket
    folder: Path | None = None
    """The folder of a Unix socket, which goes with it."""

    @property
    def path(self) -> str:
        """Return the path of a Unix socket."""
        return str(self.folder / SOCKET_NAME) if self.folder else ""

    @property
    def url(self) -> str:
        """Return the address of a port."""
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    async def close(self) -> None:
        """Hear nobody any more."""
        await self.runner.cleanup()
        if self.folder is not None:
            remove_tree(self.folder, self.folder.parent)


async def listen(answer: Answer, limits: GatewayLimits, opened: socket.socket, folder: Path | None) -> Site:
    """Serve a socket that is bound already."""
    runner = web.ServerRunner(Listener(answer, limits), shutdown_timeout=_END_SECONDS)
    await runner.setup()
    await web.SockSite(runner, opened).start()
    return Site(runner, opened, folder)


def check_head(request: web.BaseRequest, limits: GatewayLimits) -> None:
    """Refuse what is too much or ambiguous, before a byte of the body is read.

    Raises:
        Refusal: with 400, 413 or 431.
    """
    if header_bytes(request.raw_headers) > limits.header_bytes_max:
        raise too_large("the headers are too large", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    if hdrs.TRANSFER_ENCODING in request.headers and hdrs.CONTENT_LENGTH in request.headers:
        raise unfit("a request has either Content-Length or Transfer-Encoding")
    if (request.content_length or 0) > limits.body_bytes_max:
        raise too_large(f"more than {limits.body_bytes_max} bytes")


def tokens_of(request: web.BaseRequest) -> tuple[str, ...]:
    """Return what a client shows as its token, at every place where a key may stand."""
    shown = [request.headers.get(name, "") for name in TOKEN_HEADERS]
    shown += parse_qs(request.rel_url.raw_query_string, max_num_fields=50).get("key", [])
    bare = (text[7:] if text[:7].lower() == "bearer " else text for text in shown)
    return tuple(text.strip() for text in bare if 0 < len(text) < _TOKEN_CHARS_MAX)


async def read_body(request: web.BaseRequest, limits: GatewayLimits) -> bytes:
    """Read the whole body of a request, decoded, within its bounds.

    Raises:
        Refusal: with 400, 408 or 413.
    """
    body = bytearray()
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        async with asyncio.timeout(limits.body_seconds_max):
            while data := await request.content.readany():
                body += data
                if len(body) > limits.body_bytes_max:
                    raise too_large(f"more than {limits.body_bytes_max} bytes")
    except TimeoutError as error:
        raise late() from error
    except (RequestPayloadError, HttpProcessingError) as error:
        raise unfit("the body of the request cannot be read") from error
    return bytes(body)


def parse_body(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises:
        Refusal: it is something else.
    """
    if sum(map(body.count, b"{[")) > _NESTS_MAX or body.count(b",") > _COMMAS_MAX:
        # Small in bytes, and large once it is read.
        raise too_large("the body has too many parts")
    try:
        value = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise unfit(f"the body is not JSON: {str(error)[:200]}") from error
    if not isinstance(value, dict):
        raise unfit("the body is not a JSON object")
    return value


def write_body(fields: dict[str, Any]) -> bytes:
    """Write a body again, no larger than it came."""
    try:
        return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(fields, separators=(",", ":")).encode()


def refused(dialect: Dialect, refusal: Refusal) -> web.Response:
    """Answer with a refusal; clients are told whether trying again makes sense."""
    headers = {hdrs.SERVER: "keelway", "X-Should-Retry": "true" if refusal.retry_seconds else "false"}
    if refusal.retry_seconds:
        headers[hdrs.RETRY_AFTER] = str(refusal.retry_seconds)
    body = dialect.refusal(refusal.status, refusal.code, refusal.message)
    return web.json_response(body, status=refusal.status, headers=headers)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
