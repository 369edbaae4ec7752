"""Speak Anthropic's messages."""

from __future__ import annotations

from typing import Any

from keelway.clients.gateway.dialects.dialect import Ask, event, keep_tools, largest, model_of
from keelway.clients.gateway.dialects.usage import Seen, count, counted, rows, said_bytes, table
from keelway.clients.gateway.values import ANTHROPIC, Provider

_LOCAL = ("bash_", "text_editor_", "computer_", "memory_", "tool_search_tool_")
_KINDS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}
_SERVER_FAULT = 500


class Anthropic:
    """Read ``messages``."""

    name = ANTHROPIC

    def ask(self, body: dict[str, Any], model: str, provider: Provider) -> Ask:
        """Read a request.

        Raises:
            Refusal: it names no model.
        """
        model = model or model_of(body)
        removed = () if provider.hosted_tools else keep_tools(body, _is_local, "mcp_servers", "container")
        return Ask(model, body.get("stream") is True, largest(body, "max_tokens"), removed=removed)

    def read(self, seen: Seen, payload: dict[str, Any]) -> bool:
        """Note an event or a whole answer."""
        kind = payload.get("type")
        if kind == "message_start":
            message = table(payload.get("message"))
            seen.know(message)
            self._given(seen, message.get("usage"))
        elif kind == "message_delta":
            usage = table(payload.get("usage"))
            self._given(seen, usage)
            seen.output = max(seen.output, count(usage.get("output_tokens")))
            seen.done = seen.done or bool(table(payload.get("delta")).get("stop_reason"))
        elif kind == "content_block_delta":
            seen.text_bytes += said_bytes(payload.get("delta"))
        elif kind == "content_block_start":
            seen.text_bytes += said_bytes(table(payload.get("content_block")).get("name"))
        elif kind == "error":
            seen.know(payload)
        elif kind == "message":
            seen.know(payload)
            self._given(seen, payload.get("usage"))
            seen.output = count(table(payload.get("usage")).get("output_tokens"))
            seen.text_bytes += sum(said_bytes(block) for block in rows(payload.get("content")))
        return False

    def refusal(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error."""
        kind = _KINDS.get(status, "api_error" if status >= _SERVER_FAULT else "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": message, "code": code}}

    def cut(self, status: int, code: str, message: str) -> bytes:
        """Return the event that ends a stream with an error."""
        return event(self.refusal(status, code, message), "error")

    def _given(self, seen: Seen, usage: Any) -> None:
        """Note the input; what was read from or written to the cache is stated beside it."""
        usage = table(usage)
        seen.know({name: usage.get(name) for name in ("service_tier", "speed")})
        fresh = count(usage.get("input_tokens"))
        if fresh < 0:
            return
        cached, written = (
            counted(usage, "cache_read_input_tokens"),
            counted(usage, "cache_creation_input_tokens"),
        )
        if fresh + cached + written < seen.input:
            return
        seen.input, seen.cached, seen.written = fresh + cached + written, cached, written
        seen.written_hour = counted(usage.get("cache_creation"), "ephemeral_1h_input_tokens")


def _is_local(tool: dict[str, Any]) -> bool:
    kind = tool.get("type", "custom")
    return kind == "custom" or (isinstance(kind, str) and kind.startswith(_LOCAL))
