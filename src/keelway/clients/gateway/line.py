"""Hold one pass while it is open: what it may ask for, what it has under way, what it has used."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from keelway.clients.gateway.dialects.dialect import Ask
from keelway.clients.gateway.dialects.refusal import (
    Refusal,
    busy,
    held,
    no_book,
    no_key,
    nowhere,
    spent,
    stopped,
    unknown,
)
from keelway.clients.gateway.dialects.routes import Route, ask_freely
from keelway.clients.gateway.dialects.usage import Tokens, prompt_tokens
from keelway.clients.gateway.exchange import AUTH, Exchange
from keelway.clients.gateway.meter import Account, Claim
from keelway.clients.gateway.price import Rate, price
from keelway.clients.gateway.record.log import BEGAN, ENDED, REFUSED, RequestLog, shown
from keelway.clients.gateway.server import Site, parse_body, write_body
from keelway.clients.gateway.values import APIS, OPENAI, Allowance, Entry, GatewayLimits, Grant, Provider
from keelway.core.errors import KeelwayError

WHOLE_ANSWER_FACTOR = 8

_LOG = logging.getLogger(__name__)
_ERROR_CHARS_MAX = 1_024
_REFUSALS_MAX = 200
_BODIES = 2


@dataclass(slots=True, eq=False)
class Line:
    """Connect one pass with its provider."""

    provider: Provider
    account: Account
    log: RequestLog
    site: Site
    limits: GatewayLimits
    live: set[Exchange] = field(default_factory=set)
    busy: int = 0
    """How many requests are being served, those included that have not got a claim yet."""
    held_bytes: int = 0
    """How large their bodies are together."""
    refusals: int = 0
    closed: bool = False

    @property
    def grant(self) -> Grant:
        """Return what the pass permits."""
        return self.account.grant

    def check(self, route: Route | None) -> Route:
        """Return a route that this pass may take.

        Raises:
            Refusal: it may take none, or not this one.
        """
        self.insist()
        if route is None:
            raise nowhere("this path is not let through")
        api = self.provider.api
        family = route.whole_family and api.startswith(OPENAI)
        if not family and route.dialect.name not in APIS[api]:
            raise nowhere(f"the provider {self.provider.name} of this run speaks {api}")
        if self.busy >= self.limits.requests_max:
            raise busy(f"more than {self.limits.requests_max} requests at a time")
        return route

    def insist(self) -> None:
        """Refuse everything once the pass is void.

        Raises:
            Refusal: it is.
        """
        if self.account.revoked:
            raise stopped()
        if self.closed:
            raise unknown()

    def take(self, request: web.BaseRequest) -> int:
        """Count a request with the size of its body, before it is read.

        Raises:
            Refusal: the bodies that are held already leave no room.
        """
        most = self.limits.body_bytes_max
        size = (
            0
            if request.method == "GET"
            else (most if request.content_length is None else request.content_length)
        )
        if self.held_bytes and self.held_bytes + size > _BODIES * most:
            raise busy("the requests under way are too large together")
        self.busy += 1
        self.held_bytes += size
        return size

    def give_back(self, size: int) -> None:
        """Count a request as over."""
        self.busy -= 1
        self.held_bytes -= size

    def understand(self, route: Route, body: bytes) -> tuple[Ask, bytes, int]:
        """Read the body of a request; return what it asks, the body that goes on and a guess of its tokens.

        Raises:
            Refusal: it cannot be let through.
        """
        fields = parse_body(body)
        given = prompt_tokens(fields)
        ask = (
            ask_freely(route, fields) if route.free else route.dialect.ask(fields, route.model, self.provider)
        )
        self.check_model(ask.model)
        # What was checked is what goes on: a body may say a thing twice.
        return ask, write_body(fields), given

    def check_model(self, model: str) -> None:
        """Refuse a model that was not granted.

        Raises:
            Refusal: it was not.
        """
        for allowed in (self.grant.models, self.provider.models):
            if allowed and model not in allowed:
                message = (
                    f"Keelway: the model {model:.100} is not granted; granted: {', '.join(allowed[:20])}."
                )
                raise Refusal(HTTPStatus.FORBIDDEN, "keelway_model", message)

    async def ask(self, askers: Executor, allowance: Callable[[str], Allowance] | None) -> str:
        """Return the real key, and take over what the task may still spend; both are asked off the loop.

        Raises:
            Refusal: one of them is not to be had.
        """
        loop, marks = asyncio.get_running_loop(), self.account.marks()
        try:
            key, left = await loop.run_in_executor(askers, self._read, allowance)
        except KeelwayError as error:
            self.account.fail(AUTH)
            raise no_key(error.code) from error
        except Exception as error:
            _LOG.exception("What %s may still spend is not known", self.grant.task)
            raise no_book() from error
        if left is not None:
            self.account.read(left, marks)
        return key

    def _read(self, allowance: Callable[[str], Allowance] | None) -> tuple[str, Allowance | None]:
        key = self.provider.key()
        try:
            return key, allowance(self.grant.task) if allowance else None
        except KeelwayError as error:  # of the book, not of the key
            raise RuntimeError(str(error)) from error

    async def admit(self, usd: float, tokens: int, freed: asyncio.Condition) -> Claim:
        """Hold back what a request may use, waiting while others hold back everything that is left.

        Raises:
            Refusal: nothing is left, or others hold it for too long.
        """
        deadline = asyncio.get_running_loop().time() + self.limits.wait_seconds_max
        while True:
            self.insist()
            name = self.account.spent()
            if name:
                raise self.spent(name)
            if self.account.room():
                return self.account.claim(usd, tokens)
            await _wait(freed, deadline)

    def spent(self, name: str) -> Refusal:
        """Remember that a bound is reached, and word it; no client tries such an answer again."""
        self.account.refuse(name)
        return spent(name)

    def reserve(self, ask: Ask, prompt_tokens: int, each: Rate, stream: bool) -> tuple[float, int]:
        """Return what is held back for a request: US dollars and tokens.

        A stream is cut when it passes a bound, so that little of it is held back; a whole answer is not.
        """
        most = self.limits.reserve_tokens_max * (1 if stream else WHOLE_ANSWER_FACTOR)
        output = min(ask.output_max or self.limits.reserve_tokens_max, most)
        return each.usd(prompt_tokens, output), prompt_tokens + output

    def follow(self, claim: Claim, each: Rate, tokens: Tokens) -> None:
        """Count what a stream has used so far.

        Raises:
            Refusal: a bound is passed.
        """
        usd = each.usd(tokens.input, tokens.output, tokens.cached)
        name = claim.follow(usd, tokens.input, tokens.output)
        if name:
            raise self.spent(name)

    def begin(self, exchange: Exchange, claim: Claim) -> str:
        """Write down that a request begins; return its id."""
        name = uuid.uuid4().hex
        self.log.note(
            BEGAN,
            id=name,
            provider=self.provider.name,
            model=exchange.ask.model,
            path=exchange.route.path,
            stream=exchange.ask.stream or exchange.route.stream,
            bytes=len(exchange.body),
            input_tokens=exchange.prompt_tokens,
            output_tokens=max(0, claim.held_tokens - exchange.prompt_tokens),
            held_usd=claim.held_usd,
            removed=exchange.ask.removed,
        )
        return name

    def settle(self, name: str, exchange: Exchange, claim: Claim, seconds: float) -> Entry:
        """Count a request that has ended, and write it down."""
        tokens, usd, note = self._used(exchange)
        entry = Entry(
            id=name,
            task=self.grant.task,
            role=self.grant.role,
            attempt=self.grant.attempt,
            agent=self.grant.agent,
            provider=self.provider.name,
            model=exchange.seen.model or exchange.ask.model,
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cached_tokens=tokens.cached,
            cost_usd=usd,
            estimated=bool(note),
            status=exchange.status,
            seconds=round(seconds, 3),
            at=datetime.now(UTC),
            note=note,
        )
        self.account.settle(claim, usd, (tokens.input, tokens.output, tokens.cached))
        self.note(exchange)
        self.log.note(
            ENDED,
            **shown(entry),
            first_byte_seconds=round(exchange.first_byte_seconds, 3),
            bytes_out=exchange.bytes_out,
            failure=exchange.failure,
            error=exchange.error[:_ERROR_CHARS_MAX],
        )
        return entry

    def note_refusal(self, path: str, refusal: Refusal) -> None:
        """Write down a refusal; not every one of a program that never stops asking."""
        self.refusals += 1
        if self.refusals <= _REFUSALS_MAX:
            self.log.note(REFUSED, path=path[:200], status=refusal.status, reason=refusal.message)

    def note(self, exchange: Exchange) -> None:
        """Remember whether the provider failed; a client that left says nothing about it."""
        if exchange.failure or exchange.answered == HTTPStatus.OK:
            self.account.fail(exchange.failure)

    def _used(self, exchange: Exchange) -> tuple[Tokens, float, str]:
        """Return what a request used; an error status of the provider costs nothing."""
        if not exchange.sent or exchange.answered >= HTTPStatus.MULTIPLE_CHOICES:
            return Tokens(), 0.0, ""
        tokens, guessed = exchange.seen.tokens(exchange.prompt_tokens, whole=exchange.whole)
        names = (exchange.seen.model, exchange.ask.model)
        priced = price(self.provider, names, tokens, exchange.seen.context)
        return tokens, priced.usd, "; ".join(text for text in (guessed, priced.note) if text)


async def _wait(freed: asyncio.Condition, deadline: float) -> None:
    """Wait until some request has ended.

    Raises:
        Refusal: none does in time.
    """
    try:
        async with asyncio.timeout_at(deadline), freed:
            await freed.wait()
    except TimeoutError:
        raise held() from None
