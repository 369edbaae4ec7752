"""Reach the providers: the real key goes on here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict, MultiMapping
from yarl import URL

from keelway.clients.gateway.dialects.routes import Route
from keelway.clients.gateway.record.log import Mask
from keelway.clients.gateway.values import ANTHROPIC, GEMINI, GatewayLimits, Provider

TOKEN_HEADERS = ("Authorization", "X-Api-Key", "X-Goog-Api-Key")
"""Where a client may put its token besides ``?key=``."""

_POOL_IDLE_SECONDS = 15.0
_HEADER_BYTES_MAX = 64 * 1024
_VERSION = "2023-06-01"
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NOT_ON = _HOP_BY_HOP | frozenset(
    {
        "accept-encoding",
        "authorization",
        "content-encoding",
        "content-length",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "openai-organization",
        "openai-project",
        "via",
        "x-api-key",
        "x-goog-api-key",
        "x-goog-user-project",
        "x-real-ip",
    }
)
"""What a client sends for us, for its own hop, or to choose who pays."""
_NOT_BACK = _HOP_BY_HOP | frozenset(
    {
        "alt-svc",
        "content-encoding",
        "content-length",
        "date",
        "location",
        "server",
        "set-cookie",
        "strict-transport-security",
    }
)


class Upstream:
    """Hold the connections to the providers."""

    def __init__(self, limits: GatewayLimits) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limits.upstream_connections_max, keepalive_timeout=_POOL_IDLE_SECONDS
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.CONTENT_TYPE),
            max_line_size=_HEADER_BYTES_MAX,
            max_field_size=_HEADER_BYTES_MAX,
            timeout=aiohttp.ClientTimeout(
                total=limits.request_seconds_max,
                sock_connect=limits.connect_seconds_max,
                sock_read=limits.silence_seconds_max,
            ),
        )

    async def send(
        self, method: str, url: URL, headers: CIMultiDict[str], body: bytes
    ) -> aiohttp.ClientResponse:
        """Send a request and return when the head of the answer is there; nothing is followed."""
        return await self._session.request(
            method, url, headers=headers, data=body or None, allow_redirects=False
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


def address(provider: Provider, route: Route, query: str) -> URL:
    """Return where a request goes; a token in the query stays here."""
    kept = "&".join(part for part in query.split("&") if part and unquote(part.partition("=")[0]) != "key")
    return URL(f"{provider.url.rstrip('/')}{route.path}{'?' if kept else ''}{kept}", encoded=True)


def headers_on(sent: MultiMapping[str], provider: Provider, key: str) -> CIMultiDict[str]:
    """Return the headers for the provider, with the real key in the place where it wants it."""
    dropped = _NOT_ON | _named(sent)
    headers = CIMultiDict(
        (name, value)
        for name, value in sent.items()
        if name.lower() not in dropped and not name.lower().startswith("x-forwarded-") and value.isascii()
    )
    headers[hdrs.ACCEPT_ENCODING] = "identity"
    if provider.api == ANTHROPIC:
        headers.setdefault("anthropic-version", _VERSION)
    if not key:
        return headers
    if provider.api == ANTHROPIC:
        headers["x-api-key"] = key
    elif provider.api == GEMINI:
        headers["x-goog-api-key"] = key
    else:
        headers[hdrs.AUTHORIZATION] = f"Bearer {key}"
    return headers


def headers_back(answered: MultiMapping[str], mask: Mask) -> CIMultiDict[str]:
    """Return the headers for the client, without those of another hop and without the key."""
    dropped = _NOT_BACK | _named(answered)
    return CIMultiDict(
        (name, mask.text(value))
        for name, value in answered.items()
        if name.lower() not in dropped and value.isascii()
    )


def header_bytes(raw_headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Add up the bytes of a header block as sent."""
    return sum(len(name) + len(value) + 4 for name, value in raw_headers)


def _named(headers: MultiMapping[str]) -> frozenset[str]:
    """Return the headers that ``Connection`` declares to be for this hop only."""
    return frozenset(
        name.strip().lower()
        for value in headers.getall(hdrs.CONNECTION, [])
        for name in value.split(",")
        if name.strip()
    )
