"""Say what the gateway has to know of a dialect."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from keelway.clients.gateway.dialects.refusal import unfit
from keelway.clients.gateway.dialects.usage import Seen, count, rows, table
from keelway.clients.gateway.values import Provider

_MODEL_CHARS_MAX = 200
_KINDS = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}


@dataclass(frozen=True)
class Ask:
    """Hold what matters of a request, after what must not go on was taken out of its body."""

    model: str
    stream: bool = False
    output_max: int = 0
    """How many tokens it may make the model say; 0 when it does not say."""
    hides_usage: bool = False
    """Whether the answer will have an event that we asked for and the client did not."""
    removed: tuple[str, ...] = ()
    """What was taken out."""


class Dialect(Protocol):
    """Read requests and answers of one API."""

    name: str

    def ask(self, body: dict[str, Any], model: str, provider: Provider) -> Ask:
        """Read a request, and take out of its body what must not go on.

        Args:
            body: the request, altered in place.
            model: what the path names, for APIs that name the model there.
            provider: where it goes, and what that takes.

        Raises:
            Refusal: it cannot be let through.
        """
        ...

    def read(self, seen: Seen, payload: dict[str, Any]) -> bool:
        """Note what an event, or a whole answer, says; tell whether it carries usage and nothing else."""
        ...

    def refusal(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error as the provider itself would word it."""
        ...

    def cut(self, status: int, code: str, message: str) -> bytes:
        """Return the last event of a stream that ends before its time."""
        ...


def event(payload: dict[str, Any], name: str = "") -> bytes:
    """Write one server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(payload)}\n\n".encode()


def model_of(body: dict[str, Any]) -> str:
    """Return the model that a request asks for.

    Raises:
        Refusal: it names none.
    """
    model = body.get("model")
    if not isinstance(model, str) or not model.strip() or len(model) > _MODEL_CHARS_MAX:
        raise unfit("the request names no model")
    return model


def largest(body: dict[str, Any], *names: str) -> int:
    """Return the largest of the bounds of that name which a request states, 0 when it states none."""
    return max(0, *(count(body.get(name)) for name in names))


def keep_tools(
    body: dict[str, Any], local: Callable[[dict[str, Any]], bool], *others: str
) -> tuple[str, ...]:
    """Take the tools out of a request that would run at the provider; return their names.

    Args:
        body: the request, altered in place.
        local: tells whether a tool is run by the client.
        others: further fields that make the provider run something.
    """
    removed = [name for name in others if body.pop(name, None)]
    tools = body.get("tools")
    if isinstance(tools, list):
        kept = [tool for tool in tools if isinstance(tool, dict) and local(tool)]
        removed += [str(tool.get("type", "?"))[:60] for tool in rows(tools) if tool not in kept]
        if len(kept) < len(tools):
            body["tools"] = kept
            choice = table(body.get("tool_choice")).get("type")
            if not kept or choice in removed:
                body.pop("tool_choice", None)
            if not kept:
                del body["tools"]
    return tuple(removed)


def openai_error(status: int, code: str, message: str) -> dict[str, Any]:
    """Return an error as the two APIs of OpenAI word it."""
    fault = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = "server_error" if fault else _KINDS.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def openai_usage(seen: Seen, usage: Any, given: str, made: str) -> None:
    """Note the usage that an API of OpenAI states, under the names that it has there."""
    usage = table(usage)
    if count(usage.get(given)) >= 0:
        seen.input = count(usage.get(given))
        seen.cached = counted_details(usage, given)
    if count(usage.get(made)) >= 0:
        seen.output = count(usage.get(made))


def counted_details(usage: dict[str, Any], given: str) -> int:
    """Return how much of the input came from the cache."""
    return max(0, count(table(usage.get(f"{given}_details")).get("cached_tokens")))
