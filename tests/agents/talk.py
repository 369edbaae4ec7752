"""Speak to a model in each dialect, as a client that keeps the conversation in a list would."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any, Protocol

KEY = "upstream-key-that-no-agent-may-see"
PROPERTIES = {"path": {"type": "string"}, "content": {"type": "string"}, "command": {"type": "string"}}
CODER_TOOLS = {
    "read_file": ("path",),
    "write_file": ("path", "content"),
    "edit_file": ("path", "old_text", "new_text"),
    "shell": ("command",),
}


def schema(*names: str) -> dict[str, Any]:
    """Return the schema of a tool that takes these texts."""
    return {
        "type": "object",
        "properties": {name: {"type": "string"} for name in names},
        "required": list(names),
    }


@dataclass
class Heard:
    """Hold an answer: text, calls as (id, name, arguments), and (input, output) tokens."""

    status: int
    text: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    usage: tuple[int, int] = (0, 0)
    headers: dict[str, str] = field(default_factory=dict)
    raw: Any = None


class Dialect(Protocol):
    """Keep a conversation."""

    def ask(self, prompt: str) -> Heard:
        """Say something and hear the answer."""

    def give(self, heard: Heard, *results: str) -> Heard:
        """Hand in the results of the calls and hear the next answer."""


class Wire:
    """Send requests to one address and keep what was said."""

    path = ""

    def __init__(self, port: int, *, stream: bool = False, key: str = KEY, tools: Any = CODER_TOOLS) -> None:
        self.port, self.stream, self.key = port, stream, key
        self.tools = {name: spec if isinstance(spec, dict) else schema(*spec) for name, spec in tools.items()}
        self.items: list[Any] = []

    def send(self, path: str, body: Any, headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        """Send one request; a stream comes back as its list of events."""
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            wire.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
            answer = wire.getresponse()
            text = answer.read().decode()
            if "event-stream" not in (answer.getheader("Content-Type") or ""):
                return answer.status, dict(answer.getheaders()), json.loads(text)
            lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
            events = [json.loads(line) for line in lines if line != "[DONE]"]
            return answer.status, dict(answer.getheaders()), events
        finally:
            wire.close()


class Chat(Wire):
    """OpenAI chat completions."""

    def ask(self, prompt: str) -> Heard:
        return self._go({"role": "user", "content": prompt})

    def give(self, heard: Heard, *results: str) -> Heard:
        said = [
            {
                "id": call_id,
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for call_id, name, arguments in heard.calls
        ]
        self.items.append({"role": "assistant", "content": heard.text, "tool_calls": said})
        given = [
            {"role": "tool", "tool_call_id": c[0], "content": r}
            for c, r in zip(heard.calls, results, strict=True)
        ]
        return self._go(*given)

    def _go(self, *items: Any) -> Heard:
        self.items += items
        body: dict[str, Any] = {"model": "m", "messages": self.items, "stream": self.stream}
        if self.tools:
            body["tools"] = [
                {"type": "function", "function": {"name": n, "parameters": s}} for n, s in self.tools.items()
            ]
        if self.stream:
            body["stream_options"] = {"include_usage": True}
        status, headers, raw = self.send(
            "/v1/chat/completions", body, {"Authorization": f"Bearer {self.key}"}
        )
        heard = Heard(status, headers=headers, raw=raw)
        if status != 200:
            return heard
        if not self.stream:
            message, used = raw["choices"][0]["message"], raw["usage"]
            calls = [
                (c["id"], c["function"]["name"], c["function"]["arguments"])
                for c in message.get("tool_calls", ())
            ]
            heard.text = message["content"] or ""
        else:
            deltas = [choice["delta"] for chunk in raw for choice in chunk["choices"]]
            heard.text = "".join(delta.get("content") or "" for delta in deltas)
            gathered: dict[int, list[str]] = {}
            for part in (part for delta in deltas for part in delta.get("tool_calls", ())):
                if "id" in part:
                    gathered[part["index"]] = [part["id"], part["function"]["name"], ""]
                gathered[part["index"]][2] += part["function"]["arguments"]
            calls, used = [tuple(call) for call in gathered.values()], raw[-1]["usage"]
        heard.calls = [(call_id, name, json.loads(arguments)) for call_id, name, arguments in calls]
        heard.usage = (used["prompt_tokens"], used["completion_tokens"])
        return heard


class Responses(Wire):
    """OpenAI Responses."""

    def ask(self, prompt: str) -> Heard:
        return self._go(
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": prompt}]}
        )

    def give(self, heard: Heard, *results: str) -> Heard:
        self.items += self.last
        return self._go(
            *(
                {"type": "function_call_output", "call_id": call[0], "output": result}
                for call, result in zip(heard.calls, results, strict=True)
            )
        )

    def _go(self, *items: Any) -> Heard:
        self.items += items
        tools = [{"type": "function", "name": n, "parameters": s} for n, s in self.tools.items()]
        body = {
            "model": "m",
            "instructions": "Be brief.",
            "input": self.items,
            "stream": self.stream,
            "tools": tools,
        }
        status, headers, raw = self.send("/v1/responses", body, {"Authorization": f"Bearer {self.key}"})
        if status != 200:
            return Heard(status, headers=headers, raw=raw)
        done = raw[-1]["response"] if self.stream else raw
        self.last = done["output"]
        if self.stream:
            assert [event["sequence_number"] for event in raw] == list(range(len(raw)))
            assert [e["item"] for e in raw if e["type"] == "response.output_item.done"] == self.last
            text = "".join(e["delta"] for e in raw if e["type"] == "response.output_text.delta")
        else:
            text = "".join(i["content"][0]["text"] for i in self.last if i["type"] == "message")
        calls = [
            (i["call_id"], i["name"], json.loads(i["arguments"]))
            for i in self.last
            if i["type"] == "function_call"
        ]
        usage = (done["usage"]["input_tokens"], done["usage"]["output_tokens"])
        return Heard(status, text, calls, usage, headers, raw)


class Anthropic(Wire):
    """Anthropic messages."""

    def ask(self, prompt: str) -> Heard:
        return self._go({"role": "user", "content": prompt})

    def give(self, heard: Heard, *results: str) -> Heard:
        self.items.append({"role": "assistant", "content": self.last})
        given = [
            {"type": "tool_result", "tool_use_id": call[0], "content": result}
            for call, result in zip(heard.calls, results, strict=True)
        ]
        return self._go({"role": "user", "content": given})

    def _go(self, *items: Any) -> Heard:
        self.items += items
        tools = [{"name": n, "input_schema": s} for n, s in self.tools.items()]
        body = {
            "model": "m",
            "messages": self.items,
            "stream": self.stream,
            "tools": tools,
            "max_tokens": 100,
        }
        status, headers, raw = self.send("/v1/messages", body, {"x-api-key": self.key})
        if status != 200:
            return Heard(status, headers=headers, raw=raw)
        if not self.stream:
            self.last, used = raw["content"], (raw["usage"]["input_tokens"], raw["usage"]["output_tokens"])
        else:
            self.last = [dict(e["content_block"]) for e in raw if e["type"] == "content_block_start"]
            for block, index in zip(self.last, range(len(self.last)), strict=True):
                deltas = [
                    e["delta"] for e in raw if e["type"] == "content_block_delta" and e["index"] == index
                ]
                if block["type"] == "text":
                    block["text"] = "".join(delta["text"] for delta in deltas)
                else:
                    block["input"] = json.loads("".join(delta["partial_json"] for delta in deltas))
            used = (raw[0]["message"]["usage"]["input_tokens"], raw[-2]["usage"]["output_tokens"])
        text = "".join(block["text"] for block in self.last if block["type"] == "text")
        calls = [(b["id"], b["name"], b["input"]) for b in self.last if b["type"] == "tool_use"]
        return Heard(status, text, calls, used, headers, raw)


class Gemini(Wire):
    """Gemini generateContent."""

    def ask(self, prompt: str) -> Heard:
        return self._go({"role": "user", "parts": [{"text": prompt}]})

    def give(self, heard: Heard, *results: str) -> Heard:
        self.items.append({"role": "model", "parts": self.last})
        given = [
            {"functionResponse": {"id": call[0], "name": call[1], "response": {"output": result}}}
            for call, result in zip(heard.calls, results, strict=True)
        ]
        return self._go({"role": "user", "parts": given})

    def _go(self, *items: Any) -> Heard:
        self.items += items
        tools = [{"name": n, "parametersJsonSchema": s} for n, s in self.tools.items()]
        body = {"contents": self.items, "tools": [{"functionDeclarations": tools}] if tools else []}
        verb = "streamGenerateContent?alt=sse" if self.stream else "generateContent"
        status, headers, raw = self.send(f"/v1beta/models/m:{verb}", body, {"x-goog-api-key": self.key})
        if status != 200:
            return Heard(status, headers=headers, raw=raw)
        answers = raw if self.stream else [raw]
        self.last = [part for answer in answers for part in answer["candidates"][0]["content"]["parts"]]
        text = "".join(part.get("text", "") for part in self.last)
        called = [part["functionCall"] for part in self.last if "functionCall" in part]
        used = answers[-1]["usageMetadata"]
        usage = (used["promptTokenCount"], used["candidatesTokenCount"])
        return Heard(status, text, [(c["id"], c["name"], c["args"]) for c in called], usage, headers, raw)
