"""Tell a test that fails by chance from one that a patch broke: the old commit has to show both endings.

Nothing is run again until it is green. A test is flaky when the commit without the patch both passed and
failed it, and it is excused only when the patch lets it pass at least once as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from keelway.core.judge.tests import ERROR, FAILED, PASSED, TestResult
from keelway.core.model.verdict import Finding, failed, passed

_RED = frozenset({FAILED, ERROR})
_SHOWN_MAX = 20


@dataclass(frozen=True)
class Excused:
    """Hold the red tests that say nothing against a patch."""

    known: frozenset[str] = frozenset()
    """They fail on the base as well."""
    flaky: frozenset[str] = frozenset()
    """The base both passed and failed them, and the patch passed them once."""

    @property
    def ids(self) -> frozenset[str]:
        """Return all of them."""
        return self.known | self.flaky


def red(results: Iterable[TestResult]) -> frozenset[str]:
    """Return the ids of tests that failed or broke, once at least."""
    return frozenset(result.id for result in results if result.outcome in _RED)


def green(results: Iterable[TestResult]) -> frozenset[str]:
    """Return the ids of tests that passed, once at least."""
    return frozenset(result.id for result in results if result.outcome == PASSED)


def suspects(
    results: Iterable[TestResult], passing: Collection[str], failing: Collection[str], altered: Sequence[str]
) -> frozenset[str]:
    """Return the red tests that may be flaky: when any other new red test is there, none is looked at.

    Args:
        results: how the tests ended with the patch.
        passing: ids that passed on the base.
        failing: ids that fail on the base; they are excused anyway.
        altered: test files that the patch may alter; what it altered is its own.
    """
    turned = red(results) - set(failing)
    old = {name for name in turned & set(passing) if not name.startswith(tuple(altered))}
    return frozenset(old) if turned == old else frozenset()


def judge_flaky(flaky: Collection[str], flaky_max: int) -> tuple[Finding, ...]:
    """List the flaky tests, and refuse to excuse more of them than the quota allows."""
    if not flaky:
        return ()
    names = sorted(flaky)
    shown = ", ".join(names[:_SHOWN_MAX])
    if len(names) > flaky_max:
        said = f"{len(names)} tests fail by chance, and at most {flaky_max} may be excused: {shown}. Repair them first."
        return (failed("flaky_over_quota", said, examined=len(names)),)
    said = f"Failing by chance on the base too, so excused and booked: {shown}."
    return (passed("tests_flaky", said, examined=len(names)),)


@dataclass(frozen=True)
class FlakyTest:
    """Sum up what the book says about one test that fails by chance."""

    test: str
    times: int
    """How often it was red with a patch and shown to be flaky."""
    excused: int
    """How often that let a patch pass; the rest was over the quota."""
    last_at: datetime
    last_task: str


def flaky_book(booked: Iterable[tuple[Mapping[str, Any], datetime, str]]) -> tuple[FlakyTest, ...]:
    """Sum up the ``tests.flaky`` events, the most frequent test first.

    Args:
        booked: data, instant and task of each event, oldest first; what cannot be read is left out.
    """
    found: dict[str, FlakyTest] = {}
    for data, at, task in booked:
        excused = data.get("excused") is True
        names = data.get("tests")
        for name in names if isinstance(names, list) else ():
            before = found.get(str(name), FlakyTest(str(name), 0, 0, at, task))
            found[str(name)] = replace(
                before, times=before.times + 1, excused=before.excused + excused, last_at=at, last_task=task
            )
    return tuple(sorted(found.values(), key=lambda each: (-each.times, each.test)))
