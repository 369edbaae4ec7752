"""Stand at the edge towards clients: limits, refusals and responses on aiohttp's own HTTP parser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from keelway.programs.front.headers import header_bytes

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_LINE_BYTES_MAX = 8190
_HEADERS_MAX = 128
_KEEPALIVE_SECONDS = 75.0
_LINGER_SECONDS = 1.0
_SERVER_FAULT = 500
_METHODS_REFUSED = frozenset({hdrs.METH_CONNECT, hdrs.METH_TRACE})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound what one request may cost; sizes in bytes, times in seconds."""

    body_bytes_max: int = 1024 * 1024 * 1024
    header_bytes_max: int = 32 * 1024
    connect_timeout_seconds: float = 5.0
    request_timeout_seconds: float = 60.0
    inflight_max: int = 10_000
    trusted_proxy: bool = False


class Refused(Exception):
    """Answer a request ourselves: the status and one sentence for the client."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def check_request(request: web.BaseRequest, limits: Limits) -> None:
    """Refuse what must not reach a release, before a byte of the body is read.

    Raises:
        Refused: with 400, 405, 413 or 431.
    """
    if header_bytes(request.raw_headers) > limits.header_bytes_max:
        raise Refused(431, f"The header block is larger than {limits.header_bytes_max} bytes.")
    if request.method in _METHODS_REFUSED:
        raise Refused(405, f"{request.method} is not passed on.")
    if hdrs.TRANSFER_ENCODING in request.headers and hdrs.CONTENT_LENGTH in request.headers:
        raise Refused(400, "A request has either Content-Length or Transfer-Encoding, never both.")
    if len(request.headers.getall(hdrs.HOST, [])) > 1:
        raise Refused(400, "A request has one Host header.")
    if (request.content_length or 0) > limits.body_bytes_max:
        raise Refused(413, f"The body is larger than {limits.body_bytes_max} bytes.")


def origin_target(request: web.BaseRequest) -> str:
    """Give the path and query exactly as sent, also from an absolute target.

    Raises:
        Refused: with 400 when the target is neither.
    """
    target = request.raw_path
    if target.startswith("/"):
        return target.partition("#")[0]
    if request.rel_url.raw_path.startswith("/") and "://" in target:
        return request.rel_url.raw_path_qs
    raise Refused(400, "The request target must be a path.")


@dataclass(slots=True)
class RequestBody:
    """Read a request body piece by piece, within its limits, and know whether any of it has been given away."""

    request: web.BaseRequest
    limits: Limits
    size: int = 0
    started: bool = False
    fault: Refused | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the body as it arrives; a fault is kept, because aiohttp reports it in other words."""
        self.started = True
        try:
            await self._welcome()
            while piece := await self._next():
                yield piece
        except Refused as fault:
            self.fault = fault
            raise

    async def _welcome(self) -> None:
        """Tell a client that waits for 100 Continue to send its body."""
        if self.request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
            transport = self.request.transport
            if transport is not None:
                transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _next(self) -> bytes:
        """Read the next piece; raises Refused with 400, 408 or 413."""
        try:
            async with asyncio.timeout(self.limits.request_timeout_seconds):
                piece = await self.request.content.readany()
        except TimeoutError as error:
            raise Refused(408, "The body did not arrive in time.") from error
        except (RequestPayloadError, HttpProcessingError) as error:
            raise Refused(400, "The body is not valid HTTP.") from error
        self.size += len(piece)
        if self.size > self.limits.body_bytes_max:
            raise Refused(413, f"The body is larger than {self.limits.body_bytes_max} bytes.")
        return piece


def plain_answer(
    status: int, sentence: str, *, retry_seconds: int | None = None, close: bool = False
) -> web.Response:
    """Make a short text answer of the front's own; `close` ends a connection whose next bytes cannot be trusted."""
    response = web.Response(status=status, text=f"{sentence}\n", headers={hdrs.SERVER: "keelway-front"})
    if retry_seconds is not None:
        response.headers[hdrs.RETRY_AFTER] = str(retry_seconds)
    if close:
        response.force_close()
    return response


class _Unadorned(web.StreamResponse):
    """Keep aiohttp from adding headers that the release did not send."""

    async def _prepare_headers(self) -> None:
        """Take back the default content type and server name."""
        absent = [name for name in (hdrs.CONTENT_TYPE, hdrs.SERVER) if name not in self.headers]
        await super()._prepare_headers()
        for name in absent:
            self.headers.pop(name, None)


class StreamedAnswer(_Unadorned):
    """Pass a response on piece by piece."""


class WholeAnswer(_Unadorned, web.Response):
    """Pass on a response whose body has already arrived, in one write."""


class EdgeProtocol(RequestHandler):
    """Serve one client connection; unreadable requests get 400, 414 or 431 and a closed connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = _SERVER_FAULT,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that aiohttp could not read, or a fault of ours; raises ConnectionError mid-response."""
        if isinstance(exc, BadHttpMessage) and isinstance(self._manager, EdgeServer):
            self._manager.on_unreadable()
            return plain_answer(*self._reading(exc), close=True)
        if isinstance(exc, ConnectionError):
            raise exc
        super().handle_error(request, status, exc, message)
        return plain_answer(status, "The front could not answer this request.", close=True)

    def leave(self) -> None:
        """Close at once when idle, else after the request that is being answered."""
        if self._current_request is None and not self._messages:
            self.force_close()
        else:
            self.close()

    def _reading(self, fault: BadHttpMessage) -> tuple[int, str]:
        """Choose the status for a request that could not be read."""
        if isinstance(fault, LineTooLong):
            if fault.args[1] == self.max_line_size:
                return 414, "The request line is too long."
            return 431, "A header is too long."
        if fault.message.startswith("Too many headers"):
            return 431, f"More than {_HEADERS_MAX} headers."
        return 400, "The request is not valid HTTP."


class EdgeServer(web.Server):
    """Make one `EdgeProtocol` for each client connection."""

    def __init__(self, answer: Answer, limits: Limits, on_unreadable: Callable[[], None]) -> None:
        super().__init__(answer, handler_cancellation=True)
        self._limits = limits
        self.on_unreadable = on_unreadable

    def __call__(self) -> RequestHandler:
        """Make the protocol with our limits; the body stays as sent, compressed or not."""
        line_bytes = min(_LINE_BYTES_MAX, self._limits.header_bytes_max - 1)
        return EdgeProtocol(
            self,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGER_SECONDS,
            access_log=None,  # type: ignore[arg-type] # aiohttp turns logging off for any false value
            max_line_size=line_bytes,
            max_field_size=self._limits.header_bytes_max,
            max_headers=_HEADERS_MAX,
            auto_decompress=False,
        )

    def leave(self) -> None:
        """Let every client connection go as soon as it is idle."""
        for protocol in self.connections:
            if isinstance(protocol, EdgeProtocol):
                protocol.leave()
