"""Effects that were cut off are found in the audit trail."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.event import Event, EventKind
from keelway.core.release.leftover import LostMerge, lost_merges, open_effects

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
INTENDED, DONE, FAILED = EventKind.EFFECT_INTENDED, EventKind.EFFECT_DONE, EventKind.EFFECT_FAILED


def happened(kind: EventKind, effect: str, stage: str = "review", attempt: int = 1, **data: object) -> Event:
    return Event(kind, NOW, "t", stage, attempt, data={"effect": effect, **data})


names = st.lists(st.sampled_from(["build", "start", "switch"]), max_size=6, unique=True)


@given(names, names, st.sampled_from([DONE, FAILED]))
def test_what_was_begun_and_has_not_ended_is_open(begun, ended, how):
    events = [*(happened(INTENDED, name) for name in begun), *(happened(how, name) for name in ended)]
    assert set(open_effects(events)) == set(begun) - set(ended)


def test_another_attempt_does_not_end_it_and_ways_back_do_not_count():
    events = [happened(INTENDED, "build", attempt=2), happened(DONE, "build", attempt=1)]
    assert open_effects(events) == ("build",)
    told = [happened(INTENDED, "build"), happened(EventKind.PERSON_TOLD, "build")]
    assert open_effects(told) == ("build",), "only an end of the effect ends it"
    assert open_effects([happened(INTENDED, "switch", "unwind"), happened(INTENDED, "x", "rollback")]) == ()


def test_a_merge_that_nobody_noted_is_lost_with_its_pull_request():
    opened = happened(DONE, "open promotion", "production", number=7)
    begun = happened(INTENDED, "promote", "production")
    noted = Event(EventKind.MERGED, NOW, "t", "production", 1, data={"sha": "a"})
    assert lost_merges([opened, begun]) == (LostMerge("production", 1, 7),)
    assert lost_merges([opened, begun, happened(DONE, "promote", "production")]) == (
        LostMerge("production", 1, 7),
    )
    assert lost_merges([opened, begun, noted]) == ()
    assert lost_merges([opened]) == ()
    assert lost_merges([happened(INTENDED, "merge")]) == (LostMerge("review", 1, 0),)
