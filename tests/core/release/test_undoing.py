"""One feature is taken back by a task of its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keelway.core.model.diff import Diff, FileDelta
from keelway.core.model.plan import Kind
from keelway.core.model.task import OWNER
from keelway.core.release.undoing import undoing_plan, undoing_request, undone_task

AT = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("recipe", "task"),
    [
        ("revert-T-5", "T-5"),
        ("revert-T-", ""),
        ("revert-T-5x", ""),
        ("revert-T-\u0665", ""),
        ("ruff-fix", ""),
        ("", ""),
        ("5", ""),
    ],
)
def test_which_task_a_recipe_undoes(recipe: str, task: str) -> None:
    assert undone_task(recipe) == task


def test_the_request_takes_the_fast_lane() -> None:
    request = undoing_request("T-5", "Answer with two", "users complain", OWNER, AT)
    assert (request.hotfix, undone_task(request.recipe), request.severity.value) == (True, "T-5", "high")
    assert request.text == "Take T-5 back, and nothing else: Answer with two. Reason: users complain"
    assert "Reason" not in undoing_request("T-5", "Answer with two", "", OWNER, AT).text


def test_the_tests_of_a_feature_go_away_only_by_a_grant() -> None:
    diff = Diff(
        "a" * 40,
        "b" * 40,
        (
            FileDelta("two.py", "D", removed=3),
            FileDelta("app.py", "M", added=1, removed=1),
            FileDelta("tests/test_two.py", "D", removed=5),
            FileDelta("old.py", "A", added=2),
            FileDelta("pytest.ini", "M", added=1),
        ),
    )
    plan = undoing_plan("T-5", "Answer with two", diff)
    assert plan.kind is Kind.MAINTENANCE
    assert plan.title == 'Revert "Answer with two" (T-5)'
    assert (plan.create, plan.modify) == (("old.py",), ("app.py", "pytest.ini"))
    assert plan.delete == ("tests/test_two.py", "two.py")
    assert plan.test_grants == ("pytest.ini", "tests/test_two.py")
