"""Carry one request to its provider and the answer back, counting on the way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp import web

from keelway.clients.gateway.dialects.dialect import Ask
from keelway.clients.gateway.dialects.events import Events, data_of
from keelway.clients.gateway.dialects.refusal import Refusal
from keelway.clients.gateway.dialects.routes import Route
from keelway.clients.gateway.dialects.usage import BYTES_A_TOKEN, Seen, Tokens
from keelway.clients.gateway.record.log import Mask
from keelway.clients.gateway.upstream import Upstream, address, headers_back, headers_on
from keelway.clients.gateway.values import GatewayLimits, Provider
from keelway.core.errors import TheirFault

AUTH, PROVIDER, SILENT = "auth", "provider", "silent"
CLIENT_GONE = 499

_ERROR_BYTES_MAX = 1024 * 1024
_ARRAY_BYTES_MAX = 8 * 1024 * 1024
_SHOWN_CHARS = 500
_EVENTS = "text/event-stream"
_TROUBLE = frozenset({402, 408, 429})

Follow = Callable[[Tokens], None]
"""Take the tokens so far; raises Refusal when a bound is passed by them."""


@dataclass(slots=True, eq=False)
class Exchange:
    """Hold one request on its way; ``answer`` carries it, the other fields say afterwards how it went."""

    request: web.BaseRequest
    provider: Provider
    key: str
    route: Route
    ask: Ask
    body: bytes
    prompt_tokens: int
    limits: GatewayLimits
    follow: Follow
    seen: Seen = field(default_factory=Seen)
    answered: int = 0
    """The status that the provider gave; 0 when it gave none."""
    status: int = 0
    """How the exchange ended."""
    failure: str = ""
    error: str = ""
    sent: bool = False
    whole: bool = False
    first_byte_seconds: float = 0.0
    bytes_out: int = 0
    _cut: Refusal | None = None
    _task: asyncio.Task[web.StreamResponse] | None = None
    _response: web.StreamResponse | None = None
    _began: float = field(default_factory=time.monotonic)

    def cut(self, refusal: Refusal) -> None:
        """End the exchange now; the client is told why."""
        self._cut = refusal
        if self._task is not None:
            self._task.cancel()

    async def answer(self, upstream: Upstream) -> web.StreamResponse:
        """Carry the request.

        Raises:
            Refusal: there is no answer, and nothing was sent to the client yet.
            CancelledError: the client has left.
            ConnectionError: likewise.
        """
        self._task = asyncio.create_task(self._carry(upstream))
        if self._cut is not None:
            self._task.cancel()
        try:
            return await self._task
        except Refusal as refusal:
            return await self._end(refusal)
        except asyncio.CancelledError:
            here = asyncio.current_task()
            if self._cut is None or here is None or here.cancelling():
                self.status = self.status if self.seen.done else CLIENT_GONE
                raise
            return await self._end(self._cut)
        except ConnectionError:
            self.status = self.status if self.seen.done else CLIENT_GONE
            raise

    async def _end(self, refusal: Refusal) -> web.StreamResponse:
        """Tell the client why there is no more; raises the refusal when it has been told nothing yet."""
        self.error = self.error or refusal.message
        if self._response is None:
            self.status = self.status or refusal.status
            raise refusal
        if self._response.content_type != _EVENTS:
            if self.request.transport is not None:
                self.request.transport.abort()
            return self._response
        with contextlib.suppress(_ClientGone):
            await self._write(self.route.dialect.cut(refusal.status, refusal.code, refusal.message))
        return await self._finish()

    async def _carry(self, upstream: Upstream) -> web.StreamResponse:
        """Send the request, and pass on what comes; what goes wrong at the provider becomes a refusal."""
        mask = Mask(self.key)
        try:
            async with await self._send(upstream) as answer:
                self.status = self.answered = answer.status
                if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
                    raise self._failed(PROVIDER, "answered with a redirect, which is not followed")
                if answer.status != HTTPStatus.OK or not self._streams(answer):
                    return await self._pass_whole(answer, mask)
                events = answer.content_type == _EVENTS
                return await (self._pass_events if events else self._pass_array)(answer, mask)
        except aiohttp.SocketTimeoutError as error:
            sentence = f"sent nothing for {self.limits.silence_seconds_max:g} s"
            raise self._failed(SILENT, sentence, HTTPStatus.GATEWAY_TIMEOUT) from error
        except TimeoutError as error:
            raise self._failed(PROVIDER, "did not answer in time", HTTPStatus.GATEWAY_TIMEOUT) from error
        except TheirFault as error:
            raise self._failed(PROVIDER, f"sent too much ({error.message})") from error
        except _ClientGone as error:
            raise ConnectionResetError("the client has left") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._failed(PROVIDER, f"was lost: {type(error).__name__}") from error

    async def _send(self, upstream: Upstream) -> aiohttp.ClientResponse:
        headers = headers_on(self.request.headers, self.provider, self.key)
        if self.body:
            headers["Content-Type"] = "application/json"
        to = address(self.provider, self.route, self.request.rel_url.raw_query_string)
        # A connection that was never made has cost nothing; anything else may have.
        self.sent = True
        try:
            return await upstream.send(self.request.method, to, headers, self.body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            self.sent = False
            raise

    def _failed(self, failure: str, what: str, status: int = HTTPStatus.BAD_GATEWAY) -> Refusal:
        self.failure, self.status = failure, status
        return Refusal(status, failure, f"the provider {self.provider.name} {what}")

    def _streams(self, answer: aiohttp.ClientResponse) -> bool:
        return answer.content_type == _EVENTS or self.route.stream

    async def _pass_whole(self, answer: aiohttp.ClientResponse, mask: Mask) -> web.StreamResponse:
        """Read the whole answer, then pass it on."""
        good = answer.status < HTTPStatus.BAD_REQUEST
        body = await self._read(answer, self.limits.answer_bytes_max if good else _ERROR_BYTES_MAX)
        self._first()
        body = mask.raw(body)
        if good:
            self._note_json(body)
            self.whole = True
        else:
            self._note_failure(answer.status, body)
        self.bytes_out = len(body)
        response = web.Response(status=answer.status, body=body, headers=headers_back(answer.headers, mask))
        # Sent from here, so that nobody waits for what is counted afterwards.
        with _leaving():
            await response.prepare(self.request)
            await response.write_eof()
        return response

    async def _read(self, answer: aiohttp.ClientResponse, bytes_max: int) -> bytes:
        body = bytearray()
        async for data in self._pieces(answer):
            body += data
            if len(body) > bytes_max:
                raise TheirFault("answer_too_large", f"An answer is larger than {bytes_max} bytes.")
        return bytes(body)

    async def _pieces(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        while data := await answer.content.readany():
            yield data

    async def _pass_events(self, answer: aiohttp.ClientResponse, mask: Mask) -> web.StreamResponse:
        """Pass a stream of events on, each as soon as it is whole."""
        events = Events(self.limits.event_bytes_max)
        await self._prepare(answer, mask)
        async for data in self._pieces(answer):
            await self._pass([mask.raw(event) for event in events.feed(data)])
        await self._pass([mask.raw(events.rest())])
        self.whole = True
        return await self._finish()

    async def _pass(self, events: list[bytes]) -> None:
        kept = b"".join(event for event in events if self._shows(event))
        if kept:
            await self._write(kept)
        if events and not self.seen.done:
            self._follow()

    def _shows(self, event: bytes) -> bool:
        """Read an event; tell whether the client gets it."""
        data = data_of(event)
        if not data.startswith(b"{"):
            return True
        try:
            payload = json.loads(data)
        except (ValueError, RecursionError):
            return True
        only_usage = isinstance(payload, dict) and self.route.dialect.read(self.seen, payload)
        if self.seen.error and not self.failure:
            self.failure, self.error = PROVIDER, self.seen.error
        return not (only_usage and self.ask.hides_usage)

    async def _pass_array(self, answer: aiohttp.ClientResponse, mask: Mask) -> web.StreamResponse:
        """Pass a stream of another form on as it comes, and read it at its end."""
        await self._prepare(answer, mask)
        held, read = b"", bytearray()
        async for data in self._pieces(answer):
            clean = mask.raw(held + data)
            cut = len(clean) - mask.held(clean)
            held, ready = clean[cut:], clean[:cut]
            if len(read) + len(ready) <= _ARRAY_BYTES_MAX:
                read += ready
            self.seen.text_bytes += len(ready)
            await self._write(ready)
            self._follow()
        await self._write(held)
        self.seen.text_bytes = 0
        self._note_json(bytes(read + held))
        self.seen.text_bytes = self.seen.text_bytes or self.bytes_out
        self.whole = True
        return await self._finish()

    async def _prepare(self, answer: aiohttp.ClientResponse, mask: Mask) -> None:
        response = web.StreamResponse(status=answer.status, headers=headers_back(answer.headers, mask))
        with _leaving():
            await response.prepare(self.request)
        self._response = response

    async def _write(self, data: bytes) -> None:
        if self._response is None or not data:
            return
        self._first()
        self.bytes_out += len(data)
        with _leaving():
            await self._response.write(data)

    async def _finish(self) -> web.StreamResponse:
        response = self._response
        if response is None:
            raise RuntimeError("nothing was begun")
        with contextlib.suppress(ConnectionError):
            await response.write_eof()
        return response

    def _first(self) -> None:
        self.first_byte_seconds = self.first_byte_seconds or time.monotonic() - self._began

    def _follow(self) -> None:
        seen = self.seen
        given = seen.input if seen.input > 0 else self.prompt_tokens
        made = max(seen.output, seen.text_bytes // BYTES_A_TOKEN)
        self.follow(Tokens(given, made, min(seen.cached, given)))

    def _note_json(self, body: bytes) -> None:
        """Read a whole answer, or the answers of a list."""
        try:
            value: Any = json.loads(body)
        except (ValueError, RecursionError):
            self.seen.text_bytes += len(body)
            return
        for payload in value if isinstance(value, list) else [value]:
            if isinstance(payload, dict):
                self.route.dialect.read(self.seen, payload)

    def _note_failure(self, status: int, body: bytes) -> None:
        self.error = body[:_SHOWN_CHARS].decode("utf-8", "replace")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            self.failure = AUTH
        elif status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TROUBLE:
            self.failure = PROVIDER


class _ClientGone(Exception):
    """Tell a client that left from a provider that was lost: both come as a broken connection."""


@contextlib.contextmanager
def _leaving() -> Iterator[None]:
    try:
        yield
    except ConnectionError as error:
        raise _ClientGone from error
