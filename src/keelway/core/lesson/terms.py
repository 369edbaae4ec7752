"""The words of a text as every search and every comparison counts them, and the order of what is found."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from keelway.core.words.text import clean

T = TypeVar("T")

TERMS_MAX = 400
QUERY_TERMS_MAX = 24
_TERM_CHARS_MAX = 40
_CHARS_READ_MAX = 40_000
_PLURAL_CHARS_MIN = 4

_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_COMMON = """
a an and any are as at be been but by can could did do does for from had has have how if in into is it its
may must no not of on or our shall should so such than that the their then there these they this those to
was we were what when where which who will with would you your
"""
_LEFT_OUT = frozenset(_COMMON.split())


def terms(text: str, limit: int = TERMS_MAX) -> tuple[str, ...]:
    """Return the telling words of a text once each, in their order: folded, singular, names in parts.

    A term holds letters and digits only, so that no search language can find anything else in it.
    """
    plain = unicodedata.normalize("NFKC", clean(text[:_CHARS_READ_MAX]))
    found: dict[str, None] = {}
    for word in _WORD.findall(plain):
        parts = _HUMP.split(word)
        for each in (word, *parts) if parts[1:] else (word,):
            for term in _WORD.findall(each.casefold()):
                _add(found, term)
        if len(found) >= limit:
            break
    return tuple(found)[:limit]


def _add(found: dict[str, None], term: str) -> None:
    single = len(term) == 1 and term.isascii()
    if not single and term not in _LEFT_OUT:
        found[_singular(term)[:_TERM_CHARS_MAX]] = None


def _singular(term: str) -> str:
    plural = term.isascii() and term.endswith("s") and not term.endswith(("ss", "us", "is"))
    return term[:-1] if plural and len(term) >= _PLURAL_CHARS_MIN else term


def ranked(entries: Iterable[tuple[T, Sequence[tuple[float, str]]]], query: Sequence[str]) -> list[T]:
    """Return the entries that hold a term of the query, the best first; equal ones stay in their order.

    Args:
        entries: each with its texts and how much a word in that text counts.
        query: from ``terms``; a term that few entries hold counts more.
    """
    wanted = set(query)
    scored = [(entry, _weights(texts, wanted)) for entry, texts in entries]
    known = Counter(term for _, weights in scored for term in weights)
    rarity = {term: math.log(1 + len(scored) / count) for term, count in known.items()}
    points = [
        (sum(weight * rarity[term] for term, weight in sorted(weights.items())), entry)
        for entry, weights in scored
        if weights
    ]
    return [entry for _, entry in sorted(points, key=lambda point: -point[0])]


def _weights(texts: Sequence[tuple[float, str]], wanted: set[str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for weight, text in texts:
        for term in wanted.intersection(terms(text)):
            weights[term] = weights.get(term, 0.0) + weight
    return weights
