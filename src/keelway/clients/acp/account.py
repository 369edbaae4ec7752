"""Keep account of a turn: final words, tool calls, consumption, permissions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from keelway.clients.run.turn import Spent

TEXT_CHARS_MAX = 100_000

_PATHS_MAX = 1_000
_CALLS_MAX = 10_000
_PATH_KEYS = ("path", "file_path", "filePath", "filepath", "abs_path", "absolute_path", "file", "fileName")


@dataclass
class Call:
    """Hold what is known of one tool call, over all messages that speak of it."""

    kinds: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)

    def learn(self, told: dict[str, Any]) -> None:
        """Take in another message about the call; nothing that was said before is forgotten."""
        kind = told.get("kind")
        if isinstance(kind, str):
            self.kinds.add(kind)
        for entry in _objects(told.get("content")):
            if entry.get("type") == "diff":
                self.kinds.add("edit")
                self._add(entry.get("path"))
        for place in _objects(told.get("locations")):
            self._add(place.get("path"))
        given = told.get("rawInput")
        if isinstance(given, dict):
            for key in _PATH_KEYS:
                self._add(given.get(key))

    def _add(self, path: Any) -> None:
        if isinstance(path, str) and path and len(self.paths) < _PATHS_MAX:
            self.paths.add(path)


@dataclass
class Account:
    """Add up the messages of a turn."""

    permissions_refused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    context_tokens: int = 0
    """Tokens in the agent's context: never more than what was consumed."""
    cost_usd: float = 0.0
    calls: dict[str, Call] = field(default_factory=dict)
    _words: str = ""
    _interrupted: bool = False

    def hear(self, message: dict[str, Any]) -> None:
        """Take in a protocol message; what is unknown is passed over."""
        params = message.get("params")
        if message.get("method") != "session/update" or not isinstance(params, dict):
            return
        update = params.get("update")
        if not isinstance(update, dict):
            return
        match update.get("sessionUpdate"):
            case "agent_message_chunk":
                self._say(update.get("content"))
            case "tool_call" | "tool_call_update":
                self.call(update)
                self._interrupted = True
            case "usage_update":
                self._meter(update)
            case _:
                pass

    def call(self, told: dict[str, Any]) -> Call:
        """Return the tool call that a message speaks of, with what the message adds."""
        name = told.get("toolCallId")
        call = self.calls.get(name, Call()) if isinstance(name, str) else Call()
        call.learn(told)
        if isinstance(name, str) and len(self.calls) < _CALLS_MAX:
            self.calls[name] = call
        return call

    def settle(self, result: dict[str, Any]) -> None:
        """Take the consumption that the answer to the prompt reports, in any of its known shapes."""
        usage = result.get("usage")
        if isinstance(usage, dict):
            self.input_tokens = _whole(usage.get("inputTokens"))
            self.output_tokens = _whole(usage.get("outputTokens"))
            return
        count: Any = result.get("_meta")
        for key in ("quota", "token_count"):
            count = count.get(key) if isinstance(count, dict) else None
        if isinstance(count, dict):
            self.input_tokens = _whole(count.get("input_tokens"))
            self.output_tokens = _whole(count.get("output_tokens"))

    @property
    def tokens(self) -> int:
        """Return the tokens that were consumed at least."""
        return max(self.context_tokens, self.input_tokens + self.output_tokens)

    @property
    def tool_calls(self) -> int:
        """Return how many tools the agent has called."""
        return len(self.calls)

    @property
    def spent(self) -> Spent:
        """Return the consumption."""
        return Spent(self.input_tokens, self.output_tokens, self.cost_usd)

    @property
    def text(self) -> str:
        """Return what the agent said after its last tool call, or before it when nothing follows."""
        return self._words

    def _say(self, content: Any) -> None:
        text = content.get("text") if isinstance(content, dict) else None
        if not isinstance(text, str) or not text:
            return
        self._words = (text if self._interrupted else self._words + text)[-TEXT_CHARS_MAX:]
        self._interrupted = False

    def _meter(self, update: dict[str, Any]) -> None:
        self.context_tokens = max(self.context_tokens, _whole(update.get("used")))
        cost = update.get("cost")
        if isinstance(cost, dict) and cost.get("currency", "USD") == "USD":
            amount = cost.get("amount")
            if isinstance(amount, int | float) and not isinstance(amount, bool):
                self.cost_usd = max(self.cost_usd, float(amount))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _whole(value: Any) -> int:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0
