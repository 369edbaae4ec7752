"""The arithmetic of bounds: what is held back, what runs, what has ended and what the book knows already."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from keelway.clients.gateway.meter import Meter
from keelway.clients.gateway.values import Allowance, Grant


def _account(meter: Meter, task: str = "T-1", **bounds):
    return meter.account(Grant(task, "dev", 1, "a", "openai", **bounds))


def test_what_is_held_back_leaves_no_room_but_spends_nothing() -> None:
    account = _account(Meter(), cost_usd_max=1.0)
    claim = account.claim(1.0, 10)
    assert (account.spent(), account.room()) == ("", False)
    account.settle(claim, 0.2, (5, 5, 0))
    assert (account.spent(), account.room(), account.metered.cost_usd) == ("", True, 0.2)
    account.settle(account.claim(0.1, 1), 0.8, (5, 5, 0))
    assert account.spent() == "cost"


def test_a_claim_counts_once() -> None:
    account = _account(Meter(), cost_usd_max=1.0)
    claim = account.claim(0.5, 10)
    claim.settle(0.4, 4)
    claim.settle(0.4, 4)
    assert account.money[0].finished == 0.4


def test_what_runs_past_a_bound_names_it() -> None:
    account = _account(Meter(), cost_usd_max=1.0, tokens_max=100)
    claim = account.claim(0.1, 10)
    assert claim.follow(0.5, 50, 40) == ""
    assert claim.follow(0.6, 50, 51) == "tokens"
    assert claim.follow(1.1, 50, 51) == "cost"
    assert account.look().cost_usd == 1.1


def test_two_passes_share_the_day() -> None:
    meter = Meter()
    one, two = _account(meter, "T-1"), _account(meter, "T-2")
    one.read(Allowance(day_usd=1.0), one.marks())
    claim, other = one.claim(0.1, 1), two.claim(0.1, 1)
    assert claim.follow(0.7, 1, 1) == ""
    assert other.follow(0.7, 1, 1) == "day"
    one.settle(claim, 1.0, (1, 1, 0))
    assert two.spent() == "day"


def test_what_was_read_before_a_booking_counts_it_and_what_was_read_after_does_not() -> None:
    meter = Meter()
    account = _account(meter)
    before = account.marks()
    account.settle(account.claim(0.1, 1), 0.4, (1, 1, 0))
    account.read(Allowance(day_usd=1.0), before)
    assert account.money[2].rest == 0.6
    meter.booked("T-1", 0.4)
    account.read(Allowance(day_usd=0.6), account.marks())
    assert account.money[2].rest == 0.6


def test_no_number_is_no_permission() -> None:
    account = _account(Meter())
    account.read(Allowance(project_usd=math.nan), account.marks())
    assert account.spent() == "project"


def test_a_task_is_forgotten_once_everything_is_booked() -> None:
    meter = Meter()
    account = _account(meter)
    account.settle(account.claim(0.1, 1), 0.4, (1, 1, 0))
    meter.leave("T-1")
    assert _account(meter).money[1] is account.money[1]
    meter.booked("T-1", 0.4)
    meter.leave("T-1")
    assert _account(meter).money[1] is not account.money[1]


@given(
    st.lists(
        st.tuples(
            st.floats(0, 2),
            st.integers(0, 100),
            st.lists(st.floats(0, 3), max_size=4),
            st.floats(0, 3),
            st.booleans(),
        ),
        max_size=15,
    )
)
def test_nothing_stays_held_back_when_nothing_runs(requests) -> None:
    meter = Meter()
    account = _account(meter, cost_usd_max=10.0, tokens_max=1_000)
    open_claims, total = [], 0.0
    for held, tokens, steps, end, now in requests:
        claim = account.claim(held, tokens)
        for usd in steps:
            claim.follow(usd, tokens, int(usd))
        open_claims.append((claim, end))
        if now:
            oldest, used = open_claims.pop(0)
            account.settle(oldest, used, (1, 2, 0))
            total += used
    for claim, end in open_claims:
        account.settle(claim, end, (1, 2, 0))
        total += end
    for purse in (*account.money, account.tokens):
        assert abs(purse.claimed) < 1e-6
        assert abs(purse.running) < 1e-6
    assert abs(account.money[0].finished - total) < 1e-6
    assert account.tokens.finished == 3 * len(requests)
    assert account.look() == account.metered
