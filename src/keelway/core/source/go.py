"""Cut Go into words, and say in which declaration each word stands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from keelway.core.source.token import COMMENT, NAME, NUMBER, PUNCT, STRING, Token, unescape

SUFFIXES = (".go",)
_PART = re.compile(
    r"""(?xs)
    (?P<space>\s+)
    | (?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<raw>`[^`]*(?:`|\Z))
    | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    | (?P<name>\w+)
    | (?P<punct>\.\.\.|:=|<-|[=!<>]=|&&|\|\||[-+*/%&|^]=|.)
    """
)
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


def lex(text: str) -> list[Token]:
    """Return the words of a source, comments included."""
    tokens: list[Token] = []
    line = 1
    for match in _PART.finditer(text):
        kind, said = match.lastgroup, match[0]
        if kind == "raw":
            tokens.append(Token(STRING, said.strip("`"), line))
        elif kind == "string":
            tokens.append(Token(STRING, unescape(said[1:-1]), line))
        elif kind == "name":
            tokens.append(Token(NUMBER if said[0].isdigit() else NAME, said, line))
        elif kind == "punct":
            tokens.append(Token(PUNCT, said, line))
        elif kind == "comment":
            tokens.append(Token(COMMENT, said, line))
        line += said.count("\n")
    return tokens


def places(tokens: Sequence[Token]) -> list[str]:
    """Say for each word in what it stands: ``func NAME``, ``method NAME``, ``var``, ``import`` or nothing."""
    found: list[str] = []
    depth, place = 0, ""
    for number, token in enumerate(tokens):
        if not depth and _declares(token, tokens[number - 1] if number else None):
            place = _place(tokens, number)
        found.append(place)
        if token.kind == PUNCT:
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
    return found


def _declares(token: Token, before: Token | None) -> bool:
    """Tell whether a word begins a declaration: a function that is a value goes on with the line before."""
    if token.kind != NAME or token.text not in {"func", "var", "const", "type", "import"}:
        return False
    return before is None or (before.line < token.line and not before.is_punct("=", ",", "(", "[", "{"))


def _place(tokens: Sequence[Token], number: int) -> str:
    word = tokens[number].text
    if word != "func":
        return word
    after = tokens[number + 1 :]
    if after and after[0].kind == NAME:
        return f"func {after[0].text}"
    depth = 0
    for at, token in enumerate(after):
        if token.kind == PUNCT:
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if not depth:
            name = after[at + 1] if after[at + 1 :] else token
            return f"method {name.text}"
    return "method"
