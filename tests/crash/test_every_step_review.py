"""Act r: a reviewer blocks once, then comments, and it goes live, whichever durable step the process dies at."""

from __future__ import annotations

import pytest
from tests.crash.life import lived
from tests.crash.sweep import CHUNKS, LONG_SHARES, every_step, sweep

from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status


def test_nobody_kills_act_r(tmp_path):
    with lived("r", tmp_path / "life") as life:
        life.end()
        row = life.ledger.find(life.task)
        assert (row.status, row.iterations) == (Status.DEPLOYED, 2)
        kinds = [link.event.kind for link in life.ledger.events(limit=100_000)]
        assert kinds.count(EventKind.REVIEWED) == 2
        assert [order.role for order in life.agent.seen] == ["plan", "dev", "review", "dev", "review"]
        assert sum("reviewer role" in text for text in life.forge.book.comments(row.pull_request)) == 2


@pytest.mark.slow
@pytest.mark.parametrize(("chunk", "moment"), LONG_SHARES)
def test_act_r_ends_the_same_wherever_it_is_killed(chunk, moment, tmp_path):
    found = sweep("r", every_step(chunk, moment), tmp_path)
    assert found.steps > 200, "the act that nobody killed did not get through"
    assert len(found.ends) == len([step for step in range(1, found.steps + 1) if step % CHUNKS == chunk])
    assert found.wrong == {}
