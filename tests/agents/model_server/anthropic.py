"""Anthropic messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.agents.model_server.asked import Asked, Reply, Talk, Tool, event, pieces, plain


def parse(body: Mapping[str, Any]) -> Asked:
    """Read a request."""
    talk = Talk()
    if body.get("system"):
        talk.user(plain(body["system"]), system=True)
    for message in body["messages"]:
        content = message["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if message["role"] == "assistant":
                talk.model(part.get("text", ""), called=part["type"] == "tool_use")
            elif part["type"] == "tool_result":
                talk.result(plain(part.get("content")))
            else:
                talk.user(part.get("text", ""))
    offered = [tool for tool in body.get("tools") or () if "input_schema" in tool]
    return Asked(
        model=body["model"],
        stream=bool(body.get("stream")),
        tools=tuple(Tool(tool["name"], tool["input_schema"]) for tool in offered),
        said=tuple(talk.said),
        results=tuple(talk.results),
        instructions="\n".join(talk.words),
        opening=talk.opening,
        schema=((body.get("output_config") or {}).get("format") or {}).get("schema"),
    )


def whole(reply: Reply) -> dict[str, Any]:
    """Return the answer as one piece."""
    texts = [{"type": "text", "text": reply.text}] if reply.text else []
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
        for call in reply.calls
    ]
    return {**_head(reply), "content": texts + calls, "stop_reason": _reason(reply), "usage": _usage(reply)}


def events(reply: Reply) -> Iterator[bytes]:
    """Return the answer as the pieces of a stream."""

    def piece(kind: str, **data: object) -> bytes:
        return event({"type": kind, **data}, kind)

    started = {
        **_head(reply),
        "content": [],
        "stop_reason": None,
        "usage": {**_usage(reply), "output_tokens": 1},
    }
    yield piece("message_start", message=started)
    yield piece("ping")
    for index, block in enumerate(whole(reply)["content"]):
        opened = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
        yield piece("content_block_start", index=index, content_block=opened)
        if block["type"] == "text":
            deltas = [{"type": "text_delta", "text": part} for part in pieces(reply.text)]
        else:
            call = next(call for call in reply.calls if call.id == block["id"])
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in pieces(call.text)]
        for delta in deltas:
            yield piece("content_block_delta", index=index, delta=delta)
        yield piece("content_block_stop", index=index)
    end = {"stop_reason": _reason(reply), "stop_sequence": None}
    yield piece("message_delta", delta=end, usage={"output_tokens": reply.usage.output})
    yield piece("message_stop")


def error(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error."""
    kinds = {
        400: "invalid_request_error",
        401: "authentication_error",
        429: "rate_limit_error",
        529: "overloaded_error",
    }
    return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": message}}


def _head(reply: Reply) -> dict[str, Any]:
    return {
        "id": f"msg_{reply.id}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "stop_sequence": None,
    }


def _reason(reply: Reply) -> str:
    return "tool_use" if reply.calls else "end_turn"


def _usage(reply: Reply) -> dict[str, Any]:
    used = reply.usage
    return {
        "input_tokens": used.input - used.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": used.cached,
        "output_tokens": used.output,
    }
