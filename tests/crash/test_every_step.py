"""Act b: a feature with a migration goes live, whichever durable step the process dies at."""

from __future__ import annotations

import pytest
from tests.crash.life import lived
from tests.crash.sweep import CHUNKS, SHARES, every_step, sweep

from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.testing.fakes.channel import FakeNotifier

pytestmark = pytest.mark.long


def test_nobody_kills_act_b(tmp_path):
    with lived("b", tmp_path / "life") as life:
        life.end()
        row = life.ledger.find(life.task)
        assert (row.status, row.iterations) == (Status.DEPLOYED, 2)
        assert [life.target.places[name].schema for name in (STAGING, PRODUCTION)] == [2, 2]
        assert [message.subject.split(":")[0] for message in life.notifier.messages] == [
            "plan",
            "merge",
            "T-1 is live",
        ]
        assert [run.name for run in life.journal.runs.values()].count("watch") == 2, "one story, one look"
        assert life.engine.steps() > 250


@pytest.mark.slow
@pytest.mark.parametrize(("chunk", "moment"), SHARES)
def test_act_b_ends_the_same_wherever_it_is_killed(chunk, moment, tmp_path):
    found = sweep("b", every_step(chunk, moment), tmp_path)
    assert found.steps > 250, "the act that nobody killed did not get through"
    assert len(found.ends) == len([step for step in range(1, found.steps + 1) if step % CHUNKS == chunk])
    assert found.wrong == {}


class Forgetful(FakeNotifier):
    """Tell everything again, as a channel without keys would."""

    def tell(self, message, *, key):
        self.messages.append(message)


def test_the_comparison_sees_a_message_that_is_told_twice(tmp_path):
    def forget(life):
        life.app.doors.notifier._inner.__class__ = Forgetful

    def last_words(step, when):
        return [None] if when == "after" and step > 255 and step % 2 == 1 else []

    found = sweep("b", last_words, tmp_path, forget)
    assert {"messages", "effects"} in [set(wrong) for wrong in found.wrong.values()]
