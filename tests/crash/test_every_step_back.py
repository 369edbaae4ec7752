"""Act c: a release that fails under traffic is taken back, whichever durable step the process dies at."""

from __future__ import annotations

import random

import pytest
from tests.crash.life import lived
from tests.crash.sweep import CHUNKS, SHARES, every_step, sweep

from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.engine.journal import CrashAt

pytestmark = pytest.mark.long

PAIRS = {"b": 20, "c": 20}
BACK_PAIRS = 10
"""Pairs whose first kill falls into the recovery of act c."""


def test_nobody_kills_act_c(tmp_path):
    with lived("c", tmp_path / "life") as life:
        before = life.target.places[PRODUCTION].active
        life.end()
        assert life.ledger.find(life.task).status is Status.ROLLED_BACK
        assert life.target.places[PRODUCTION].active == before
        assert life.tree("main") == life.tree("develop")
        assert "two.py" not in life.tree("main")
        assert all(entry.revert_sha for entry in life.ledger.quarantined())
        assert len(life.ledger.quarantined()) == 2
        assert [message.subject for message in life.notifier.messages] == ["T-1 rolled back"]


@pytest.mark.slow
@pytest.mark.parametrize(("chunk", "moment"), SHARES)
def test_act_c_ends_the_same_wherever_it_is_killed(chunk, moment, tmp_path):
    found = sweep("c", every_step(chunk, moment), tmp_path)
    assert found.steps > 200, "the act that nobody killed did not get through"
    assert len(found.ends) == len([step for step in range(1, found.steps + 1) if step % CHUNKS == chunk])
    assert found.wrong == {}


def pairs(act: str, steps: int, from_step: int, count: int) -> dict[tuple[int, str], list[CrashAt]]:
    """Draw points of a first kill with the step of the successor at which it is killed again."""
    dice = random.Random(f"{act} {from_step}")
    drawn: dict[tuple[int, str], list[CrashAt]] = {}
    for _ in range(count):
        first = dice.randint(from_step, steps - 2)
        second = CrashAt(dice.randint(1, steps - first - 1), dice.choice(("before", "after")))
        drawn.setdefault((first, dice.choice(("before", "after"))), []).append(second)
    return drawn


@pytest.mark.soak
@pytest.mark.parametrize(
    ("act", "share", "count"), [("b", 0.0, PAIRS["b"]), ("c", 0.0, PAIRS["c"]), ("c", 0.8, BACK_PAIRS)]
)
def test_two_kills_in_a_row_end_the_same(act, share, count, tmp_path):
    first = sweep(act, lambda _step, _when: [], tmp_path / "counted").steps
    assert first > 200
    drawn = pairs(act, first, max(1, round(first * share)), count)
    found = sweep(act, lambda step, when: drawn.get((step, when), []), tmp_path / "killed")
    assert found.second_kills == len(found.ends) == count
    assert found.wrong == {}
