"""Ranges of versions, as manifests write them, and what a new one lets in that the old one kept out."""

from __future__ import annotations

import re
from dataclasses import dataclass

Version = tuple[int, ...]

_CLAUSE = re.compile(
    r"(===?|~=|!=|<=|>=|[<>=^~])?\s*v?([0-9]{1,18}(?:\.[0-9]{1,18})*)((?:\.[*xX])+)?([^\s,|]*)"
)


@dataclass(frozen=True)
class Span:
    """Know the lowest and the highest version of a range; ``None`` where it has no end."""

    low: Version | None = None
    high: Version | None = None
    exact: bool = False


def span_of(asks: str) -> Span:
    """Read a range as pip, npm, Composer or Go write it; what cannot be read is open at both ends."""
    spans = [_alternative(each) for each in asks.split("||")]
    lows, highs = [each.low for each in spans], [each.high for each in spans]
    return Span(
        None if None in lows else min(each for each in lows if each is not None),
        None if None in highs else max(each for each in highs if each is not None),
        len(spans) == 1 and spans[0].exact,
    )


def loosened(before: str, now: str) -> str:
    """Say what a new range lets in that the old one kept out: ``pin``, ``open``, ``older``, or nothing."""
    old, new = span_of(before), span_of(now)
    if old.exact and not new.exact:
        return "pin"
    if old.high is not None and new.high is None:
        return "open"
    if old.low is not None and (new.low is None or _filled(new.low) < _filled(old.low)):
        return "older"
    return ""


def _alternative(text: str) -> Span:
    spans = [_clause(*match.groups()) for match in _CLAUSE.finditer(text)]
    lows = [each.low for each in spans if each.low is not None]
    highs = [each.high for each in spans if each.high is not None]
    exact = len(spans) == 1 and spans[0].exact
    return Span(max(lows, default=None), min(highs, default=None), exact)


def _clause(operator: str | None, digits: str, wild: str | None, rest: str | None) -> Span:
    version = tuple(int(part) for part in digits.split("."))
    if wild:
        return Span(version, _next(version, len(version) - 1))
    match operator or "":
        case "" | "=" | "==" | "===":
            return Span(version, version, exact=not (rest or "").startswith("*"))
        case "!=":
            return Span()
        case ">" | ">=":
            return Span(low=version)
        case "<" | "<=":
            return Span(high=version)
        case "^":
            first = next((at for at, part in enumerate(version) if part), len(version) - 1)
            return Span(version, _next(version, first))
        case "~=":
            return Span(version, _next(version, max(0, len(version) - 2)))
        case _:  # a tilde alone
            return Span(version, _next(version, min(1, len(version) - 1)))


def _next(version: Version, at: int) -> Version:
    return (*version[:at], version[at] + 1)


def _filled(version: Version) -> Version:
    parts = list(version)
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return tuple(parts)
