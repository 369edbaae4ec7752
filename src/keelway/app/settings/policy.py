"""Find thresholds that say nothing: no number, an unknown word, a pattern that takes for ever."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from keelway.core.model.role import Stage
from keelway.core.policy import Policy
from keelway.core.policy.direction import Stricter, direction_of, thresholds
from keelway.core.rule.change.category import unknown_categories

PATTERN_CHARS_MAX = 200
STARS_MAX = 3
"""Stars in one segment of a pattern."""
DEEP_MAX = 2
"""``**`` in one pattern."""
SHOWN_MAX = 5

_RUNS = re.compile(r"\*+")
_POSITIVE = frozenset({"review.reminder_seconds", "staging.tick_seconds", "production.tick_seconds"})
"""Spans that something is repeated after."""


def policy_problems(policy: Policy) -> list[str]:
    """Return what is wrong with a policy, one clause each, empty when it can be used."""
    found = [problem for key, value in thresholds(policy) for problem in _problems(key, value)]
    found += [
        f"policy.category names {name!r}, which is no category"
        for name in unknown_categories(policy.category)
    ]
    stages = {stage.value for stage in Stage}
    found += [
        f"policy.review.approve_stages names {name!r}, which is no stage"
        for name in policy.review.approve_stages
        if name not in stages
    ]
    return found


def _problems(key: str, value: Any) -> Iterator[str]:
    direction = direction_of(key)
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        if not math.isfinite(value) or value < 0 or (value == 0 and key in _POSITIVE):
            yield f"policy.{key} is {value}; it has to be a number {'above 0' if key in _POSITIVE else 'of 0 or more'}"
    elif direction.stricter is Stricter.EARLIER:
        if value not in direction.order:
            yield f"policy.{key} is {value!r}; it can be {', '.join(map(str, direction.order))}"
    elif not isinstance(value, str):
        yield from _patterns(key, value)


def _patterns(key: str, value: Any) -> Iterator[str]:
    """Look at every text of a list, or of the lists of a table."""
    lists = value.values() if isinstance(value, dict) else (value,)
    bad = [text for texts in lists for text in texts if not text.strip() or _is_wild(text)]
    for text in bad[:SHOWN_MAX]:
        yield f"policy.{key} holds {text[:PATTERN_CHARS_MAX]!r}, which is empty, too long or has too many stars"


def _is_wild(text: str) -> bool:
    runs = _RUNS.findall(text)
    deep = sum(len(run) > 1 for run in runs)
    stars = max(len(_RUNS.findall(segment)) for segment in text.split("/"))
    return len(text) > PATTERN_CHARS_MAX or deep > DEEP_MAX or stars > STARS_MAX
