"""Cut JavaScript and TypeScript into words.

Whether a slash begins a pattern or divides cannot always be told without a whole parser; ``lex``
can be asked for both readings, and what a rule finds in either of them counts.
"""

from __future__ import annotations

import re

from keelway.core.source.token import (
    COMMENT,
    NAME,
    NUMBER,
    PUNCT,
    STRING,
    Flat,
    Token,
    flatten,
    fold,
    unescape,
)

SUFFIXES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte")
_ESC = r"\\u(?:\{[0-9a-fA-F]{1,6}\}|[0-9a-fA-F]{4})"
_PART = re.compile(
    rf"""(?xs)
    (?P<space>\s+)
    | (?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z)|\A\#![^\n]*)
    | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    | (?P<name>\#?(?:[\w$]|{_ESC})+)
    | (?P<punct>\.\.\.|\?\.(?!\d)|=>|[=!]==?|\*\*=|[-+*/%&|^]=|&&=?|\|\|=?|\?\?=?|\+\+|--|.)
    """
)
_PATTERN = re.compile(r"/(?:\\[^\n]|\[(?:\\[^\n]|[^\]\\\n]){0,300}\]|[^/\\\n\[]){1,300}/\w*")
_CHUNK = re.compile(r"(?s)(?:\\.|[^`\\$]|\$(?!\{))*")
_BEFORE_VALUE = frozenset(
    [
        "return",
        "typeof",
        "case",
        "in",
        "of",
        "delete",
        "void",
        "throw",
        "new",
        "do",
        "else",
        "yield",
        "await",
        "instanceof",
    ]
)


class _Reader:
    """Walk through a text once; every turn goes forward by at least one character."""

    def __init__(self, text: str, *, patterns_after_brackets: bool) -> None:
        self.text, self.at, self.line = text, 0, 1
        self.after_brackets = patterns_after_brackets
        self.tokens: list[Token] = []
        self.depths: list[int] = []
        """Open braces inside each template string that is open."""

    def read(self) -> list[Token]:
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "`":
                self._template()
            elif sign == "}" and self.depths and not self.depths[-1]:
                self.depths.pop()
                self._add(PUNCT, ")")
                self._add(PUNCT, "+")
                self._template()
            elif sign == "/" and (pattern := self._pattern()):
                self._add(STRING, pattern)
                self.at += len(pattern)
            else:
                self._part()
        return self.tokens

    def _part(self) -> None:
        match = _PART.match(self.text, self.at)
        if match is None:  # pragma: no cover - the last alternative takes any sign
            raise ValueError(self.at)
        kind, said = str(match.lastgroup), match[0]
        if kind == "string":
            self._add(STRING, unescape(said[1:-1]))
        elif kind == "name":
            self._add(NUMBER if said[0].isdigit() else NAME, unescape(said))
        elif kind == "punct":
            self._count(said)
            self._add(PUNCT, "." if said == "?." else said)
        elif kind == "comment":
            self._add(COMMENT, said)
        self.line += said.count("\n")
        self.at = match.end()

    def _count(self, sign: str) -> None:
        if self.depths and sign in {"{", "}"}:
            self.depths[-1] += 1 if sign == "{" else -1

    def _template(self) -> None:
        """Read a template string up to its end or to the next value in it."""
        self.at += 1
        chunk = _CHUNK.match(self.text, self.at)
        said = chunk[0] if chunk else ""
        self._add(STRING, unescape(said))
        self.line += said.count("\n")
        self.at += len(said)
        if self.text.startswith("${", self.at):
            self.at += 2
            self.depths.append(0)
            self._add(PUNCT, "+")
            self._add(PUNCT, "(")
        else:
            self.at += 1

    def _pattern(self) -> str:
        if self.text.startswith(("//", "/*"), self.at):
            return ""
        last = next((token for token in reversed(self.tokens) if token.kind != COMMENT), None)
        if last is not None and last.kind in {NUMBER, STRING}:
            return ""
        if last is not None and last.kind == NAME and last.text not in _BEFORE_VALUE:
            return ""
        if last is not None and last.is_punct(")", "]", "}") and not self.after_brackets:
            return ""
        match = _PATTERN.match(self.text, self.at)
        return match[0] if match else ""

    def _add(self, kind: str, text: str) -> None:
        self.tokens.append(Token(kind, text, self.line))


def lex(text: str, *, patterns_after_brackets: bool = False) -> list[Token]:
    """Return the words of a source, comments included."""
    return _Reader(text, patterns_after_brackets=patterns_after_brackets).read()


def flat(text: str, *, patterns_after_brackets: bool = False) -> Flat:
    """Return a source as one line in which every way to name a member reads the same.

    ``process?.["e" + "nv"]!.X`` reads ``process.env.X``.
    """
    out: list[Token] = []
    for token in fold(lex(text, patterns_after_brackets=patterns_after_brackets), "+"):
        out.append(token)
        _plain_member(out)
    return flatten(out)


def _plain_member(out: list[Token]) -> None:
    *rest, token = out[-5:]
    if (token.is_punct("[", "(") and rest and rest[-1].is_punct(".")) or (
        token.is_punct(".", "[") and len(rest) > 1 and rest[-1].is_punct("!") and _is_value(rest[-2])
    ):
        del out[-2]
    elif token.is_punct("]") and len(rest) > 2 and rest[-2].is_punct("[") and _is_value(rest[-3]):  # noqa: PLR2004
        name = rest[-1]
        if name.kind == STRING and re.fullmatch(r"[A-Za-z_$][\w$]*", name.text):
            out[-3:] = [Token(PUNCT, ".", name.line), Token(NAME, name.text, name.line)]


def _is_value(token: Token) -> bool:
    if token.kind == NAME:
        return token.text not in _BEFORE_VALUE
    return token.is_punct(")", "]")
