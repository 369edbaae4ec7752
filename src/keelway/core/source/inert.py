"""Tell sources that have nothing to run from those that nobody measured."""

from __future__ import annotations

from keelway.core.source import go, script
from keelway.core.source.token import COMMENT, NAME

_DECLARES = frozenset({"import", "export", "type", "interface", "declare"})
_ENDS_A_LINE = frozenset({"|", "&", "=", "}", "]", ")", ">", "?", ":", "{", ","})
_RUNS = frozenset(
    [
        "function",
        "class",
        "const",
        "let",
        "var",
        "enum",
        "namespace",
        "module",
        "default",
        "new",
        "throw",
        "if",
        "for",
        "while",
        "switch",
        "try",
        "await",
    ]
)


def runs_nothing(path: str, text: str) -> bool:
    """Tell whether a file only declares types, so that no line of it can ever be run."""
    if path.endswith(go.SUFFIXES):
        return all(token.text != "func" for token in go.lex(text) if token.kind == NAME)
    return path.endswith(".d.ts") or (path.endswith((".ts", ".mts", ".cts")) and _only_types(text))


def _only_types(text: str) -> bool:
    depth, line = 0, 0
    for token in script.lex(text):
        if token.kind == COMMENT:
            continue
        if token.kind == NAME and token.text in _RUNS:
            return False
        starts = not depth and token.line != line
        if starts and not (token.text in _DECLARES or (token.kind == "punct" and token.text in _ENDS_A_LINE)):
            return False
        depth += token.is_punct("(", "[", "{") - token.is_punct(")", "]", "}")
        line = token.line
    return True
