"""Rules for Go that is no test, and for what a test file may not declare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from keelway.core.source.go import lex, places
from keelway.core.source.token import COMMENT, NAME, PUNCT, STRING, Token, flatten, fold
from keelway.core.tamper.hit import Hit, by_rules, by_words, rule

_TOOLS = re.compile(
    r"^(?:testing(?:/\w+)*|internal/testenv|github\.com/(?:stretchr/testify|onsi/(?:ginkgo|gomega)|golang/mock|google/go-cmp|smartystreets/goconvey)(?:/.*)?"
    r"|go\.uber\.org/mock(?:/.*)?|gotest\.tools(?:/.*)?)$"
)
_RUNNER_TEXT = re.compile(
    r"^-{0,2}test\.[a-z]+|^\.test(?:\.exe)?$|_test\.go\b|\btesting\.|^(?:=== RUN|--- (?:PASS|FAIL|SKIP))|/_test/|\bKEELWAY_[A-Z]+|^\x16"
)
_NOTHING = re.compile(r"(?!)")
_PEEKING = {
    ("runtime", "Caller"), ("runtime", "Callers"), ("runtime", "CallersFrames"), ("runtime", "Stack"), ("runtime", "FuncForPC"),
    ("runtime/debug", "PrintStack"), ("runtime/pprof", "Lookup"),
}  # fmt: skip
_HARD_EXITS = {("syscall", "Exit"), ("golang.org/x/sys/unix", "Exit")}
_EXITS = {
    ("os", "Exit"), ("runtime", "Goexit"), ("syscall", "Kill"), ("log", "Fatal"), ("log", "Fatalf"), ("log", "Fatalln"), ("log", "Panic"),
}  # fmt: skip
_OVERWRITTEN = {("os", "Stdout"), ("os", "Stderr"), ("os", "Args"), ("flag", "CommandLine")}
_REACHING = {("syscall", "Mprotect"), ("golang.org/x/sys/unix", "Mprotect")}
_RULES = (
    rule("tamper_equality", r"\bfunc\([^()]*\)(?:Equal|Equals|Is|As)\([^()]*\)bool\{return true\b", "is equal to everything"),
)  # fmt: skip


def go_hits(text: str) -> tuple[Hit, ...]:
    """Return every suspicious place of a source that is no test."""
    words = lex(text)
    tokens = fold(words, "+")
    where = places(tokens)
    named = _imports(tokens, where)
    line = flatten(tokens)
    found = chain(
        by_rules(line, _RULES),
        by_words(line, _NOTHING, _RUNNER_TEXT, "tamper_runner_name"),
        _imported(tokens, where),
        _used(tokens, where, named),
        _linked(words),
    )
    return tuple(sorted(set(found)))


def go_test_hits(text: str) -> tuple[Hit, ...]:
    """Return what lets a test file decide over the tests of its whole package."""
    tokens = fold(lex(text), "+")
    return tuple(
        Hit(
            token.line,
            token.line,
            "tamper_test_main",
            "declares TestMain, which decides over every test of its package",
        )
        for token, place in zip(tokens, places(tokens), strict=True)
        if token.text == "TestMain" and token.kind == NAME and place == "func TestMain"
    )


def _imports(tokens: Sequence[Token], where: Sequence[str]) -> dict[str, str]:
    """Return the path of a package by the name that it has in this file."""
    named: dict[str, str] = {}
    for number, token in enumerate(tokens):
        if where[number] == "import" and token.kind == STRING:
            before = tokens[number - 1]
            own = before.kind == NAME and before.text != "import"
            named[before.text if own else token.text.rpartition("/")[2]] = token.text
    return named


def _imported(tokens: Sequence[Token], where: Sequence[str]) -> Iterator[Hit]:
    for number, token in enumerate(tokens):
        if where[number] != "import" or token.kind != STRING:
            continue
        if _TOOLS.match(token.text):
            yield Hit(token.line, token.line, "tamper_runner_import", f"imports the test tool {token.text}")
        if tokens[number - 1].is_punct("."):
            yield Hit(
                token.line, token.line, "tamper_hidden_code", f"takes every name of {token.text} over unsaid"
            )


def _used(tokens: Sequence[Token], where: Sequence[str], named: dict[str, str]) -> Iterator[Hit]:
    for number in range(len(tokens) - 2):
        owner, dot, member = tokens[number : number + 3]
        if owner.kind != NAME or not dot.is_punct(".") or member.kind != NAME:
            continue
        if number and tokens[number - 1].is_punct("."):
            continue
        used = (named.get(owner.text, ""), member.text)
        said = f"{owner.text}.{member.text}"
        for code, what in _complaints(used, where[number], tokens[number + 3 : number + 4]):
            yield Hit(owner.line, member.line, code, f"{what} ({said})")


def _complaints(used: tuple[str, str], place: str, after: Sequence[Token]) -> Iterator[tuple[str, str]]:
    if used in _PEEKING:
        yield "tamper_frames", "looks at its callers"
    if used in _HARD_EXITS:
        yield "tamper_exit", "can end the process without cleaning up"
    elif used in _EXITS and place in {"func init", "var"}:
        yield "tamper_exit", "can end the process when it is imported"
    if used in _OVERWRITTEN and any(token.kind == PUNCT and token.text == "=" for token in after):
        yield "tamper_builtins", "replaces what the test runner reads or writes"
    if used in _REACHING:
        yield "tamper_builtins", "can rewrite code in memory"


def _linked(words: Sequence[Token]) -> Iterator[Hit]:
    for token in words:
        if token.kind == COMMENT and token.text.startswith("//go:linkname"):
            yield Hit(token.line, token.line, "tamper_builtins", "reaches into another package (go:linkname)")
