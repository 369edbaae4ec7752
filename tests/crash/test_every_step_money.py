"""Act m: a cap on money bites, a person allows more, and it goes live, whichever durable step the process dies at."""

from __future__ import annotations

import pytest
from tests.crash.life import lived
from tests.crash.sweep import CHUNKS, LONG_SHARES, every_step, sweep

from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status

pytestmark = pytest.mark.long


def test_nobody_kills_act_m(tmp_path):
    with lived("m", tmp_path / "life") as life:
        life.end()
        row = life.ledger.find(life.task)
        assert (row.status, row.iterations, row.cost_usd) == (Status.DEPLOYED, 2, 1.75)
        asked = [each.binding.action for each in life.ledger.questions(open_only=False)]
        assert asked == ["spend"]
        assert [message.subject.split(":")[0] for message in life.notifier.messages] == [
            "spend",
            "T-1 is live",
        ]
        kinds = [link.event.kind for link in life.ledger.events(limit=100_000)]
        assert kinds.count(EventKind.BUDGET_RAISED) == 1
        assert kinds.count(EventKind.USAGE_BOOKED) == 3


@pytest.mark.slow
@pytest.mark.parametrize(("chunk", "moment"), LONG_SHARES)
def test_act_m_ends_the_same_wherever_it_is_killed(chunk, moment, tmp_path):
    found = sweep("m", every_step(chunk, moment), tmp_path)
    assert found.steps > 200, "the act that nobody killed did not get through"
    assert len(found.ends) == len([step for step in range(1, found.steps + 1) if step % CHUNKS == chunk])
    assert found.wrong == {}
