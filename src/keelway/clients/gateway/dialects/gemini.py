"""Speak Google's Gemini."""

from __future__ import annotations

from typing import Any

from keelway.clients.gateway.dialects.dialect import Ask, event, largest
from keelway.clients.gateway.dialects.refusal import unfit
from keelway.clients.gateway.dialects.usage import Seen, count, counted, rows, said_bytes, table
from keelway.clients.gateway.values import GEMINI, Provider

_LOCAL = frozenset({"functionDeclarations", "function_declarations", "computerUse", "computer_use"})
_WORDS = {
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Gemini:
    """Read ``generateContent`` and ``streamGenerateContent``."""

    name = GEMINI

    def ask(self, body: dict[str, Any], model: str, provider: Provider) -> Ask:
        """Read a request; whether it is a stream stands in its path.

        Raises:
            Refusal: the path names no model.
        """
        if not model:
            raise unfit("the path names no model")
        removed = () if provider.hosted_tools else _without_hosted(body)
        settings = table(body.get("generationConfig") or body.get("generation_config"))
        each = largest(settings, "maxOutputTokens", "max_output_tokens")
        return Ask(model, output_max=each * max(1, largest(settings, "candidateCount")), removed=removed)

    def read(self, seen: Seen, payload: dict[str, Any]) -> bool:
        """Note a piece or a whole answer."""
        seen.know(payload, "modelVersion")
        usage = table(payload.get("usageMetadata"))
        given, made = count(usage.get("promptTokenCount")), count(usage.get("candidatesTokenCount"))
        thought = counted(usage, "thoughtsTokenCount")
        if given >= 0:
            seen.input = given + counted(usage, "toolUsePromptTokenCount")
            seen.cached = counted(usage, "cachedContentTokenCount")
        if made >= 0 or thought:
            seen.output = max(0, made) + thought
        for candidate in rows(payload.get("candidates")):
            seen.text_bytes += said_bytes(candidate.get("content"))
            seen.done = seen.done or bool(candidate.get("finishReason"))
        return False

    def refusal(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error."""
        return {
            "error": {
                "code": status,
                "message": message,
                "status": _WORDS.get(status, "INVALID_ARGUMENT"),
                "details": [{"reason": code}],
            }
        }

    def cut(self, status: int, code: str, message: str) -> bytes:
        """Return the piece that ends a stream with an error."""
        return event(self.refusal(status, code, message))


def _without_hosted(body: dict[str, Any]) -> tuple[str, ...]:
    """Keep of each tool what the client runs itself."""
    tools = body.get("tools")
    if isinstance(tools, dict):
        tools = [tools]
    if not isinstance(tools, list):
        return ()
    kept = [{name: part for name, part in tool.items() if name in _LOCAL} for tool in rows(tools)]
    removed = [name for tool in rows(tools) for name in tool if name not in _LOCAL]
    body["tools"] = [tool for tool in kept if tool]
    if not body["tools"]:
        for name in ("tools", "toolConfig", "tool_config"):
            body.pop(name, None)
    return tuple(name[:60] for name in removed)
