"""Hold the changed lines of a patch against the rules of their languages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from keelway.core.model.verdict import Finding, failed, passed
from keelway.core.source import go, php, script
from keelway.core.tamper.go import go_hits, go_test_hits
from keelway.core.tamper.hit import Hit
from keelway.core.tamper.php import php_hits
from keelway.core.tamper.script import script_hits

_LANGUAGES: tuple[tuple[tuple[str, ...], Callable[[str], tuple[Hit, ...]]], ...] = (
    (script.SUFFIXES, script_hits),
    (go.SUFFIXES, go_hits),
    (php.SUFFIXES, php_hits),
)
_GO_TEST = "_test.go"


def is_read(path: str) -> bool:
    """Tell whether there are rules for the language of a file; Python has its own."""
    return path.lower().endswith((*script.SUFFIXES, *go.SUFFIXES, *php.SUFFIXES))


def judge_languages(
    texts: Mapping[str, str], added: Mapping[str, Collection[int]], tests: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Return a failure for each suspicious place on an added line, or that all was read.

    What was suspicious before the patch is no fault of the patch.

    Args:
        texts: the contents of the changed files for which ``is_read`` holds, from the head commit.
        added: numbers of the added lines by path; each path has to be among the texts.
        tests: those of the paths that are tests; they may speak with the runner, but not for it.
    """
    findings: list[Finding] = []
    for path in sorted(added):
        if path not in texts:
            findings.append(
                failed("source_unread", f"{path} is too large to be read, so it is not passed.", examined=0)
            )
            continue
        lines = set(added[path])
        for hit in _hits(path, texts[path], is_test=path in tests):
            if lines & set(range(hit.line, hit.last + 1)):
                said = f"{path}:{hit.line} {hit.what}."
                findings.append(failed(hit.code, said, path=path, line=str(hit.line)))
    clear = f"{len(added)} changed file(s) of other languages than Python were read."
    return tuple(findings) or (passed("no_tampering", clear, examined=max(1, len(added))),)


def _hits(path: str, text: str, *, is_test: bool) -> tuple[Hit, ...]:
    name = path.lower()
    if is_test:
        return go_test_hits(text) if name.endswith(_GO_TEST) else ()
    return next(find(text) for suffixes, find in _LANGUAGES if name.endswith(suffixes))
