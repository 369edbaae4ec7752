"""Speak OpenAI's chat completions, which many other providers speak too."""

from __future__ import annotations

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
from keelway.clients.gateway.dialects.usage import Seen, count, rows, said_bytes, table
from keelway.clients.gateway.values import OPENAI_CHAT, Provider

_LOCAL = frozenset({"function", "custom"})
_HOSTED = ("web_search_options", "plugins")
_SEARCHES = (":online", "-search-preview")


class OpenAIChat:
    """Read ``chat/completions``."""

    name = OPENAI_CHAT

    def ask(self, body: dict[str, Any], model: str, provider: Provider) -> Ask:
        """Read a request; a stream is asked to end with its usage, and no other model may step in.

        Raises:
            Refusal: it names no model, or one that works at the provider.
        """
        model = model or model_of(body)
        if model.endswith(_SEARCHES) and not provider.hosted_tools:
            raise unfit("a model that searches by itself is not let through")
        removed = () if provider.hosted_tools else keep_tools(body, _is_local, *_HOSTED)
        if body.pop("models", None):
            removed += ("models",)
        stream = body.get("stream") is True
        options = table(body.get("stream_options"))
        hides = stream and provider.stream_usage and options.get("include_usage") is not True
        if hides:
            body["stream_options"] = options | {"include_usage": True}
        each = largest(body, "max_tokens", "max_completion_tokens")
        return Ask(model, stream, each * max(1, count(body.get("n"))), hides, removed)

    def read(self, seen: Seen, payload: dict[str, Any]) -> bool:
        """Note a chunk or a whole answer."""
        seen.know(payload)
        usage, choices = payload.get("usage"), payload.get("choices")
        openai_usage(seen, usage, "prompt_tokens", "completion_tokens")
        for choice in rows(choices):
            seen.text_bytes += said_bytes(choice.get("delta")) + said_bytes(choice.get("message"))
            seen.done = seen.done or bool(choice.get("finish_reason"))
        return isinstance(usage, dict) and choices == []

    def refusal(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error."""
        return openai_error(status, code, message)

    def cut(self, status: int, code: str, message: str) -> bytes:
        """Return the chunk that ends a stream with an error."""
        return event(openai_error(status, code, message))


def _is_local(tool: dict[str, Any]) -> bool:
    return tool.get("type") in _LOCAL
