"""What a rule about source found, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from keelway.core.source.token import NAME, STRING, Flat


@dataclass(frozen=True, order=True)
class Hit:
    """Name a suspicious place."""

    line: int
    last: int
    code: str
    what: str


@dataclass(frozen=True)
class Rule:
    """Say what is suspicious about text that fits."""

    code: str
    pattern: re.Pattern[str]
    what: str


def rule(code: str, pattern: str, what: str) -> Rule:
    """Return a rule about the one-line text of a source."""
    return Rule(code, re.compile(pattern), what)


def by_rules(flat: Flat, rules: tuple[Rule, ...]) -> Iterator[Hit]:
    """Yield what the rules find in a source."""
    for one in rules:
        for first, last, said in flat.find(one.pattern):
            yield Hit(first, last, one.code, f"{one.what} ({said[:60]})")


def by_words(flat: Flat, words: re.Pattern[str], strings: re.Pattern[str], code: str) -> Iterator[Hit]:
    """Yield the names and the strings that name the test runner."""
    for token in flat.tokens:
        pattern = {NAME: words, STRING: strings}.get(token.kind)
        found = pattern.search(token.text) if pattern else None
        if found:
            end = token.line + token.text.count("\n") if token.kind == STRING else token.line
            yield Hit(token.line, end, code, f"names the test runner ({found[0][:60]})")
