"""Speak OpenAI's Responses."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from keelway.clients.gateway.dialects.dialect import (
    Ask,
    event,
    keep_tools,
    largest,
    model_of,
    openai_error,
    openai_usage,
)
from keelway.clients.gateway.dialects.refusal import unfit
from keelway.clients.gateway.dialects.usage import Seen, said_bytes, table
from keelway.clients.gateway.values import OPENAI_RESPONSES, Provider

_LOCAL = frozenset(
    {"function", "custom", "local_shell", "apply_patch", "computer_use_preview", "computer", "tool_search"}
)
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


class OpenAIResponses:
    """Read ``responses``."""

    name = OPENAI_RESPONSES

    def ask(self, body: dict[str, Any], model: str, provider: Provider) -> Ask:
        """Read a request.

        Raises:
            Refusal: it names no model, or would go on where nobody counts.
        """
        if body.get("background"):
            raise unfit("a response in the background cannot be metered; ask without background")
        model = model or model_of(body)
        removed = () if provider.hosted_tools else keep_tools(body, _is_local)
        return Ask(model, body.get("stream") is True, largest(body, "max_output_tokens"), removed=removed)

    def read(self, seen: Seen, payload: dict[str, Any]) -> bool:
        """Note an event or a whole answer."""
        inner = payload.get("response")
        if isinstance(inner, dict):
            seen.know(inner)
            openai_usage(seen, inner.get("usage"), "input_tokens", "output_tokens")
            seen.done = seen.done or payload.get("type") in _ENDS
            return False
        delta = payload.get("delta")
        if isinstance(delta, str):
            seen.text_bytes += said_bytes(delta)
        elif "output" in payload:
            seen.know(payload)
            openai_usage(seen, payload.get("usage"), "input_tokens", "output_tokens")
            seen.text_bytes += said_bytes(payload["output"])
        elif payload.get("type") == "error":
            seen.error = str(payload.get("message") or table(payload.get("error")).get("message"))[:500]
        return False

    def refusal(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error."""
        return openai_error(status, code, message)

    def cut(self, status: int, code: str, message: str) -> bytes:
        """Return the event by which a response fails."""
        error = {
            "code": "insufficient_quota" if status == HTTPStatus.PAYMENT_REQUIRED else code,
            "message": message,
        }
        response = {"id": "resp_cut", "object": "response", "status": "failed", "error": error, "output": []}
        return event(
            {"type": "response.failed", "sequence_number": 0, "response": response}, "response.failed"
        )


def _is_local(tool: dict[str, Any]) -> bool:
    kind = tool.get("type")
    if kind == "shell":
        return table(tool.get("environment")).get("type") == "local"
    if kind == "namespace":
        inner = tool.get("tools")
        return isinstance(inner, list) and all(isinstance(each, dict) and _is_local(each) for each in inner)
    return kind in _LOCAL
