"""Tell whether an iteration broke what the one before had left whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from keelway.core.judge.flaky import red
from keelway.core.judge.tests import PASSED, TestResult
from keelway.core.model.verdict import Finding, failed

_SHOWN_MAX = 10
_MESSAGE_CHARS_MAX = 300


@dataclass(frozen=True)
class Standing:
    """Hold how the files stood after one iteration."""

    turn: int
    head_sha: str
    green: frozenset[str]
    """Tests of the base that passed."""
    reasons: tuple[Finding, ...]
    """What was wrong with them all the same."""

    @staticmethod
    def of(
        turn: int,
        head_sha: str,
        tests: Iterable[TestResult],
        reasons: tuple[Finding, ...],
        passing: Collection[str],
    ) -> Standing:
        """Return how things stand; only tests that pass on the base count."""
        green = frozenset(test.id for test in tests if test.outcome == PASSED) & frozenset(passing)
        return Standing(turn, head_sha, green, reasons)


def lost_tests(before: Standing, tests: Iterable[TestResult]) -> tuple[TestResult, ...]:
    """Return the tests that were green before and are red now; one in a file that broke as a whole is red."""
    now = tuple(tests)
    reds = red(now)
    lost = {name for name in before.green if name in reds or name.split("::", 1)[0] in reds}
    told = {test.id: test for test in now}
    return tuple(told.get(name) or told[name.split("::", 1)[0]] for name in sorted(lost))


def undone(turn: int, kept: Standing, lost: Collection[TestResult]) -> Finding:
    """Say to the agent what was taken back and why."""
    shown = [f"{test.id} ({' '.join(test.message.split())[:_MESSAGE_CHARS_MAX]})" for test in lost][
        :_SHOWN_MAX
    ]
    more = f" and {len(lost) - _SHOWN_MAX} more" if len(lost) > _SHOWN_MAX else ""
    return failed(
        "undone",
        f"Try {turn} turned {len(lost)} existing test(s) red that were green before it, so it was taken back: "
        f"the files are those of try {kept.turn} again. Broken were {', '.join(shown)}{more}. "
        "Cure what is said below in a way that leaves them green.",
        examined=len(lost),
    )
