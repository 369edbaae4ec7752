"""Join two websockets, frame by frame, and end both with an honest close code."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping
from yarl import URL

from keelway.programs.front.headers import handshake_headers

_MESSAGE_BYTES_MAX = 16 * 1024 * 1024
_CLOSE_SECONDS = 2.0
_PROTOCOLS_MAX = 16
_NO_CODE = 1005
_Leg = web.WebSocketResponse[Literal[False]] | aiohttp.ClientWebSocketResponse[Literal[False]]
_UNSENDABLE = frozenset({_NO_CODE, 1006, 1015})


def wants_websocket(request: web.BaseRequest) -> bool:
    """Tell whether a request asks to become a websocket (RFC 6455 section 4.1)."""
    return (
        request.method == hdrs.METH_GET
        and request.headers.get(hdrs.UPGRADE, "").strip().lower() == "websocket"
        and "upgrade" in request.headers.get(hdrs.CONNECTION, "").lower()
    )


def _extra(answered: MultiMapping[str] | None, release: str) -> CIMultiDict[str]:
    """Give the headers of a handshake answer that go on to the client."""
    return handshake_headers(CIMultiDictProxy(CIMultiDict(answered or {})), release)


@dataclass(frozen=True, slots=True)
class Ending:
    """Tell how one side ended: its close code and reason, or that it just vanished."""

    code: int = WSCloseCode.OK
    reason: bytes = b""
    vanished: bool = False


@dataclass(eq=False, slots=True)
class Tunnel:
    """Carry frames between a client and a release until one of them, or the front, ends it."""

    request: web.BaseRequest
    session: aiohttp.ClientSession
    message_bytes_max: int = _MESSAGE_BYTES_MAX
    bytes_in: int = 0
    bytes_out: int = 0
    client: web.WebSocketResponse[Literal[False]] = field(init=False)
    _release: aiohttp.ClientWebSocketResponse[Literal[False]] = field(init=False)
    _ending: Ending = field(default=Ending(WSCloseCode.GOING_AWAY), init=False)
    _leave: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def open(self, url: str, headers: CIMultiDict[str], release: str) -> web.Response | None:
        """Shake hands with the release, then with the client; gives the refusal when the release refuses.

        Raises:
            aiohttp.ClientError: when the release cannot be reached or does not speak websocket.
        """
        offered = self.request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "")
        protocols = [name.strip() for name in offered.split(",") if name.strip()][:_PROTOCOLS_MAX]
        limit = min(self.message_bytes_max, _MESSAGE_BYTES_MAX)
        try:
            self._release = await self.session.ws_connect(
                URL(url, encoded=True),
                headers=headers,
                protocols=protocols,
                autoping=False,
                autoclose=False,
                max_msg_size=limit,
                decode_text=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
            )
        except aiohttp.WSServerHandshakeError as error:
            if error.status < web.HTTPMultipleChoices.status_code:
                raise
            return web.Response(status=error.status, headers=_extra(error.headers, release))
        chosen = self._release.protocol
        self.client = web.WebSocketResponse(
            timeout=_CLOSE_SECONDS,
            protocols=(chosen,) if chosen else (),
            autoping=False,
            autoclose=False,
            compress=False,
            max_msg_size=limit,
            decode_text=False,
        )
        answered = self._release._response.headers  # noqa: SLF001 - aiohttp shows the handshake's cookies nowhere else
        self.client.headers.update(_extra(answered, release))
        try:
            await self.client.prepare(self.request)
        except BaseException:
            await self._release.close(code=WSCloseCode.GOING_AWAY)
            raise
        return None

    def going_away(self) -> None:
        """End both sides with 1001 soon."""
        self._leave.set()

    async def run(self) -> bool:
        """Carry frames until the end; tells whether the release vanished without a close frame."""
        inward = asyncio.ensure_future(self._carry(self.client, self._release, inward=True))
        outward = asyncio.ensure_future(self._carry(self._release, self.client, inward=False))
        leave = asyncio.ensure_future(self._leave.wait())
        tasks = (inward, outward, leave)
        ending = Ending(WSCloseCode.GOING_AWAY)
        lost = False
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if outward.done():
                ending = outward.result()
                lost = ending.vanished
            elif inward.done():
                ending = inward.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._ending = ending
        return lost

    async def _carry(self, source: _Leg, sink: _Leg, *, inward: bool) -> Ending:
        """Pass frames on in one direction; the sink's pace holds the source back."""
        while True:
            message = await source.receive()
            try:
                if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    await sink.send_frame(message.data, message.type)
                elif message.type is WSMsgType.PING:
                    await sink.ping(message.data)
                elif message.type is WSMsgType.PONG:
                    await sink.pong(message.data)
                elif message.type is WSMsgType.CLOSE:
                    return Ending(int(message.data or _NO_CODE), str(message.extra or "").encode())
                else:
                    return Ending(WSCloseCode.INTERNAL_ERROR, vanished=True)
            except ConnectionError:
                return Ending(WSCloseCode.INTERNAL_ERROR, vanished=not inward)
            if inward:
                self.bytes_in += len(message.data)
            else:
                self.bytes_out += len(message.data)

    async def close(self) -> None:
        """Close both sides with the same code, as far as a code can be sent."""
        ending = self._ending
        code = WSCloseCode.OK if ending.code in _UNSENDABLE else ending.code
        await asyncio.gather(
            self._release.close(code=code, message=ending.reason),
            self.client.close(code=code, message=ending.reason),
            return_exceptions=True,
        )
