"""Make the facts of an application from its paths and the texts of the files that were chosen for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from keelway.core.codec import canonical
from keelway.core.model.task import Request
from keelway.core.package.manifest import (
    Declared,
    declared_in,
    entry_points_in,
    is_manifest,
    runtimes_in,
)
from keelway.core.research.choose import files_to_read, named_files, score, siblings_of, words_of
from keelway.core.research.contract import contracts_of
from keelway.core.research.convention import CONVENTION_FILES, conventions_of, layout_of_tests, style_of
from keelway.core.research.facts import Facts, Outline
from keelway.core.research.language import folders_of, is_own, language_of, languages_of
from keelway.core.research.outline import outline_python
from keelway.core.research.script import outline_script
from keelway.core.rule.sensitive import is_test_path

MODULES_MAX = 40
CONTRACTS_MAX = 24
DECLARED_MAX = 60
FACTS_CHARS_MAX = 60_000
_NAMES_KEPT = 15
_TRIES_MAX = 8
_MANIFESTS_MAX = 12


@dataclass(frozen=True)
class Reading:
    """Say what is read of an application for a request, and why."""

    paths: tuple[str, ...]
    """Every file of it."""
    words: frozenset[str]
    named: tuple[str, ...]
    siblings: tuple[str, ...]
    code: tuple[str, ...]
    pages: tuple[str, ...]
    """Manifests and pages of conventions."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """Return every file whose text is needed."""
        return (*self.pages, *self.code)


def plan_reading(request: Request, paths: Sequence[str]) -> Reading:
    """Choose what to read for a request."""
    own = [path for path in paths if is_own(path)]
    words = words_of(request.text)
    named = named_files(request.text, request.files, own)
    siblings = siblings_of(named, own)
    manifests = sorted((path for path in own if is_manifest(path)), key=lambda path: (path.count("/"), path))
    pages = (*(path for path in CONVENTION_FILES if path in paths), *manifests[:_MANIFESTS_MAX])
    code = files_to_read(own, words, {*named, *siblings})
    return Reading(tuple(own), words, named, siblings, code, pages)


def facts_of(reading: Reading, texts: Mapping[str, str]) -> Facts:
    """Return what is known; a file whose text is not there was not read.

    Args:
        reading: what was chosen.
        texts: by path, from the base commit.
    """
    outlines = [_outline(path, texts[path]) for path in reading.code if path in texts]
    first = {*reading.named, *reading.siblings}
    ranked = sorted(outlines, key=lambda each: (-score(each, reading.words, first), each.path))
    points = [
        (group, path)
        for path in reading.pages
        if path in texts
        for group in entry_points_in(path, texts[path])
    ]
    shown = [each for each in ranked if each.names or each.doc]
    facts = Facts(
        languages=languages_of(reading.paths),
        folders=folders_of(reading.paths),
        modules=tuple(map(_shorter, shown[:MODULES_MAX])),
        contracts=contracts_of([each for each in ranked if not is_test_path(each.path)], points)[
            :CONTRACTS_MAX
        ],
        named=reading.named,
        siblings=reading.siblings,
        conventions=conventions_of(texts),
        tests=layout_of_tests(reading.paths),
        style=style_of(outlines),
        runtimes=tuple(
            dict.fromkeys(said for path in reading.pages for said in runtimes_in(path, texts.get(path, "")))
        ),
        declared=_declared(reading, texts),
        files=len(reading.paths),
        read=len(outlines),
    )
    return bounded(facts)


def _declared(reading: Reading, texts: Mapping[str, str]) -> tuple[Declared, ...]:
    found = [each for path in reading.pages for each in declared_in(path, texts.get(path, ""))]
    once = {each.name.casefold(): each for each in reversed(found)}
    return tuple(reversed(once.values()))[:DECLARED_MAX]


def _outline(path: str, text: str) -> Outline:
    language = language_of(path)
    if language == "Python":
        return outline_python(path, text)
    return outline_script(path, language, text)


def bounded(facts: Facts) -> Facts:
    """Return facts whose text is not longer than ``FACTS_CHARS_MAX``, the least important left out."""
    for _ in range(_TRIES_MAX):
        size = len(canonical(facts))
        if size <= FACTS_CHARS_MAX:
            return facts
        facts = _less(facts, FACTS_CHARS_MAX / size)
    return Facts(languages=facts.languages, packages=facts.packages, files=facts.files, read=facts.read)


def _less(facts: Facts, share: float) -> Facts:
    return replace(
        facts,
        modules=facts.modules[: int(len(facts.modules) * share)],
        contracts=facts.contracts[: int(len(facts.contracts) * share)],
        declared=facts.declared[: int(len(facts.declared) * share)],
        siblings=facts.siblings[: int(len(facts.siblings) * share)],
        conventions=tuple(
            replace(each, text=each.text[: int(len(each.text) * share)]) for each in facts.conventions
        ),
    )


def _shorter(outline: Outline) -> Outline:
    """Keep of a file that was weighed what a reader needs."""
    return replace(outline, names=outline.names[:_NAMES_KEPT], checks=())
