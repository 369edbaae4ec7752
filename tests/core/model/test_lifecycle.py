"""The table of transitions is total, every status is reachable, final ones are final."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.errors import OurFault
from keelway.core.model.lifecycle import CLOSED, FINAL, START, TRANSITIONS, Status, advance

statuses = st.sampled_from(list(Status))


def test_every_status_has_a_row() -> None:
    assert set(TRANSITIONS) == set(Status)


def test_every_status_is_reachable() -> None:
    seen, waiting = set(), [START]
    while waiting:
        status = waiting.pop()
        if status not in seen:
            seen.add(status)
            waiting.extend(TRANSITIONS[status])
    assert seen == set(Status)


def test_every_open_status_can_end() -> None:
    assert {Status.FAILED, Status.ROLLED_BACK, Status.ABORTED} == FINAL
    assert FINAL | {Status.DEPLOYED} == CLOSED
    for status in set(Status) - CLOSED:
        assert {Status.FAILED, Status.ABORTED} <= TRANSITIONS[status]


@given(statuses, statuses)
def test_advance_follows_the_table_and_nothing_else(current: Status, target: Status) -> None:
    if target is current or target in TRANSITIONS[current]:
        assert advance(current, target) is target
    else:
        with pytest.raises(OurFault, match="illegal_transition"):
            advance(current, target)
