"""Carry one request to a release and its answer back, streaming both ways, and count how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from keelway.programs.front.edge import (
    Limits,
    Refused,
    RequestBody,
    StreamedAnswer,
    WholeAnswer,
    check_request,
    origin_target,
    plain_answer,
)
from keelway.programs.front.headers import onward_headers, returned_headers
from keelway.programs.front.record.counters import Counters, Miss, Outcome
from keelway.programs.front.table import Chooser
from keelway.programs.front.upstream import Upstream, UpstreamLost, Upstreams
from keelway.programs.front.websocket import Tunnel, wants_websocket

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_SWITCHING = 101
_NOT_MODIFIED = 304


class Missed(Exception):
    """Say that a release gave no answer: how to count it, and what the client is told."""

    def __init__(self, miss: Miss, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.miss = miss
        self.status = status


@dataclass(slots=True)
class Exchange:
    """Hold one request on its way through a release."""

    request: web.BaseRequest
    target: str
    upstream: Upstream
    body: RequestBody
    started_at: float
    answer: int | Miss | None = None
    latency_ms: float = 0.0
    bytes_out: int = 0

    def answered(self, answer: int | Miss) -> None:
        """Note the first thing known about the end: the status, or the miss."""
        if self.answer is None:
            self.latency_ms = (asyncio.get_running_loop().time() - self.started_at) * 1000.0
        self.answer = answer


@dataclass(slots=True)
class Proxy:
    """Answer every request that arrives at the front."""

    limits: Limits
    counters: Counters
    upstreams: Upstreams
    chooser: Callable[[], Chooser]
    stopping: bool = field(default=False)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; refusals and missing releases are answered here."""
        try:
            check_request(request, self.limits)
            target = origin_target(request)
        except Refused as refusal:
            self.counters.rejected += 1
            return plain_answer(refusal.status, str(refusal), close=True)
        if self.upstreams.total >= self.limits.inflight_max:
            self.counters.rejected += 1
            return plain_answer(503, "Too many requests are in flight; try again.", retry_seconds=1)
        backend = self.chooser().choose()
        if backend is None:
            self.counters.no_backend += 1
            return plain_answer(503, "No release takes traffic right now; try again.", retry_seconds=2)
        with self.upstreams.borrow(backend) as upstream:
            body = RequestBody(request, self.limits)
            exchange = Exchange(request, target, upstream, body, asyncio.get_running_loop().time())
            try:
                return await self._carry(exchange)
            finally:
                self._count(exchange)

    def _count(self, exchange: Exchange) -> None:
        """Count one exchange exactly once, at its end; a client that left before an answer is no error."""
        release = exchange.upstream.backend.release
        self.counters.bump(release, "bytes_in", exchange.body.size)
        self.counters.bump(release, "bytes_out", exchange.bytes_out)
        if exchange.answer is not None and exchange.answer != _SWITCHING:
            self.counters.finish(Outcome(release, exchange.target, exchange.answer, exchange.latency_ms))

    async def _carry(self, exchange: Exchange) -> web.StreamResponse:
        """Send the request on and pass the answer back, or say why there is none."""
        release = exchange.upstream.backend.release
        try:
            if wants_websocket(exchange.request):
                return await self._tunnel(exchange)
            upstream_answer = await self._send(exchange)
            try:
                return await self._pass_back(exchange, upstream_answer)
            finally:
                upstream_answer.close() if not upstream_answer.content.is_eof() else upstream_answer.release()
        except Missed as missed:
            exchange.answered(missed.miss)
            return self._last(plain_answer(missed.status, str(missed)))
        except Refused as refusal:
            self.counters.rejected += 1
            return plain_answer(refusal.status, str(refusal), close=True)
        except (asyncio.CancelledError, ConnectionError):
            if exchange.answer != _SWITCHING:
                self.counters.bump(release, "client_gone")
            raise

    async def _send(self, exchange: Exchange) -> aiohttp.ClientResponse:
        """Get the head of the answer, repeating the request once on a new connection where that is harmless.

        Harmless is: none of the body was given away, and either the connection was never made or the method is
        idempotent (RFC 9110 section 9.2.2).
        """
        try:
            return await self._attempt(exchange, fresh=False)
        except (aiohttp.ClientConnectorError, UpstreamLost) as error:
            never_sent = isinstance(error, aiohttp.ClientConnectorError)
            harmless = never_sent or exchange.request.method in _IDEMPOTENT
            if exchange.body.started or not harmless or exchange.body.fault is not None:
                raise self._missed(exchange, error) from error
        self.counters.bump(exchange.upstream.backend.release, "retries")
        try:
            return await self._attempt(exchange, fresh=True)
        except (aiohttp.ClientConnectorError, UpstreamLost) as error:
            raise self._missed(exchange, error) from error

    async def _attempt(self, exchange: Exchange, *, fresh: bool) -> aiohttp.ClientResponse:
        """Send the request once and wait for the head of the answer."""
        request = exchange.request
        try:
            answer = await exchange.upstream.session(fresh=fresh).request(
                request.method,
                URL(exchange.upstream.backend.url + exchange.target, encoded=True),
                headers=self._onward(request, websocket=False),
                data=exchange.body.pieces() if request.body_exists else None,
                allow_redirects=False,
            )
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._missed(exchange, error) from error
        if answer.status == _SWITCHING:
            answer.close()
            raise Missed(Miss.UPSTREAM_ERROR, 502, "The release switched protocols without being asked.")
        return answer

    def _missed(self, exchange: Exchange, error: Exception) -> Exception:
        """Say why there is no answer: the client's own fault, a timeout or the release's fault."""
        if exchange.body.fault is not None:
            return exchange.body.fault
        if isinstance(error, TimeoutError):
            return Missed(Miss.TIMEOUT, 504, "The release did not answer in time.")
        return Missed(Miss.UPSTREAM_ERROR, 502, "The release could not be reached or gave no valid answer.")

    def _onward(self, request: web.BaseRequest, *, websocket: bool) -> CIMultiDict[str]:
        """Make the headers for the release."""
        return onward_headers(
            request.headers,
            peer=request.remote or "unknown",
            scheme=request.scheme,
            websocket=websocket,
            trusted_proxy=self.limits.trusted_proxy,
        )

    async def _pass_back(self, exchange: Exchange, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        """Pass the answer on: in one write when it is already here, else piece by piece as the client reads."""
        exchange.answered(answer.status)
        headers = returned_headers(answer.headers, exchange.upstream.backend.release)
        request = exchange.request
        if answer.content.is_eof() and request.method != hdrs.METH_HEAD and answer.status != _NOT_MODIFIED:
            whole = answer.content.read_nowait()
            exchange.bytes_out = len(whole)
            headers.popall(hdrs.CONTENT_LENGTH, None)
            return self._last(
                WholeAnswer(status=answer.status, reason=answer.reason, headers=headers, body=whole)
            )
        response = StreamedAnswer(status=answer.status, reason=answer.reason, headers=headers)
        await self._last(response).prepare(request)
        while True:
            try:
                piece = await answer.content.readany()
            except (aiohttp.ClientError, TimeoutError) as error:
                self._cut(exchange, error)
                return response
            if not piece:
                return response
            await response.write(piece)
            exchange.bytes_out += len(piece)

    def _last(self, response: web.StreamResponse) -> web.StreamResponse:
        """Say on the last answers before a stop that the connection ends here."""
        if self.stopping:
            response.force_close()
        return response

    def _cut(self, exchange: Exchange, error: Exception) -> None:
        """End the client's connection hard, so that half an answer never looks like a whole one."""
        exchange.answered(Miss.TIMEOUT if isinstance(error, TimeoutError) else Miss.UPSTREAM_ERROR)
        if exchange.request.transport is not None:
            exchange.request.transport.abort()

    async def _tunnel(self, exchange: Exchange) -> web.StreamResponse:
        """Join a websocket of the client with one of the release."""
        backend = exchange.upstream.backend
        tunnel = Tunnel(exchange.request, exchange.upstream.session(fresh=True), self.limits.body_bytes_max)
        try:
            refusal = await tunnel.open(
                backend.url + exchange.target, self._onward(exchange.request, websocket=True), backend.release
            )
        except (aiohttp.ClientError, UpstreamLost, TimeoutError) as error:
            raise self._missed(exchange, error) from error
        if refusal is not None:
            exchange.answered(refusal.status)
            return refusal
        exchange.answered(_SWITCHING)
        self.counters.finish(Outcome(backend.release, exchange.target, _SWITCHING, exchange.latency_ms))
        exchange.upstream.closers.add(tunnel.going_away)
        try:
            if await tunnel.run():
                self.counters.bump(backend.release, "websockets_lost")
        finally:
            exchange.body.size, exchange.bytes_out = tunnel.bytes_in, tunnel.bytes_out
            try:
                await tunnel.close()
            finally:
                exchange.upstream.closers.discard(tunnel.going_away)
        return tunnel.client
