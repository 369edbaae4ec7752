"""The server: one key, many scripts, every request remembered."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from types import ModuleType
from typing import Any, Self

from aiohttp import web
from tests.agents.model_server import anthropic, chat, gemini, responses
from tests.agents.model_server.asked import Asked, Reply
from tests.agents.model_server.script import Answer, Run, Script, Trouble, Turn, Usage
from tests.agents.model_server.tools import NotOffered, calls_for, example, reads_edits, spoken

KEY = "upstream-key-that-no-agent-may-see"
BODY_BYTES_MAX = 64 * 1024 * 1024
START_SECONDS_MAX = 15
TITLE = "Mend the sum"
"""What a request without tools is answered."""
_MARK = re.compile(r"^\s*\[\d+/\d+\]", re.MULTILINE)


@dataclass
class Seen:
    """Hold one request as the server saw it, and what became of it."""

    dialect: str
    path: str
    key: str
    headers: dict[str, str]
    body: Any
    model: str = ""
    streamed: bool = False
    tools: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    script: str = ""
    turn: int = -1
    """Which turn of the script was played; -1: none, ``len(turns)``: the one after the end."""
    status: int = 0
    """What it was answered; 0: not (yet)."""
    left: bool = False
    """Whether the client went before the answer was complete."""


@dataclass
class ModelServer:
    """Play scripts on a free loopback port, in a thread of its own; use as a context."""

    scripts: tuple[Script, ...]
    key: str = KEY
    seen: list[Seen] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._failed: Counter[tuple[str, int, str]] = Counter()
        self._numbers = count(1)
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="model-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._up.wait(START_SECONDS_MAX):
            raise RuntimeError("the model server did not come up")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS_MAX)
        self._loop.close()

    @property
    def url(self) -> str:
        """Return the address, without any path: what Anthropic's and Gemini's clients want."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        """Return the address OpenAI's clients want, ending in ``/v1``."""
        return f"{self.url}/v1"

    @property
    def played(self) -> list[Seen]:
        """Return the requests that got a turn of a script."""
        return [seen for seen in self.seen if seen.turn >= 0]

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        for prefix in ("", "/openai", "/anthropic", "/gemini"):  # alone, or in the gateway's place
            application.router.add_post(f"{prefix}/v1/chat/completions", self._answer)
            application.router.add_post(f"{prefix}/v1/responses", self._answer)
            application.router.add_post(f"{prefix}/v1/messages", self._answer)
            application.router.add_post(f"{prefix}/v1/messages/count_tokens", self._count)
            application.router.add_post(f"{prefix}/v1beta/models/{{model}}:{{verb}}", self._answer)
        application.router.add_route("*", "/{rest:.*}", self._lost)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._up.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name, dialect = _dialect(request.path)
        body = await request.json()
        seen = Seen(name, request.path, _key(request), dict(request.headers), body)
        self.seen.append(seen)
        asked: Asked = dialect.parse(body)
        if name == "gemini":
            verb = request.match_info["verb"]
            if verb == "countTokens":
                seen.status = 200
                return web.json_response({"totalTokens": 1000})
            asked = replace(asked, model=request.match_info["model"], stream=verb == "streamGenerateContent")
        seen.model, seen.streamed, seen.results = asked.model, asked.stream, asked.results
        seen.tools = tuple(tool.name for tool in asked.tools)
        if seen.key != self.key:
            status, message = (400, "API key not valid.") if name == "gemini" else (401, "Incorrect API key.")
            return _error(seen, dialect, status, message)
        try:
            return await self._play(request, seen, dialect, asked)
        except (asyncio.CancelledError, ConnectionError):
            seen.left = True
            raise
        except NotOffered as fault:
            return _error(seen, dialect, 400, str(fault))

    async def _play(
        self, request: web.Request, seen: Seen, dialect: ModuleType, asked: Asked
    ) -> web.StreamResponse:
        script = self._script(asked)
        if script is None:
            return _error(seen, dialect, 400, f"no script is for the model {asked.model!r} and these words")
        seen.script = script.name
        turn, text = Turn(TITLE), TITLE if asked.schema is None else json.dumps(example(asked.schema))
        reply = Reply(f"{next(self._numbers):06d}", asked.model, text, (), Usage(), asked.counts_usage)
        trouble = None
        if script.plain or asked.tools or spoken((), asked) is not None:
            seen.turn = min(turn_number(script, asked), len(script.turns))
            turn = script.turns[seen.turn] if seen.turn < len(script.turns) else script.after
            trouble = self._trouble(script, seen, turn, asked)
            reply = _perform(reply, script, seen, turn, asked)
        await asyncio.sleep(turn.wait_seconds)
        if trouble is not None and trouble.status:
            headers = {}
            if trouble.retry_after_seconds is not None:
                headers["Retry-After"] = str(trouble.retry_after_seconds)
            return _error(seen, dialect, trouble.status, "This turn goes wrong on purpose.", headers)
        if trouble is not None and trouble.hang and not trouble.pieces:
            await asyncio.Event().wait()
        if asked.stream:
            parts, kind = dialect.events(reply), "text/event-stream"
        else:
            parts, kind = _halves(dialect.whole(reply)), "application/json"
        return await _send(request, seen, parts, kind, trouble, turn.pace_seconds)

    def _script(self, asked: Asked) -> Script | None:
        for script in self.scripts:
            if script.model in {"", asked.model} and script.when in asked.instructions:
                return script
        return None

    def _trouble(self, script: Script, seen: Seen, turn: Turn, asked: Asked) -> Trouble | None:
        if turn.trouble is None:
            return None
        whose = hashlib.sha256(asked.opening.encode()).hexdigest()
        self._failed[script.name, seen.turn, whose] += 1
        over = turn.trouble.times and self._failed[script.name, seen.turn, whose] > turn.trouble.times
        return None if over else turn.trouble

    async def _count(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.seen.append(
            Seen("anthropic", request.path, _key(request), dict(request.headers), body, status=200)
        )
        return web.json_response({"input_tokens": 1000})

    async def _lost(self, request: web.Request) -> web.Response:
        headers = dict(request.headers)
        self.seen.append(Seen("", request.path, _key(request), headers, None, status=404))
        return web.json_response({"error": {"message": f"nothing is at {request.path}"}}, status=404)


def turn_number(script: Script, asked: Asked) -> int:
    """Count the turns that are over, from what the request remembers of the conversation.

    Examples that an agent puts into the model's mouth are none of ours: a turn of ours called a tool, bears a
    number, or says a text of the script to the letter.
    """
    texts = {turn.say.strip() for turn in script.turns if turn.verbatim} | {
        json.dumps(dict(intent.value))
        for turn in script.turns
        for intent in turn.does
        if isinstance(intent, Answer)
    }
    return sum(
        max(len(_MARK.findall(said.text)), int(said.called or said.text.strip() in texts))
        for said in asked.said
    )


def _perform(reply: Reply, script: Script, seen: Seen, turn: Turn, asked: Asked) -> Reply:
    place = script.workspace or asked.place
    text = _words(script, seen.turn, turn) + (f" key={seen.key}" if turn.echo_key else "")
    aloud = spoken(turn.does, asked) if not asked.tools else None
    if aloud is not None:
        for number, more in enumerate(script.turns[seen.turn + 1 :], start=seen.turn + 1):
            if not reads_edits(asked) or any(isinstance(does, Run) for does in script.turns[number - 1].does):
                break  # an agent that only reads edits comes back when its own test has failed
            aloud += f"\n{_words(script, number, more)}\n{spoken(more.does, asked)}"
        return replace(reply, text=f"{text}\n{aloud}", usage=turn.usage)
    typed = [intent for intent in turn.does if isinstance(intent, Answer)]
    calls = calls_for(turn.does, asked, place, f"{seen.turn:02d}_{reply.id}")
    if typed and not calls:
        text = json.dumps(dict(typed[0].value))
    return replace(reply, text=text, calls=calls, usage=turn.usage)


def _words(script: Script, number: int, turn: Turn) -> str:
    return turn.say if turn.verbatim else f"[{number + 1}/{len(script.turns)}] {turn.say}"


async def _send(
    request: web.Request,
    seen: Seen,
    parts: Iterable[bytes],
    kind: str,
    trouble: Trouble | None,
    pace_seconds: float,
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": kind, "Cache-Control": "no-cache"})
    await response.prepare(request)
    seen.status = 200
    for number, part in enumerate(parts):
        if trouble is not None and number >= trouble.pieces:
            if trouble.hang:
                await asyncio.Event().wait()
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(part)
        if pace_seconds:
            await asyncio.sleep(pace_seconds)
    await response.write_eof()
    return response


def _halves(answer: dict[str, Any]) -> list[bytes]:
    text = json.dumps(answer).encode()
    third = max(len(text) // 3, 1)
    return [text[start : start + third] for start in range(0, len(text), third)]


def _dialect(path: str) -> tuple[str, ModuleType]:
    if path.endswith("/chat/completions"):
        return "openai-chat", chat
    if path.endswith("/responses"):
        return "openai-responses", responses
    return ("anthropic", anthropic) if path.endswith("/messages") else ("gemini", gemini)


def _key(request: web.Request) -> str:
    for name in ("x-api-key", "x-goog-api-key"):
        if request.headers.get(name):
            return request.headers[name]
    found = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return found or request.query.get("key", "")


def _error(
    seen: Seen, dialect: ModuleType, status: int, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    seen.status = status
    return web.json_response(dialect.error(status, message), status=status, headers=headers)
