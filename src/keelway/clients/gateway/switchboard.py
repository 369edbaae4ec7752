"""Connect each request with its pass: who is it, may it, is there money; and count it at its end."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from aiohttp import web

from keelway.clients.gateway.dialects.dialect import Ask
from keelway.clients.gateway.dialects.refusal import Refusal, at_fault, stopped, unknown
from keelway.clients.gateway.dialects.routes import Route, dialect_of, find_route
from keelway.clients.gateway.dialects.usage import Tokens
from keelway.clients.gateway.exchange import Exchange
from keelway.clients.gateway.line import Line
from keelway.clients.gateway.meter import Meter
from keelway.clients.gateway.price import prepare, rate
from keelway.clients.gateway.record.books import Books
from keelway.clients.gateway.record.log import BOOKED, RequestLog, left_open
from keelway.clients.gateway.server import (
    SOCKET_NAME,
    Site,
    check_head,
    listen,
    read_body,
    refused,
    tokens_of,
)
from keelway.clients.gateway.upstream import Upstream
from keelway.clients.gateway.values import (
    APIS,
    Allowance,
    Entry,
    GatewayLimits,
    Grant,
    Metered,
    Pass,
    Provider,
)
from keelway.clients.listening import loopback_port, sweep, unix_socket
from keelway.core.errors import OurFault, YourFault

_LOG = logging.getLogger(__name__)
_TOKEN_BYTES = 32
_PREFIX = "sk-keelway-"
_ASKERS = 4
_QUIET_SECONDS = 2.0
_BOOK_SECONDS = 5.0
_BRAKE_SECONDS = 0.1


class Switchboard:
    """Serve every pass; everything here runs on one loop."""

    def __init__(
        self,
        providers: Sequence[Provider],
        folder: Path,
        book: Callable[[Entry], None],
        allowance: Callable[[str], Allowance],
        limits: GatewayLimits,
        uid: int,
    ) -> None:
        self._providers = {provider.name: provider for provider in providers}
        self._folder, self._allowance, self._limits, self._uid = folder, allowance, limits, uid
        self._loop = asyncio.get_running_loop()
        self._lines: dict[str, Line] = {}
        self._meter = Meter()
        self._books = Books(book, self._is_booked)
        self._unbooked: dict[str, tuple[Line, Future[None]]] = {}
        self._askers = ThreadPoolExecutor(_ASKERS, "gateway-ask")
        self._upstream = Upstream(limits)
        self._freed = asyncio.Condition()
        self._telling: set[asyncio.Task[None]] = set()
        self._port: Site | None = None

    async def start(self) -> None:
        """Open the port, and remove what an earlier life left behind."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(self._folder, SOCKET_NAME)
        await self._loop.run_in_executor(self._askers, prepare)
        self._port = await listen(partial(self._answer, None), self._limits, loopback_port(), None)

    async def open(self, grant: Grant) -> Pass:
        """Make a pass, and book what an earlier life of the same run left open.

        Raises:
            YourFault: there is no such provider, or its socket or log cannot be made.
        """
        provider = self._providers.get(grant.provider)
        if provider is None or self._port is None:
            known = ", ".join(sorted(self._providers)) or "none"
            message = f"There is no provider {grant.provider!r}; configured: {known}."
            raise YourFault("no_provider", message, "add a [[provider]] to keelway.toml")
        token = _PREFIX + secrets.token_hex(_TOKEN_BYTES)
        key = _digest(token)
        left, log = left_open(grant.log_path, grant), RequestLog(grant.log_path)
        try:
            opened, path = unix_socket(self._folder, SOCKET_NAME, self._uid)
            site = await listen(partial(self._answer, key), self._limits, opened, path.parent)
        except BaseException:
            log.close()
            raise
        line = Line(provider, self._meter.account(grant), log, site, self._limits)
        self._lines[key] = line
        for entry in left:
            line.account.owe(entry.cost_usd)
            self._book(line, entry)
        return Pass(token, site.path, self._port.url, APIS[provider.api])

    async def look(self, token: str) -> Metered:
        """Return what a pass has used."""
        return self._known(token).account.look()

    async def close(self, token: str) -> Metered:
        """Make a pass void, end what it has under way and return what it used; its bookings are waited for."""
        line = self._known(token)
        line.closed = True
        for exchange in tuple(line.live):
            exchange.cut(unknown())
        await self._quiet(line)
        await line.site.close()
        del self._lines[_digest(token)]
        waiting = [asyncio.wrap_future(future) for at, future in self._unbooked.values() if at is line]
        if waiting:
            await asyncio.wait(waiting, timeout=_BOOK_SECONDS)
            await asyncio.sleep(0)
        line.log.close()
        self._forget(line.grant.task)
        return line.account.look()

    async def revoke(self, task: str) -> int:
        """Make every pass of a task void at once; return how many there were."""
        lines = [line for line in self._lines.values() if line.grant.task == task]
        for line in lines:
            line.account.revoke()
            for exchange in tuple(line.live):
                exchange.cut(stopped())
        for line in lines:
            await self._quiet(line)
        return len(lines)

    async def stop(self) -> None:
        """End everything, and book what is waiting."""
        if self._port is not None:
            await self._port.close()
        for line in tuple(self._lines.values()):
            for exchange in tuple(line.live):
                exchange.cut(unknown())
            await self._quiet(line)
            await line.site.close()
        await self._upstream.close()
        await asyncio.to_thread(self._books.close)
        self._askers.shutdown(wait=False, cancel_futures=True)
        await asyncio.sleep(0)
        for line in self._lines.values():
            line.log.close()
        self._lines.clear()

    async def _answer(self, own: str | None, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; ``own`` is the pass whose socket it came by."""
        path = request.rel_url.raw_path
        route = find_route(request.method, path)
        dialect = route.dialect if route else dialect_of(path)
        line: Line | None = None
        try:
            check_head(request, self._limits)
            line = self._line_of(request, own)
            return await self._serve(request, line, line.check(route))
        except Refusal as refusal:
            if line is not None:
                line.note_refusal(path, refusal)
            # A program that asks again and again without a pause is not to keep us busy.
            await asyncio.sleep(_BRAKE_SECONDS)
            return refused(dialect, refusal)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:  # noqa: BLE001 - the client gets an answer of its dialect, the log the rest
            _LOG.exception("A request to %s failed in the gateway", path[:200])
            return refused(dialect, at_fault())

    def _line_of(self, request: web.BaseRequest, own: str | None) -> Line:
        for token in tokens_of(request):
            key = _digest(token)
            line = self._lines.get(key)
            if line is not None and own in {None, key}:
                return line
        raise unknown()

    async def _serve(self, request: web.BaseRequest, line: Line, route: Route) -> web.StreamResponse:
        size = line.take(request)
        try:
            body = await read_body(request, self._limits) if request.method == "POST" else b""
            ask, body, given = line.understand(route, body) if request.method == "POST" else (Ask(""), b"", 0)
            key = await line.ask(self._askers, None if route.free else self._allowance)
            exchange = Exchange(
                request, line.provider, key, route, ask, body, given, self._limits, _follow_nothing
            )
            if route.free:
                return await self._carry_free(line, exchange)
            return await self._carry(line, exchange)
        finally:
            line.give_back(size)

    async def _carry_free(self, line: Line, exchange: Exchange) -> web.StreamResponse:
        line.insist()
        line.live.add(exchange)
        try:
            return await exchange.answer(self._upstream)
        finally:
            self._end(line, exchange)
            line.note(exchange)

    async def _carry(self, line: Line, exchange: Exchange) -> web.StreamResponse:
        each = rate(line.provider, exchange.ask.model, exchange.prompt_tokens)
        stream = exchange.ask.stream or exchange.route.stream
        usd, tokens = line.reserve(exchange.ask, exchange.prompt_tokens, each, stream)
        claim = await line.admit(usd, tokens, self._freed)
        exchange.follow = partial(line.follow, claim, each)
        began, name = time.monotonic(), line.begin(exchange, claim)
        line.live.add(exchange)
        try:
            return await exchange.answer(self._upstream)
        finally:
            entry = line.settle(name, exchange, claim, time.monotonic() - began)
            if exchange.sent:
                self._book(line, entry)
            self._end(line, exchange)

    def _end(self, line: Line, exchange: Exchange) -> None:
        line.live.discard(exchange)
        telling = self._loop.create_task(self._tell())
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        async with self._freed:
            self._freed.notify_all()

    def _book(self, line: Line, entry: Entry) -> None:
        self._unbooked[entry.id] = (line, self._books.add(entry))

    def _is_booked(self, entry: Entry) -> None:
        """Hear from the thread of the book."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._note_booked, entry)

    def _note_booked(self, entry: Entry) -> None:
        line, _future = self._unbooked.pop(entry.id)
        line.log.note(BOOKED, id=entry.id)
        self._meter.booked(entry.task, entry.cost_usd)
        self._forget(entry.task)

    def _forget(self, task: str) -> None:
        if all(line.grant.task != task for line in self._lines.values()):
            self._meter.leave(task)

    async def _quiet(self, line: Line) -> None:
        """Wake who waits for money, and wait a moment for what is being ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_QUIET_SECONDS), self._freed:
                self._freed.notify_all()
                await self._freed.wait_for(lambda: not line.live)

    def _known(self, token: str) -> Line:
        line = self._lines.get(_digest(token))
        if line is None:
            raise OurFault(
                "pass_unknown", "There is no such pass; it was closed, or the gateway was stopped."
            )
        return line


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _follow_nothing(_tokens: Tokens) -> None:
    return None
