"""What the runners of JavaScript and TypeScript share: names of files and tests, and ways to import."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keelway.core.runner.runner import Case, Locate, Seed, Texts
from keelway.core.source.script import lex
from keelway.core.source.token import COMMENT, NAME, STRING, Token

ENDS = ("js", "mjs", "cjs", "jsx", "ts", "tsx", "mts", "cts")
SOURCES = tuple(f".{end}" for end in ENDS)
MARKED = tuple(f"*.{mark}.{end}" for mark in ("test", "spec") for end in ENDS)
"""Names such as ``cart.test.ts``."""
_DECLARES = frozenset({"test", "it", "describe", "suite", "specify", "context"})
_MODIFIERS_MAX = 8


@dataclass(frozen=True)
class Imports:
    """Say how the names that a failing test needs come into a file; ``{body}`` stands for the test."""

    module: str
    """Where the file uses ``import`` or ``export``."""
    script: str
    """Where it uses ``require``."""
    bare: str
    """Where it uses neither, so that only its package could tell what it is."""


def way_of(path: str, text: str) -> str:
    """Return ``module``, ``script`` or ``bare`` for how a file takes in others."""
    if path.endswith((".mjs", ".mts", ".cjs", ".cts")):
        return "module" if path.endswith(("mjs", "mts")) else "script"
    words = {token.text for token in lex(text) if token.kind == NAME}
    if words & {"import", "export"}:
        return "module"
    return "script" if "require" in words else "bare"


def appended(name: str, texts: Texts, imports: Imports, body: str) -> tuple[Seed, ...]:
    """Put a failing test at the end of every test file, because each file has a process of its own.

    Args:
        name: the common part of the names.
        texts: the test files.
        imports: how the names of the body come in.
        body: the failing test; ``{name}`` stands for its name.
    """
    seeds = []
    for number, (path, text) in enumerate(texts.items()):
        own = f"{name}_{number:05d}"
        said = str(getattr(imports, way_of(path, text))).replace("{body}", body).replace("{name}", own)
        seeds.append(Seed(own, path, f"\n;{said}\n", new=False))
    return tuple(seeds)


def locate_by_names(texts: Texts) -> Locate:
    """Prepare to find the file of a test by the names that the test files write down.

    A test that two files could have written is left without a file.
    """
    writers: dict[str, set[str]] = defaultdict(set)
    for path, text in texts.items():
        for name in _declared(lex(text)):
            writers[name].add(path)

    def locate(case: Case) -> str:
        said = (case.file, case.group, *case.suites[:1], case.name)
        file = next((name for name in said if name in texts), "")
        chain = [name for name in (*case.suites, case.name) if not file or name != file]
        if file:
            return _id(file, chain) if chain else file
        fitting = set.intersection(*(writers.get(name, set()) for name in chain))
        return _id(fitting.pop() if len(fitting) == 1 else "", chain)

    return locate


def _id(file: str, chain: Sequence[str]) -> str:
    name = " > ".join(chain)
    return f"{file}::{name}" if file else name


def _declared(tokens: list[Token]) -> Iterator[str]:
    words = [token for token in tokens if token.kind != COMMENT]
    for number, token in enumerate(words):
        if token.kind != NAME or token.text not in _DECLARES:
            continue
        for at in range(number + 1, min(number + _MODIFIERS_MAX, len(words) - 1)):
            if words[at].is_punct("("):
                if words[at + 1].kind == STRING:
                    yield words[at + 1].text
                break
            if not (words[at].is_punct(".") or words[at].kind == NAME):
                break


def with_words(run: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command with further words, also when it goes through a shell or a package script."""
    if "-c" in run[:-1] and re.search(r"(?:^|/)(?:ba|da|z)?sh$", run[0]):
        return ()
    runs_script = run[0] == "npm" and "--" not in run
    return (*run, *(("--",) if runs_script else ()), *more)
