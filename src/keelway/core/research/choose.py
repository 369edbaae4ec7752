"""Choose what is worth reading for a request: by its words, by the files that it names and by their neighbours."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from keelway.core.research.facts import Outline
from keelway.core.research.language import is_own, language_of
from keelway.core.research.script import reads
from keelway.core.rule.sensitive import is_test_path

READ_MAX = 400
NAMED_MAX = 12
SIBLINGS_MAX = 16

_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+")
_PATH = re.compile(r"[\w@.-]+(?:/[\w@.-]+)+|[\w-]+\.[A-Za-z]{1,6}\b")
_PROMISES = re.compile(
    r"(?:^|[/_])(?:ports?|contracts?|interfaces?|protocols?|base|abstract|registry|routes?|router|urls|plugins?)(?:[/_.]|s?\.)",
    re.IGNORECASE,
)
"""Paths that often hold what was made to be extended."""
_LETTERS_MIN = 3
_STOP = frozenset(
    [
        "the",
        "and",
        "for",
        "with",
        "that",
        "this",
        "from",
        "into",
        "have",
        "has",
        "not",
        "are",
        "was",
        "will",
        "should",
        "would",
        "could",
        "can",
        "may",
        "add",
        "make",
        "use",
        "using",
        "new",
        "all",
        "any",
        "its",
        "our",
        "their",
        "them",
        "they",
        "there",
        "when",
        "where",
        "which",
        "what",
        "please",
        "need",
        "needs",
        "want",
        "support",
        "feature",
        "fix",
        "bug",
        "issue",
        "error",
        "code",
        "file",
        "files",
        "test",
        "tests",
        "app",
        "application",
        "let",
        "get",
        "set",
        "one",
        "two",
        "more",
        "less",
        "also",
        "only",
    ]
)


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text that say what it is about; names in camel or snake case are parted."""
    found = (word.casefold() for word in _WORD.findall(text))
    return frozenset(_stem(word) for word in found if len(word) >= _LETTERS_MIN and word not in _STOP)


def named_files(text: str, hints: Iterable[str], paths: Sequence[str]) -> tuple[str, ...]:
    """Return the files that a text names by path or by a name that only few files have.

    Args:
        text: the request.
        hints: where a detector believes the cause is.
        paths: every file of the application.
    """
    known = set(paths)
    by_name: dict[str, list[str]] = {}
    for path in paths:
        by_name.setdefault(path.rpartition("/")[2].casefold(), []).append(path)
    found: list[str] = []
    for said in (*hints, *_PATH.findall(text)):
        said = said.strip(".").removeprefix("./")  # noqa: PLW2901 - the same thing, cleaned
        if said in known:
            found.append(said)
        else:
            alike = by_name.get(said.rpartition("/")[2].casefold(), [])
            found += alike[:3]
    return tuple(dict.fromkeys(found))[:NAMED_MAX]


def siblings_of(named: Iterable[str], paths: Sequence[str]) -> tuple[str, ...]:
    """Return the files in the same folder and language as the named ones: the pattern to follow."""
    wanted = list(named)
    kinds = {(path.rpartition("/")[0], language_of(path)) for path in wanted if language_of(path)}
    beside = [
        path for path in paths if (path.rpartition("/")[0], language_of(path)) in kinds and path not in wanted
    ]
    return tuple(beside)[:SIBLINGS_MAX]


def files_to_read(paths: Sequence[str], words: Collection[str], first: Collection[str]) -> tuple[str, ...]:
    """Return the code files to outline, the most telling first and at most ``READ_MAX``; tests only when named.

    Args:
        paths: every file of the application.
        words: of the request.
        first: files that are read in any case.
    """
    code = [path for path in paths if _is_readable(path) and (path in first or not is_test_path(path))]

    def rank(path: str) -> tuple[bool, int, int, str]:
        promises = _PROMISES.search(path) is not None
        return path not in first, -path_score(path, words) - promises, path.count("/"), path

    return tuple(sorted(code, key=rank)[:READ_MAX])


def path_score(path: str, words: Collection[str]) -> int:
    """Say how much of a request the path of a file holds."""
    return len(words_of(path) & set(words))


def score(outline: Outline, words: Collection[str], first: Collection[str]) -> int:
    """Say how much a file matters for a request: its path, what it offers, what it says about itself."""
    wanted = set(words)
    offered = " ".join(f"{name.name} {' '.join(name.members)} {name.detail}" for name in outline.names)
    points = 3 * path_score(outline.path, words) + 2 * len(words_of(offered) & wanted)
    points += len(words_of(outline.doc) & wanted)
    contracts = sum(name.kind in {"contract", "registry", "route"} for name in outline.names)
    return points + min(contracts, 2) + (8 if outline.path in first else 0)


def _is_readable(path: str) -> bool:
    language = language_of(path)
    return is_own(path) and (language == "Python" or reads(language))


def _stem(word: str) -> str:
    """Bring plural and singular together, as far as that is cheap."""
    return word.removesuffix("s") if len(word) > _LETTERS_MIN + 1 and not word.endswith("ss") else word
