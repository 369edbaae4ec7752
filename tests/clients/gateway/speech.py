"""What a provider says, in each dialect: a whole answer and the same as a stream of events."""

from __future__ import annotations

import json
from dataclasses import dataclass

WORDS = ("The ", "sum ", "is ", "four", ".")
TEXT = "".join(WORDS)


@dataclass(frozen=True)
class Use:
    """Tokens as the provider states them; ``given`` holds what came from the cache."""

    given: int = 1_000
    made: int = 50
    cached: int = 400


def sse(payload: object, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return f"{head}data: {text}\n\n".encode()


def _chat_usage(use: Use) -> dict:
    return {
        "prompt_tokens": use.given,
        "completion_tokens": use.made,
        "total_tokens": use.given + use.made,
        "prompt_tokens_details": {"cached_tokens": use.cached},
    }


def chat(use: Use | None = Use(), model: str = "gpt-5-mini", words: tuple[str, ...] = WORDS) -> dict:
    answer = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "".join(words)},
            }
        ],
    }
    return answer | ({"usage": _chat_usage(use)} if use else {})


def chat_events(
    use: Use | None = Use(), model: str = "gpt-5-mini", words: tuple[str, ...] = WORDS, end: bool = True
) -> list[bytes]:
    """Give the events of a stream; with ``use`` the last chunk before the end is the one with the usage."""
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model}

    def chunk(delta: dict, reason: str | None = None) -> bytes:
        return sse(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    events = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": word}) for word in words)]
    if end:
        events.append(chunk({}, "stop"))
        if use:
            events.append(sse(head | {"choices": [], "usage": _chat_usage(use)}))
        events.append(sse("[DONE]"))
    return events


def _responses_usage(use: Use) -> dict:
    return {
        "input_tokens": use.given,
        "input_tokens_details": {"cached_tokens": use.cached},
        "output_tokens": use.made,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": use.given + use.made,
    }


def response(use: Use | None = Use(), model: str = "gpt-5-mini", words: tuple[str, ...] = WORDS) -> dict:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": model,
        "output": [
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "".join(words), "annotations": []}],
            }
        ],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "usage": _responses_usage(use) if use else None,
    }


def response_events(
    use: Use | None = Use(), model: str = "gpt-5-mini", words: tuple[str, ...] = WORDS, end: bool = True
) -> list[bytes]:
    begun = response(None, model) | {"status": "in_progress", "output": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    payloads: list[dict] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **place, "part": part},
    ]
    payloads += [
        {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in words
    ]
    if end:
        done = response(use, model, words)
        item = done["output"][0]
        payloads += [
            {"type": "response.output_text.done", **place, "text": "".join(words), "logprobs": []},
            {"type": "response.content_part.done", **place, "part": item["content"][0]},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": done},
        ]
    return [
        sse(payload | {"sequence_number": number}, payload["type"]) for number, payload in enumerate(payloads)
    ]


def _message_usage(use: Use) -> dict:
    return {
        "input_tokens": use.given - use.cached,
        "cache_read_input_tokens": use.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": use.made,
    }


def message(
    use: Use | None = Use(), model: str = "claude-sonnet-4-5", words: tuple[str, ...] = WORDS
) -> dict:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": "".join(words)}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": _message_usage(use) if use else None,
    }


def message_events(
    use: Use | None = Use(),
    model: str = "claude-sonnet-4-5",
    words: tuple[str, ...] = WORDS,
    end: bool = True,
) -> list[bytes]:
    usage = _message_usage(use) | {"output_tokens": 1} if use else None
    begun = message(None, model) | {"content": [], "stop_reason": None, "usage": usage}
    payloads: list[dict] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
    ]
    payloads += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
        for word in words
    ]
    if end:
        payloads += [
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": use.made} if use else None,
            },
            {"type": "message_stop"},
        ]
    return [sse(payload, payload["type"]) for payload in payloads]


def _content_usage(use: Use) -> dict:
    return {
        "promptTokenCount": use.given,
        "cachedContentTokenCount": use.cached,
        "candidatesTokenCount": use.made - 10,
        "thoughtsTokenCount": 10,
        "totalTokenCount": use.given + use.made,
    }


def content(use: Use | None = Use(), model: str = "gemini-2.5-pro", words: tuple[str, ...] = WORDS) -> dict:
    candidate = {
        "content": {"role": "model", "parts": [{"text": "".join(words)}]},
        "finishReason": "STOP",
        "index": 0,
    }
    answer = {"candidates": [candidate], "modelVersion": model, "responseId": "r1"}
    return answer | ({"usageMetadata": _content_usage(use)} if use else {})


def content_pieces(
    use: Use | None = Use(), model: str = "gemini-2.5-pro", words: tuple[str, ...] = WORDS, end: bool = True
) -> list[dict]:
    pieces = []
    for number, word in enumerate(words):
        piece = content(None, model, (word,))
        last = end and number == len(words) - 1
        if not last:
            del piece["candidates"][0]["finishReason"]
        if use:
            usage = _content_usage(use)
            if not last:
                usage = {"promptTokenCount": use.given, "totalTokenCount": use.given}
            piece["usageMetadata"] = usage
        pieces.append(piece)
    return pieces


def content_events(
    use: Use | None = Use(), model: str = "gemini-2.5-pro", words: tuple[str, ...] = WORDS, end: bool = True
) -> list[bytes]:
    return [sse(piece) for piece in content_pieces(use, model, words, end)]
