"""Serve one connection of a run: read what it wants, judge it, carry it or say no."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
from collections.abc import Callable, Iterable

import h11

from keelway.clients.egress.peer import Peer
from keelway.clients.egress.permit import Permit, Refused, Request
from keelway.clients.egress.plain import forward, read_request
from keelway.clients.egress.reach import Resolve, Streams, reach
from keelway.clients.egress.tunnel import carry
from keelway.clients.egress.values import EgressLimits

Whose = Callable[[h11.Request], Permit | None]
"""Tell whose request it is by what it carries."""
_HANG_UP_SECONDS = 2.0
_QUIET = (OSError, TimeoutError, h11.ProtocolError, Refused)
"""How a connection may end without anybody being to blame but the client or the line."""


async def serve(near: Streams, whose: Whose, resolve: Resolve, limits: EgressLimits) -> None:
    """Serve one connection until it is over."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes_max)
    client = Peer(*near, connection, patience_seconds=limits.idle_seconds)
    try:
        with contextlib.suppress(*_QUIET):
            await _serve(client, whose, resolve, limits)
    finally:
        _hang_up(near)


async def turn_away(near: Streams, limits: EgressLimits) -> None:
    """Say that there are too many connections."""
    client = Peer(*near, h11.Connection(h11.SERVER), patience_seconds=limits.head_seconds)
    refused = too_many()
    try:
        with contextlib.suppress(*_QUIET):
            await client.answer(refused.status, refused.reason, _words(refused.reason))
    finally:
        _hang_up(near)


def too_many() -> Refused:
    """Return the refusal of one connection too many."""
    return Refused(503, "too many connections at a time")


def token_of(head: h11.Request) -> str:
    """Return the password of ``Proxy-Authorization: Basic``, or nothing."""
    shown = next((value for name, value in head.headers if name == b"proxy-authorization"), b"")
    scheme, _, code = shown.partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    with contextlib.suppress(binascii.Error, UnicodeDecodeError):
        return base64.b64decode(code.strip(), validate=True).decode().partition(":")[2]
    return ""


def find(token: str, permits: Iterable[Permit]) -> Permit | None:
    """Return the permit that a token opens."""
    shown = token.encode()
    return next((permit for permit in permits if hmac.compare_digest(permit.token.encode(), shown)), None)


async def _serve(client: Peer, whose: Whose, resolve: Resolve, limits: EgressLimits) -> None:
    try:
        async with asyncio.timeout(limits.head_seconds):
            head = await client.event()
    except TimeoutError:
        return await client.answer(408, "nothing was asked", _words("nothing was asked"))
    except h11.RemoteProtocolError as error:
        return await client.answer(error.error_status_hint, "this is no HTTP", _words("this is no HTTP"))
    if not isinstance(head, h11.Request):
        return None
    request: Request | None = None
    try:
        permit = whose(head)
        if permit is None:
            reason = "this proxy needs the token of its run"
            asking = ("Proxy-Authenticate", 'Basic realm="keelway"')
            return await client.answer(407, reason, _words(reason), asking)
        request = read_request(head)
        await _carry_out(client, head, permit, request, resolve)
    except Refused as refused:
        host, port = (request.host, request.port) if request and refused.by_list else ("", 0)
        words = _words(refused.reason, host, port)
        await client.answer(refused.status, refused.reason, words, ("X-Keelway-Egress", "refused"))
    return None


async def _carry_out(
    client: Peer, head: h11.Request, permit: Permit, request: Request, resolve: Resolve
) -> None:
    far = await reach(permit, request, resolve)
    how = "revoked"
    try:
        if request.method != "CONNECT":
            how = await forward(client, head, far, permit, request)
            return
        while not isinstance(event := await client.event(), h11.EndOfMessage | h11.ConnectionClosed):
            del event
        await client.send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))
        early, _ = client.connection.trailing_data
        how = await carry((client.reader, client.writer), far, early, permit, request)
    except _QUIET as problem:
        how = "lost"
        raise problem from None
    finally:
        _hang_up(far)
        permit.end(request, how)


def _hang_up(side: Streams) -> None:
    """Close a side, and cut it when it does not take what is still on its way."""
    side[1].close()
    asyncio.get_running_loop().call_later(_HANG_UP_SECONDS, side[1].transport.abort)


def _words(reason: str, host: str = "", port: int = 0) -> str:
    if not host:
        return f"Keelway's egress proxy says no: {reason}.\n"
    return (
        f"Keelway lets this task reach only what is on its list. {host}:{port} was refused: {reason}.\n"
        "Next: do without it. Whoever runs Keelway may add a host under [sandbox] egress in keelway.toml.\n"
    )
