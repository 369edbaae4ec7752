"""Forward one plain HTTP request in absolute form, and its answer."""

from __future__ import annotations

import asyncio
import re
from functools import partial

import h11

from keelway.clients.egress.peer import Peer, end_to_end
from keelway.clients.egress.permit import Ended, Permit, Refused, Request
from keelway.clients.egress.reach import Streams

_AUTHORITY = rb"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@\\]+)(?::(?P<port>[0-9]{1,5}))?"
_ABSOLUTE = re.compile(rb"http://" + _AUTHORITY + rb"(?P<path>[/?].*)?", re.IGNORECASE | re.DOTALL)
_CONNECT = re.compile(rb"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@\\]+):(?P<port>[0-9]{1,5})")
HTTP_PORT, PORT_MAX = 80, 65_535


def read_request(head: h11.Request) -> Request:
    """Return what a request wants.

    Raises:
        Refused: it is not meant for a proxy, or not written as such a request is.
    """
    names = [name for name, _ in head.headers]
    framed = {b"content-length", b"transfer-encoding"}.intersection(names)
    connects = head.method == b"CONNECT"
    found = (_CONNECT if connects else _ABSOLUTE).fullmatch(head.target)
    if found is None:
        raise Refused(400, "this is a proxy: ask by CONNECT host:port, or by GET http://host/path")
    if len(framed) > (0 if connects else 1):
        raise Refused(400, "the request does not say clearly where it ends")
    port = int(found["port"] or HTTP_PORT)
    if not 0 < port <= PORT_MAX:
        raise Refused(400, "there is no such port")
    path = "/" if connects else (found["path"] or b"/").decode("latin-1")
    path = path if path.startswith("/") else f"/{path}"
    return Request(head.method.decode("ascii"), found["host"].decode("latin-1"), port, path)


async def forward(client: Peer, head: h11.Request, far: Streams, permit: Permit, request: Request) -> str:
    """Send a request on and its answer back; return how it ended.

    Raises:
        Refused: nothing was answered.
    """
    server = Peer(
        *far,
        h11.Connection(h11.CLIENT, max_incomplete_event_size=permit.limits.head_bytes_max),
        patience_seconds=permit.limits.idle_seconds,
        heard=partial(permit.down, request),
        said=partial(permit.up, request),
    )
    begun = False
    try:
        async with asyncio.timeout(permit.limits.life_seconds):
            await _send(client, head, request, server)
            while True:
                event = await server.event()
                if isinstance(event, h11.Response):
                    begun = True
                    headers = [*end_to_end(event.headers), (b"Connection", b"close")]
                    event = h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
                if isinstance(event, h11.ConnectionClosed):
                    return "lost"
                if not isinstance(event, h11.InformationalResponse):
                    await client.send(event)
                if isinstance(event, h11.EndOfMessage):
                    return "closed"
    except (h11.ProtocolError, OSError, TimeoutError, Ended) as problem:
        if not begun:
            raise Refused(502, f"the host did not answer: {_word(problem)}") from problem
        return _word(problem)


async def _send(client: Peer, head: h11.Request, request: Request, server: Peer) -> None:
    authority = request.host + (f":{request.port}" if request.port != HTTP_PORT else "")
    headers = [(name, value) for name, value in end_to_end(head.headers) if name != b"host"]
    headers = [(b"Host", authority.encode("latin-1")), *headers, (b"Connection", b"close")]
    await server.send(h11.Request(method=head.method, target=request.path, headers=headers))
    while True:
        event = await client.event()
        if isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("the client left")
        await server.send(event)
        if isinstance(event, h11.EndOfMessage):
            return


def _word(problem: Exception) -> str:
    if isinstance(problem, Ended):
        return str(problem)
    if isinstance(problem, TimeoutError):
        return "silent for too long"
    return "what it said is no HTTP" if isinstance(problem, h11.ProtocolError) else "lost"
