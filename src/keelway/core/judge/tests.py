"""Weigh test results: every expected test by its id, never an exit code and never a count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from keelway.core.model import verdict
from keelway.core.model.plan import Kind
from keelway.core.model.verdict import Finding, failed, passed

PASSED, FAILED, ERROR, SKIPPED = "passed", "failed", "error", "skipped"
_BADNESS = (PASSED, SKIPPED, FAILED, ERROR)
_RAN = frozenset({PASSED, FAILED, ERROR})
_RED = frozenset({FAILED, ERROR})
_PROVEN_KINDS = frozenset({Kind.FEATURE, Kind.FIX})
_SHOWN_MAX = 20


@dataclass(frozen=True)
class TestResult:
    """State how one test ended."""

    __test__ = False

    id: str
    """The runner's own id, the same on base and head."""
    outcome: str
    """``passed``, ``failed``, ``error`` or ``skipped`` (expected failures count as skipped)."""
    message: str = ""


def judge_replay(
    expected_ids: Collection[str], results: Iterable[TestResult], base_failures: Collection[str]
) -> tuple[Finding, ...]:
    """Judge the base's tests as run against the new source.

    Args:
        expected_ids: ids collected on the base; each has to end exactly as ``passed``.
        results: what the private result channel delivered; of a repeated id the worst counts.
        base_failures: ids that fail on the base as well; the same failure is excused and listed.
    """
    outcomes = _outcomes(results)
    ran = sum(outcome in _RAN for outcome in outcomes.values())
    if not expected_ids or not ran:
        return (
            failed(
                "tests_broken",
                f"{len(expected_ids)} tests were expected and {ran} ran; that is broken, not green.",
                examined=ran,
            ),
        )
    names = sorted(set(expected_ids))
    excused = [name for name in names if name in base_failures and outcomes.get(name) in _RED]
    rest = [name for name in names if name not in set(excused)]
    green = [name for name in rest if outcomes.get(name) == PASSED]
    findings = [
        *_complain(
            "tests_missing", "did not run", [name for name in rest if name not in outcomes], len(names)
        ),
        *_complain(
            "tests_failed", "failed", [name for name in rest if outcomes.get(name) in _RED], len(names)
        ),
        *_complain(
            "tests_skipped",
            "were not judged by the runner (skipped, expected to fail or unknown)",
            [name for name in rest if name in outcomes and outcomes[name] not in _RAN],
            len(names),
        ),
    ]
    if excused:
        listed = ", ".join(excused)
        findings.append(
            passed("tests_excused", f"Failing on the base as well: {listed}.", examined=len(excused))
        )
    if len(green) == len(rest):
        findings.append(passed("tests_replayed", f"{len(green)} base tests passed.", examined=len(green)))
    return tuple(findings)


def judge_new_tests(
    on_base: Sequence[TestResult],
    on_head: Sequence[TestResult],
    kind: Kind,
    known_ids: Collection[str] = (),
) -> Finding:
    """Judge the new or altered tests: each has to fail on the base and pass on the head.

    A test that cannot even be loaded on the base (a module that is not there yet) counts as failing
    there and is labelled. A plan that is neither a feature nor a fix needs no new tests; if it
    brings some, they have to pass.

    Args:
        on_base: results of the patch's tests on the base's source.
        on_head: results of the new or altered tests on the patch's source.
        kind: the kind of the plan.
        known_ids: ids that the base has as well, from an altered file; they may pass on the base
            and then prove nothing, but they are not enough alone.
    """
    head, base = _outcomes(on_head), _outcomes(on_base)
    red = sorted(name for name, outcome in head.items() if outcome != PASSED)
    if red:
        return failed("new_tests_failed", f"New tests do not pass: {_shown(red)}.", examined=len(head))
    if kind not in _PROVEN_KINDS:
        return passed("new_tests_not_needed", f"{len(head)} new tests pass; a {kind.value} task needs none.")
    if not head:
        return failed(
            "new_tests_missing", f"A {kind.value} task needs a test that fails without it.", examined=0
        )
    if not base:
        return failed(
            "new_tests_base_unrun", "The new tests were not run on the base; nothing is proven.", examined=0
        )
    proving = [name for name in head if base.get(name, ERROR) in _RED]
    useless = sorted(head.keys() - set(proving) - set(known_ids))
    if useless:
        return failed(
            "new_tests_prove_nothing",
            f"New tests pass or are skipped without the change as well: {_shown(useless)}.",
            examined=len(head),
        )
    if not proving:
        return failed("new_tests_missing", "None of the altered tests fails without the change.", examined=0)
    unloaded = sorted(name for name in proving if base.get(name, ERROR) == ERROR)
    label = f"; {len(unloaded)} of them could not be loaded there" if unloaded else ""
    return passed(
        "new_tests_prove",
        f"{len(proving)} new tests fail on the base and pass on the head{label}.",
        examined=len(proving),
        not_loadable_on_base=", ".join(unloaded),
    )


def judge_canary(failed: bool) -> Finding:
    """Judge the test that has to fail: if it did not, the runner cannot be believed."""
    if failed:
        return passed("canary_failed", "The test that has to fail did fail; the judge can say no.")
    return verdict.failed(
        "canary_passed", "The test that has to fail did not fail; the results are forged or were not made."
    )


def _outcomes(results: Iterable[TestResult]) -> Mapping[str, str]:
    outcomes: dict[str, str] = {}
    for result in results:
        before = outcomes.get(result.id, PASSED)
        outcomes[result.id] = max(before, result.outcome, key=_badness)
    return outcomes


def _badness(outcome: str) -> int:
    return _BADNESS.index(outcome) if outcome in _BADNESS else len(_BADNESS)


def _complain(code: str, what: str, names: list[str], examined: int) -> list[Finding]:
    if not names:
        return []
    return [
        failed(code, f"{len(names)} of {examined} base tests {what}: {_shown(names)}.", examined=examined)
    ]


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN_MAX} more" if names[_SHOWN_MAX:] else ""
    return ", ".join(names[:_SHOWN_MAX]) + more
