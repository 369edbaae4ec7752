"""No line that an agent can write makes the rules read for long."""

from __future__ import annotations

import time

import pytest
from tests.core.rule.change.patches import asked, patch

from keelway.core.model.plan import Plan
from keelway.core.policy import CategoryPolicy
from keelway.core.rule.change.category import diff_categories
from keelway.core.rule.change.judge import judge_change

LINES, SECONDS_MAX = 60, 3.0
PLAN = Plan("A title", "An approach")


@pytest.mark.parametrize(
    "piece",
    [
        "a", "a.", "a_", "(", " ", "catch(", "role ", "is_", "@a.", "log", "except ", "\\", "a: ", "status ", "a->", "if ",
        "return  ", "error", "error.labels(", "sample", "a, ", "public a ", "raise a.", "def ", "func (", "'/a", "path('",
    ],
)  # fmt: skip
def test_hostile_lines_cost_little(piece: str) -> None:
    line = (piece * 1_000)[:1_000]
    text = "\n".join(f"{sign}{line}" for _ in range(LINES // 2) for sign in "+-")
    diff = patch(text)
    began = time.process_time()
    judge_change(diff)
    diff_categories(diff, PLAN, CategoryPolicy())
    assert time.process_time() - began < SECONDS_MAX


def test_more_code_than_is_read_asks_a_person() -> None:
    long = "\n".join(f"+x{number} = '{'words ' * 20}'" for number in range(3_000))
    assert asked(patch(long)) == {"change_unread"}
    assert asked(patch(long, "docs/long.md")) == set()


def test_an_idiom_behind_a_wide_margin_is_read() -> None:
    assert asked(patch("+" + " " * 3_000 + "with suppress(Exception):")) == {"error_swallowed"}
