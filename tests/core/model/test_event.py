"""The chain makes every edit of the audit trail visible."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.event import GENESIS, Event, EventKind, Link, chain, verify_chain

AT = datetime(2026, 1, 1, tzinfo=UTC)
plain = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans(), max_size=3)
events = st.builds(
    Event,
    kind=st.sampled_from(list(EventKind)),
    at=st.datetimes(timezones=st.just(UTC)),
    task=st.text(max_size=5),
    actor=st.text(max_size=5),
    data=plain,
)


def linked(found: list[Event]) -> list[Link]:
    links, previous = [], GENESIS
    for number, event in enumerate(found, 1):
        link = Link(number, event, chain(previous, number, event), previous)
        links.append(link)
        previous = link.hash
    return links


@given(st.lists(events, max_size=6))
def test_an_untouched_chain_verifies(found: list[Event]) -> None:
    assert verify_chain(linked(found)) is None


@given(st.lists(events, min_size=1, max_size=6), st.data())
def test_any_edit_is_found_where_it_is(found: list[Event], data: st.DataObject) -> None:
    links = linked(found)
    at = data.draw(st.integers(0, len(links) - 1))
    edits = {
        "actor": replace(links[at], event=replace(links[at].event, actor=links[at].event.actor + "x")),
        "data": replace(
            links[at], event=replace(links[at].event, data={**links[at].event.data, "new key": 1})
        ),
        "hash": replace(links[at], hash="f" * 64),
        "previous": replace(links[at], previous="e" * 64),
        "sequence": replace(links[at], sequence=at + 9),
    }
    links[at] = edits[data.draw(st.sampled_from(sorted(edits)))]
    assert verify_chain(links) == at + 1


@given(st.lists(events, min_size=2, max_size=6), st.data())
def test_removing_or_swapping_is_found(found: list[Event], data: st.DataObject) -> None:
    links = linked(found)
    at = data.draw(st.integers(0, len(links) - 2))
    assert verify_chain([*links[:at], *links[at + 1 :]]) == at + 1
    swapped = [*links[:at], links[at + 1], links[at], *links[at + 2 :]]
    assert verify_chain(swapped) == at + 1


def test_a_tail_verifies_from_its_own_start() -> None:
    links = linked([Event(EventKind.TASK_CREATED, AT), Event(EventKind.TASK_CLOSED, AT)])
    assert verify_chain(links[1:], start=links[0].hash, first=2) is None
