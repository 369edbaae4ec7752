"""OpenAI Responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from tests.agents.model_server.asked import Asked, Reply, Talk, Tool, ToolCall, event, pieces, plain
from tests.agents.model_server.chat import error

__all__ = ["error", "events", "parse", "whole"]


def parse(body: Mapping[str, Any]) -> Asked:
    """Read a request."""
    talk = Talk()
    if body.get("instructions"):
        talk.user(body["instructions"], system=True)
    given = body.get("input") or ()
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        _hear(talk, item)
    return Asked(
        model=body["model"],
        stream=bool(body.get("stream")),
        tools=tuple(_tools(body.get("tools") or ())),
        said=tuple(talk.said),
        results=tuple(talk.results),
        instructions="\n".join(talk.words),
        opening=talk.opening,
        schema=((body.get("text") or {}).get("format") or {}).get("schema"),
    )


def whole(reply: Reply) -> dict[str, Any]:
    """Return the answer as one piece."""
    return _response(reply, "completed", _items(reply), _usage(reply))


def events(reply: Reply) -> Iterator[bytes]:
    """Return the answer as the pieces of a stream."""
    numbers = count()

    def piece(kind: str, **data: object) -> bytes:
        return event({"type": kind, "sequence_number": next(numbers), **data}, kind)

    yield piece("response.created", response=_response(reply, "in_progress", [], None))
    yield piece("response.in_progress", response=_response(reply, "in_progress", [], None))
    for index, item in enumerate(_items(reply)):
        where = {"item_id": item["id"], "output_index": index}
        if item["type"] == "message":
            yield piece("response.output_item.added", output_index=index, item={**item, "content": []})
            where["content_index"] = 0
            yield piece("response.content_part.added", **where, part=_text(""))
            for part in pieces(reply.text):
                yield piece("response.output_text.delta", **where, delta=part, logprobs=[])
            yield piece("response.output_text.done", **where, text=reply.text, logprobs=[])
            yield piece("response.content_part.done", **where, part=_text(reply.text))
        elif item["type"] == "function_call":
            yield piece("response.output_item.added", output_index=index, item={**item, "arguments": ""})
            for part in pieces(item["arguments"]):
                yield piece("response.function_call_arguments.delta", **where, delta=part)
            yield piece("response.function_call_arguments.done", **where, arguments=item["arguments"])
        else:
            yield piece("response.output_item.added", output_index=index, item=item)
        yield piece("response.output_item.done", output_index=index, item=item)
    yield piece("response.completed", response=whole(reply))


def _hear(talk: Talk, item: Mapping[str, Any]) -> None:
    kind = item.get("type", "message")
    if kind == "message" and item.get("role") == "assistant":
        talk.model(plain(item.get("content")))
    elif kind == "message":
        talk.user(plain(item.get("content")), system=item.get("role") in {"system", "developer"})
    elif kind.endswith("_call_output"):
        talk.result(plain(item.get("output")))
    elif kind.endswith("_call"):
        talk.model("", called=True)


def _tools(offered: Any) -> Iterator[Tool]:
    for tool in offered:
        match tool.get("type"):
            case "function":
                yield Tool(tool["name"], tool.get("parameters") or {})
            case "custom":
                yield Tool(tool["name"], {}, "custom")
            case "local_shell":
                yield Tool("local_shell", {}, "local_shell")


def _items(reply: Reply) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if reply.text:
        made.append(
            {
                "id": f"msg_{reply.id}",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [_text(reply.text)],
            }
        )
    return made + [_called(call) for call in reply.calls]


def _called(call: ToolCall) -> dict[str, Any]:
    head: dict[str, Any] = {"id": f"fc_{call.id}", "call_id": call.id, "status": "completed"}
    match call.kind:
        case "custom":
            return {**head, "type": "custom_tool_call", "name": call.name, "input": call.text}
        case "local_shell":
            return {**head, "type": "local_shell_call", "action": call.arguments}
    return {**head, "type": "function_call", "name": call.name, "arguments": call.text}


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _response(
    reply: Reply, status: str, output: list[Any], usage: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        "id": f"resp_{reply.id}",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "model": reply.model,
        "output": output,
        "usage": usage,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": False,
        "temperature": 1.0,
        "top_p": 1.0,
        "tool_choice": "auto",
        "tools": [],
    }


def _usage(reply: Reply) -> dict[str, Any]:
    used = reply.usage
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": used.input + used.output,
    }
