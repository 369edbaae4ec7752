"""Keep account of a run by what its output says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from keelway.clients.command.rules import Output, Take, fits, plain, values
from keelway.clients.run import Spent

TEXT_CHARS_MAX = 100_000

_ERROR_CHARS_MAX = 1_000
_CALLS_MAX = 100_000


@dataclass
class Account:
    """Add up what the rules find in a program's output."""

    output: Output
    permissions_refused: int = 0
    text: str = ""
    session: str = ""
    error: str = ""
    stop: str = ""
    tool_calls: int = 0
    cost_usd: float = 0.0
    objects: int = 0
    """How many JSON objects were understood."""
    _tokens: dict[str, int] = field(default_factory=dict)

    def hear(self, told: dict[str, Any]) -> None:
        """Take in one object."""
        self.objects += 1
        for take in self.output.take:
            if fits(take, told):
                self._words(take, told)
                self._consumption(take, told)
                self.tool_calls = min(_CALLS_MAX, self.tool_calls + len(values(told, take.tools)))

    def say(self, text: str) -> None:
        """Take in words that follow one another."""
        self.text = (self.text + text)[-TEXT_CHARS_MAX:]

    @property
    def tokens(self) -> int:
        """Return the tokens that the program reports."""
        return sum(self._tokens.values())

    @property
    def spent(self) -> Spent:
        """Return the consumption that the program reports."""
        return Spent(self._tokens.get("input_tokens", 0), self._tokens.get("output_tokens", 0), self.cost_usd)

    def _words(self, take: Take, told: dict[str, Any]) -> None:
        words = "".join(value for value in values(told, take.text) if isinstance(value, str))
        if words:
            self.text = self.text if take.append else ""
            self.say(words)
        for value in values(told, take.session):
            self.session = plain(value)[:_ERROR_CHARS_MAX]
        for value in values(told, take.error):
            self.error = plain(value)[:_ERROR_CHARS_MAX]
        self.stop = take.stop or self.stop

    def _consumption(self, take: Take, told: dict[str, Any]) -> None:
        for name in ("input_tokens", "output_tokens"):
            count = int(sum(map(_amount, values(told, getattr(take, name)))))
            before = self._tokens.get(name, 0)
            self._tokens[name] = before + count if take.add else max(before, count)
        cost = sum(map(_amount, values(told, take.cost_usd)))
        self.cost_usd = self.cost_usd + cost if take.add else max(self.cost_usd, cost)


def _amount(value: Any) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return max(0.0, float(value)) if known and value == value else 0.0  # noqa: PLR0124 - not a number
