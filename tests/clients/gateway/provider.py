"""A model provider of ours on loopback: it plays what it is told, in pieces and at a pace, and notes what came."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from tests.clients.gateway import speech

KEY = "sk-real-4f1d9c0b7a3e5566778899aabbccddee"


@dataclass
class Reply:
    """One answer; ``pieces`` make it a stream."""

    status: int = 200
    body: bytes = b""
    pieces: list[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    pause_seconds: float = 0.0
    """Before each piece, or before a whole answer."""
    hang: bool = False
    """Say nothing more after the last piece, or nothing at all when there is none."""
    break_off: bool = False
    """Drop the connection after the last piece."""


@dataclass(frozen=True)
class Came:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    raw: bytes


def whole(payload: object, **more: Any) -> Reply:
    return Reply(body=json.dumps(payload).encode(), **more)


def events(pieces: list[bytes], **more: Any) -> Reply:
    return Reply(pieces=pieces, kind="text/event-stream", **more)


class ScriptedProvider:
    """Serve on a thread; ``reply`` decides on each answer, by default the dialect's own with a usage."""

    def __init__(self) -> None:
        self.reply: Callable[[Came], Reply] = usual
        self.came: list[Came] = []
        self.gone = threading.Event()
        """Set when a client left in the middle of an answer."""
        self.inflight = 0
        self.inflight_max = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        server = web.Server(self._answer, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._port = site.port
        self._ready.set()
        await self._leave.wait()
        await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        came = Came(
            request.method,
            request.rel_url.raw_path,
            request.rel_url.raw_query_string,
            {name.lower(): value for name, value in request.headers.items()},
            body,
            raw,
        )
        self.came.append(came)
        self.inflight += 1
        self.inflight_max = max(self.inflight, self.inflight_max)
        try:
            return await self._play(request, self.reply(came))
        except (asyncio.CancelledError, ConnectionError):
            self.gone.set()
            raise
        finally:
            self.inflight -= 1

    async def _play(self, request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        if reply.pieces is None:
            await asyncio.sleep(reply.pause_seconds)
            if reply.hang:
                await asyncio.sleep(60)
            if reply.break_off:
                request.transport.abort()
            return web.Response(
                status=reply.status,
                body=reply.body,
                headers=reply.headers | ({"Content-Type": reply.kind} if reply.kind else {}),
            )
        response = web.StreamResponse(
            status=reply.status, headers=reply.headers | {"Content-Type": reply.kind}
        )
        await response.prepare(request)
        for piece in reply.pieces:
            await asyncio.sleep(reply.pause_seconds)
            await response.write(piece)
        if reply.hang:
            await asyncio.sleep(60)
        if reply.break_off:
            request.transport.abort()
        return response


def usual(came: Came) -> Reply:
    """Answer as each provider does when all is well."""
    body = came.body or {}
    stream = body.get("stream") is True
    if came.path.endswith("/chat/completions"):
        asked = (body.get("stream_options") or {}).get("include_usage")
        use = speech.Use() if asked or not stream else None
        return events(speech.chat_events(use)) if stream else whole(speech.chat(use))
    if came.path.endswith("/responses"):
        return events(speech.response_events()) if stream else whole(speech.response())
    if came.path.endswith("/v1/messages"):
        return events(speech.message_events()) if stream else whole(speech.message())
    if came.path.endswith(":streamGenerateContent"):
        if "alt=sse" in came.query:
            return events(speech.content_events())
        text = ",\n".join(json.dumps(piece) for piece in speech.content_pieces())
        return Reply(pieces=[f"[{text}]"[at : at + 40].encode() for at in range(0, len(text) + 2, 40)])
    if came.path.endswith(":generateContent"):
        return whole(speech.content())
    if came.path.endswith(("count_tokens", ":countTokens", "/input_tokens")):
        return whole({"input_tokens": 12, "totalTokens": 12, "object": "response.input_tokens"})
    if came.path.endswith("/models"):
        return whole({"object": "list", "data": [{"id": "gpt-5-mini", "object": "model"}]})
    return whole({"error": {"message": "no such path"}}, status=404)
