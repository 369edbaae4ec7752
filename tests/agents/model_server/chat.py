"""OpenAI chat completions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.agents.model_server.asked import Asked, Reply, Talk, Tool, event, pieces, plain


def parse(body: Mapping[str, Any]) -> Asked:
    """Read a request."""
    talk = Talk()
    for message in body["messages"]:
        match message["role"]:
            case "assistant":
                talk.model(plain(message.get("content")), called=bool(message.get("tool_calls")))
            case "tool":
                talk.result(plain(message.get("content")))
            case role:
                talk.user(plain(message.get("content")), system=role in {"system", "developer"})
    offered = [tool["function"] for tool in body.get("tools") or () if tool.get("type") == "function"]
    return Asked(
        model=body["model"],
        stream=bool(body.get("stream")),
        tools=tuple(Tool(tool["name"], tool.get("parameters") or {}) for tool in offered),
        said=tuple(talk.said),
        results=tuple(talk.results),
        instructions="\n".join(talk.words),
        opening=talk.opening,
        schema=(body.get("response_format") or {}).get("json_schema", {}).get("schema"),
        counts_usage=bool((body.get("stream_options") or {}).get("include_usage")),
    )


def whole(reply: Reply) -> dict[str, Any]:
    """Return the answer as one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}}
            for call in reply.calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": _reason(reply), "logprobs": None}
    return {**_head(reply, "chat.completion"), "choices": [choice], "usage": _usage(reply)}


def events(reply: Reply) -> Iterator[bytes]:
    """Return the answer as the pieces of a stream."""

    def piece(delta: Mapping[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return event({**_head(reply, "chat.completion.chunk"), "choices": [choice]})

    yield piece({"role": "assistant", "content": ""})
    for part in pieces(reply.text):
        yield piece({"content": part})
    for number, call in enumerate(reply.calls):
        function: dict[str, Any] = {"name": call.name, "arguments": ""}
        yield piece(
            {"tool_calls": [{"index": number, "id": call.id, "type": "function", "function": function}]}
        )
        for part in pieces(call.text):
            yield piece({"tool_calls": [{"index": number, "function": {"arguments": part}}]})
    yield piece({}, _reason(reply))
    if reply.counts_usage:
        yield event({**_head(reply, "chat.completion.chunk"), "choices": [], "usage": _usage(reply)})
    yield event("[DONE]")


def error(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error."""
    kinds = {401: ("invalid_request_error", "invalid_api_key"), 429: ("requests", "rate_limit_exceeded")}
    kind, code = kinds.get(status, ("server_error" if status >= 500 else "invalid_request_error", None))
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _head(reply: Reply, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{reply.id}", "object": kind, "created": 1_700_000_000, "model": reply.model}


def _reason(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "stop"


def _usage(reply: Reply) -> dict[str, Any]:
    used = reply.usage
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
