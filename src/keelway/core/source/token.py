"""Words of a source, and the plain line of text that rules look at."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

NAME, NUMBER, STRING, PUNCT, COMMENT = "name", "number", "string", "punct", "comment"
_WORDS = frozenset({NAME, NUMBER})
_PLAIN = re.compile(r"[\w:/@.\-]{0,80}")
_ESCAPE = re.compile(
    r"\\(?:x(?P<two>[0-9a-fA-F]{2})|u\{(?P<many>[0-9a-fA-F]{1,6})\}|u(?P<four>[0-9a-fA-F]{4})|(?P<rest>.))",
    re.DOTALL,
)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
_POINT_MAX = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Token:
    """Hold one word; the text of a string is what it stands for."""

    kind: str
    text: str
    line: int

    def is_punct(self, *texts: str) -> bool:
        """Tell whether this is one of these signs."""
        return self.kind == PUNCT and self.text in texts


def unescape(text: str) -> str:
    r"""Return what the inside of a string stands for: ``\x41``, ``A``, ``\u{41}`` and ``\n``."""
    return _ESCAPE.sub(_stands_for, text) if "\\" in text else text


def _stands_for(match: re.Match[str]) -> str:
    digits = match["two"] or match["many"] or match["four"]
    if digits:
        point = int(digits, 16)
        return chr(point) if point <= _POINT_MAX else "?"
    rest = match["rest"]
    return _CONTROLS.get(rest, rest)


def fold(tokens: Iterable[Token], plus: str) -> list[Token]:
    """Join strings that are put together from constants, and drop comments and needless brackets.

    Args:
        tokens: the words of a source.
        plus: the sign that puts strings together.
    """
    out: list[Token] = []
    for token in tokens:
        if token.kind == COMMENT:
            continue
        out.append(token)
        while _joined(out, plus):
            pass
    return out


def _joined(out: list[Token], plus: str) -> bool:
    if len(out) < 3:  # noqa: PLR2004 - three words make a sum or a bracket
        return False
    left, middle, right = out[-3:]
    if middle.is_punct(plus) and left.kind == right.kind == STRING:
        out[-3:] = [Token(STRING, left.text + right.text, left.line)]
        return True
    before = out[-4] if len(out) > 3 else None  # noqa: PLR2004
    called = before is not None and (before.kind in {NAME, STRING} or before.is_punct(")", "]"))
    if left.is_punct("(") and middle.kind == STRING and right.is_punct(")") and not called:
        out[-3:] = [middle]
        return True
    return False


@dataclass(frozen=True)
class Flat:
    """Hold a source as one line of text without blanks, and which line of the file each place is from.

    A string stands there in double quotes; one that is more than a plain word stands as ``"..."``,
    so that no rule about code takes a sentence for code.
    """

    text: str
    tokens: tuple[Token, ...]
    starts: tuple[int, ...]

    def line_at(self, offset: int) -> int:
        """Return the line of the file that a place of the text is from."""
        return self.tokens[bisect_right(self.starts, offset) - 1].line

    def find(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
        """Yield the first line, the last line and the text of everything that fits."""
        for match in pattern.finditer(self.text):
            yield self.line_at(match.start()), self.line_at(max(match.start(), match.end() - 1)), match[0]


def flatten(tokens: Sequence[Token]) -> Flat:
    """Write words in a row; between two names stays a blank."""
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for number, token in enumerate(tokens):
        shown = _shown(token)
        if number and token.kind in _WORDS and tokens[number - 1].kind in _WORDS:
            shown = f" {shown}"
        starts.append(length)
        parts.append(shown)
        length += len(shown)
    return Flat("".join(parts), tuple(tokens), tuple(starts))


def _shown(token: Token) -> str:
    if token.kind != STRING:
        return token.text
    return f'"{token.text}"' if _PLAIN.fullmatch(token.text) else '"..."'
