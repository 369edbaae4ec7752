"""What a stage used is read from the audit trail: restarts, waits and other stages change nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.event import Event, EventKind
from keelway.core.rule.account import Account, account_of
from keelway.core.rule.budget import Spent

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
ends = st.sampled_from(["faulted", "held", "rework", "passed"])
lives = st.lists(
    st.tuples(ends, st.integers(0, 900), st.floats(0, 2), st.booleans(), st.integers(0, 50)), max_size=8
)


def events_of(life: list[tuple[str, int, float, bool, int]], stage: str = "review") -> list[Event]:
    """Write down a life: how each entry ended, how long it took, what it cost, whether it was taken up again."""
    events, at = [], NOW
    for attempt, (end, seconds, cost, again, held) in enumerate(life, 1):
        started = Event(EventKind.STAGE_STARTED, at, "t", stage, attempt, data={"status": "running"})
        events += [started, *([started] if again else [])]
        at += timedelta(seconds=seconds)
        events.append(Event(EventKind.AGENT_FINISHED, at, "t", stage, attempt, data={"cost_usd": cost}))
        data = {"end": end, "code": "net", "message": "no net", "held_seconds": float(min(held, seconds))}
        events.append(Event(EventKind.STAGE_FINISHED, at, "t", stage, attempt, data=data))
        events.append(Event(EventKind.STAGE_FINISHED, at, "t", stage, attempt, data={"output": data}))
        at += timedelta(hours=1)
    return events


def sum_up(events: list[Event], attempt: int) -> Account:
    return account_of(events, "review", attempt, NOW, hotfix=False)


@given(lives)
def test_time_and_money_add_up_and_waits_are_not_spent(life):
    account = sum_up(events_of(life), len(life) + 1)
    assert round(account.spent.seconds, 6) == sum(s - min(h, s) for _, s, _, _, h in life)
    assert abs(account.spent.cost_usd - sum(cost for _, _, cost, _, _ in life)) < 1e-9


@given(lives)
def test_only_the_faults_right_before_count_as_tries(life):
    tail = 0
    for end, *_ in reversed(life):
        if end != "faulted":
            break
        tail += 1
    account = sum_up(events_of(life), len(life) + 1)
    assert account.spent.attempts == tail
    assert (account.code, account.message) == (("net", "no net") if tail else ("", ""))


@given(lives, lives)
def test_more_life_never_costs_less(life, more):
    before = sum_up(events_of(life), len(life) + 1).spent
    after = sum_up(events_of(life + more), len(life + more) + 1).spent
    assert after.seconds >= before.seconds
    assert after.cost_usd >= before.cost_usd - 1e-9


@given(lives, lives)
def test_other_stages_are_not_counted(life, other):
    account = sum_up(events_of(life) + events_of(other, "staging"), len(life) + 1)
    assert account == sum_up(events_of(life), len(life) + 1)


@given(lives, st.sampled_from([EventKind.MERGED, EventKind.ROLLBACK_STARTED]))
def test_what_others_can_see_is_final(life, kind):
    events = [*events_of(life), Event(kind, NOW, "t", "review", 1)]
    assert sum_up(events, len(life) + 1).final
    assert not sum_up(events_of(life), len(life) + 1).final


def test_a_restart_does_not_move_the_beginning():
    began = Event(EventKind.STAGE_STARTED, NOW - timedelta(hours=2), "t", "review", 1)
    assert sum_up([began], 1) == Account(NOW - timedelta(hours=2), Spent())


def test_what_a_stage_knew_when_money_held_it_up_is_there_until_an_agent_works_again():
    known = {"turns": 2, "remarks": ["lint"]}
    held = Event(EventKind.BUDGET_SPENT, NOW, "t", "review", 1, data={"left": known})
    ended = Event(EventKind.STAGE_FINISHED, NOW, "t", "review", 1, data={"end": "held"})
    assert sum_up([held, ended], 2).left == known
    faulted = Event(EventKind.STAGE_FINISHED, NOW, "t", "review", 2, data={"end": "faulted"})
    assert sum_up([held, ended, faulted], 3).left == known, "a fault on the way forgets nothing"
    worked = Event(EventKind.AGENT_FINISHED, NOW, "t", "review", 2, data={"cost_usd": 1.0})
    assert sum_up([held, ended, worked], 3).left is None
    elsewhere = Event(EventKind.BUDGET_SPENT, NOW, "t", "planning", 1, data={"left": known})
    assert sum_up([elsewhere], 2).left is None
