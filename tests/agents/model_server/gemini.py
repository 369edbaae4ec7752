"""Gemini generateContent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.agents.model_server.asked import Asked, Reply, Talk, Tool, event, pieces, plain


def parse(body: Mapping[str, Any]) -> Asked:
    """Read a request; the server adds the model and whether to stream from the path."""
    talk = Talk()
    system = body.get("systemInstruction") or body.get("system_instruction")
    if system:
        talk.user(plain(system.get("parts") if isinstance(system, Mapping) else system), system=True)
    for content in body["contents"]:
        for part in content.get("parts") or ():
            if content.get("role") == "model":
                talk.model(part.get("text", ""), called="functionCall" in part)
            elif "functionResponse" in part:
                talk.result(json.dumps(part["functionResponse"].get("response")))
            else:
                talk.user(part.get("text", ""))
    asked = body.get("generationConfig") or {}
    return Asked(
        model="",
        stream=False,
        tools=tuple(_tools(body.get("tools") or ())),
        said=tuple(talk.said),
        results=tuple(talk.results),
        instructions="\n".join(talk.words),
        opening=talk.opening,
        schema=asked.get("responseJsonSchema") or asked.get("responseSchema"),
    )


def whole(reply: Reply) -> dict[str, Any]:
    """Return the answer as one piece."""
    texts = [{"text": reply.text}] if reply.text else []
    return _answer(reply, texts + _calls(reply), last=True)


def events(reply: Reply) -> Iterator[bytes]:
    """Return the answer as the pieces of a stream."""
    for part in pieces(reply.text):
        yield event(_answer(reply, [{"text": part}], last=False))
    yield event(_answer(reply, _calls(reply) or [{"text": ""}], last=True))


def error(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error."""
    kinds = {
        400: "INVALID_ARGUMENT",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        429: "RESOURCE_EXHAUSTED",
    }
    made = {"code": status, "message": message, "status": kinds.get(status, "INTERNAL")}
    if status == 400 and "API key" in message:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        made["details"] = [{"@type": kind, "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
    return {"error": made}


def _tools(offered: Any) -> Iterator[Tool]:
    for group in offered:
        for tool in group.get("functionDeclarations") or group.get("function_declarations") or ():
            yield Tool(tool["name"], tool.get("parametersJsonSchema") or tool.get("parameters") or {})


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}} for call in reply.calls
    ]


def _answer(reply: Reply, parts: list[dict[str, Any]], *, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
    used = reply.usage
    usage = {"promptTokenCount": used.input, "totalTokenCount": used.input}
    if last:
        usage |= {"candidatesTokenCount": used.output, "totalTokenCount": used.input + used.output}
    if used.cached:
        usage["cachedContentTokenCount"] = used.cached
    head = {"modelVersion": reply.model, "responseId": reply.id}
    return {"candidates": [candidate], "usageMetadata": usage, **head}
