"""A gateway before the scripted provider, with a book in memory and a plain client."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients.gateway.provider import KEY, ScriptedProvider

from keelway.clients.gateway.gateway import Gateway
from keelway.clients.gateway.values import (
    Allowance,
    Entry,
    GatewayLimits,
    Grant,
    Metered,
    Pass,
    Price,
    Provider,
)

QUICK = GatewayLimits(silence_seconds_max=0.5, connect_seconds_max=2.0, body_seconds_max=2.0)
PATHS = {
    "openai-chat": "/openai/v1/chat/completions",
    "openai-responses": "/openai/v1/responses",
    "anthropic": "/anthropic/v1/messages",
    "gemini": "/gemini/v1beta/models/gemini-2.5-pro:generateContent",
}
STREAM_PATHS = PATHS | {
    "gemini": "/gemini/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
}
MODELS = {
    "openai-chat": "gpt-5-mini",
    "openai-responses": "gpt-5-mini",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-pro",
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Rig:
    provider: ScriptedProvider
    gateway: Gateway
    booked: list[Entry]
    allowance: Allowance = field(default_factory=Allowance)
    key: Callable[[], str] = lambda: KEY

    def real_key(self) -> str:
        return self.key()

    def open(self, provider: str = "openai", **more: Any) -> Pass:
        grant = {"task": "T-1", "role": "dev", "attempt": 1, "agent": "opencode", "provider": provider}
        return self.gateway.open(Grant(**(grant | more)))

    def settled(self, opened: Pass, requests: int = 1) -> Metered:
        """Wait until so many requests have ended and return what was metered."""
        return until(lambda: self.gateway.look(opened.token), lambda metered: metered.requests >= requests)


def until(look: Callable[[], Any], enough: Callable[[Any], bool], seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if enough(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.01)


def make_rig(folder: Path, provider: ScriptedProvider, limits: GatewayLimits = QUICK, **more: Any) -> Rig:
    """Make a gateway that knows the scripted provider under four names."""
    booked: list[Entry] = []
    lock = threading.Lock()

    def book(entry: Entry) -> None:
        with lock:
            booked.append(entry)

    rig = Rig(provider, None, booked)  # type: ignore[arg-type]
    extra = {
        name: more.pop(name) for name in ("models", "prices", "stream_usage", "hosted_tools") if name in more
    }

    def known(name: str, api: str, path: str) -> Provider:
        return Provider(name, api, f"{provider.url}{path}", rig.real_key, **extra)

    providers = (
        known("openai", "openai", "/v1"),
        known("chat-only", "openai-chat", "/v1"),
        known("anthropic", "anthropic", ""),
        known("gemini", "gemini", ""),
        Provider("nobody", "openai", "http://127.0.0.1:9/v1", rig.real_key),
        Provider("local", "openai", f"{provider.url}/v1", lambda: "", prices={"*": Price(0, 0)}),
    )
    settings = {"book": book, "allowance": lambda _task: rig.allowance} | more
    rig.gateway = Gateway(providers, folder / "gw", limits=limits, **settings)
    return rig


PROVIDER_OF = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
}


def asking(dialect: str, *, stream: bool = False, text: str = "What is two and two?") -> dict[str, Any]:
    """Give a small request of a dialect."""
    if dialect == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    body: dict[str, Any] = {"model": MODELS[dialect], "stream": stream}
    if dialect == "openai-responses":
        return body | {"input": text}
    if dialect == "anthropic":
        body["max_tokens"] = 1_000
    return body | {"messages": [{"role": "user", "content": text}]}


def connect(opened: Pass, *, over_socket: bool = False) -> http.client.HTTPConnection:
    if not over_socket:
        return http.client.HTTPConnection(opened.url.removeprefix("http://"), timeout=15)
    wire = http.client.HTTPConnection("gateway", timeout=15)
    wire.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    wire.sock.settimeout(15)
    wire.sock.connect(opened.socket)
    return wire


def call(
    opened: Pass,
    path: str,
    body: Any = None,
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    over_socket: bool = False,
) -> Answer:
    """Send one request with the pass's token and read the whole answer."""
    wire = connect(opened, over_socket=over_socket)
    try:
        shown = {"Authorization": f"Bearer {opened.token}"} if headers is None else headers
        data = body if isinstance(body, bytes) else (json.dumps(body).encode() if body is not None else None)
        wire.request(method, path, body=data, headers={"Content-Type": "application/json"} | shown)
        found = wire.getresponse()
        return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())
    finally:
        wire.close()


def payloads(body: bytes) -> list[Any]:
    """Read the events of a stream."""
    lines = (line.removeprefix(b"data: ") for line in body.split(b"\n") if line.startswith(b"data: "))
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def log_lines(path: Path) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in path.read_text().splitlines())
