"""Cut PHP into words."""

from __future__ import annotations

import re

from keelway.core.source.token import COMMENT, NAME, NUMBER, PUNCT, STRING, Token, unescape

SUFFIXES = (".php", ".phtml", ".inc")
_PART = re.compile(
    r"""(?xs)
    (?P<space>\s+)
    | (?P<comment>//[^\n]*|\#(?!\[)[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<heredoc><<<[ \t]*(?P<quote>["']?)(?P<word>[A-Za-z_]\w*)(?P=quote)\n.*?(?:\n[ \t]*(?P=word)\b|\Z))
    | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<name>[\w\\$]+)
    | (?P<punct>\?->|->|::|=>|[=!]==?|\.=|\?\?=?|&&|\|\||.)
    """
)


def lex(text: str) -> list[Token]:
    """Return the words of a source, comments included; text outside ``<?php`` is read as if it were code."""
    tokens: list[Token] = []
    line = 1
    for match in _PART.finditer(text):
        kind, said = _kind(match), match[0]
        if kind == "heredoc":
            tokens.append(Token(STRING, unescape(said), line))
        elif kind == "string":
            tokens.append(Token(STRING, unescape(said[1:-1]) if said[0] == '"' else said[1:-1], line))
        elif kind == "name":
            tokens.append(Token(NUMBER if said[0].isdigit() else NAME, said, line))
        elif kind == "punct":
            tokens.append(Token(PUNCT, "->" if said == "?->" else said, line))
        elif kind == "comment":
            tokens.append(Token(COMMENT, said, line))
        line += said.count("\n")
    return tokens


def _kind(match: re.Match[str]) -> str:
    names = ("space", "comment", "heredoc", "string", "name", "punct")
    return next(name for name in names if match[name] is not None)
