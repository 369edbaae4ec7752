from datetime import UTC, datetime, timedelta

import pytest

from keelway.core.delivery.dora import Dora, dora
from keelway.core.delivery.metrics import DeploymentFact, Metrics, Outcome, summarise
from keelway.core.delivery.target import alarms, goals
from keelway.core.policy import AlertPolicy

AT = datetime(2030, 1, 1, tzinfo=UTC)
POLICY = AlertPolicy()


def fact(outcome, seconds=60, lead=None, restore=None, **more):
    end = AT + timedelta(seconds=seconds)
    asked = None if lead is None else end - timedelta(seconds=lead)
    good = None if restore is None else end + timedelta(seconds=restore)
    return DeploymentFact(AT, end, outcome, asked, None if restore is None else end, good, **more)


FACTS = [
    fact(Outcome.DEPLOYED, 60, lead=600, build_seconds=20.0, verify_seconds=900.0),
    fact(Outcome.DEPLOYED, 120, lead=1200, build_seconds=40.0, unplanned=True),
    fact(Outcome.ROLLED_BACK, 30, lead=9999, restore=40),
    fact(Outcome.FAILED, 30, restore=20, served=False),
]


def test_figures_by_hand():
    assert summarise(FACTS) == Metrics(4, 0.5, 0.25, 60.0, 120.0, 900.0, 30.0, 30.0, 900.0)


def test_the_five_figures_of_dora_by_hand():
    assert dora(FACTS, 30) == Dora(0.1, 900.0, 1 / 3, 40.0, 1 / 3)
    assert dora([], 0) == Dora(None, None, None, None, None)


def test_nothing_measured_is_none_and_alarms_nobody():
    metrics = summarise([])
    assert metrics == Metrics(0, None, None, None, None, None, None)
    assert alarms([], metrics, POLICY) == ()
    assert {goal.met for goal in goals(metrics, POLICY)} == {None}


def test_each_limit_alerts_on_its_own():
    good = [fact(Outcome.DEPLOYED, 300)] * 9 + [fact(Outcome.ROLLED_BACK)]
    assert alarms(good, summarise(good), POLICY) == ()

    def codes(*, success=1.0, back=0.0, count=10):
        return [each.code for each in alarms([], Metrics(count, success, back, 1, 1, 1, 1), POLICY)]

    assert codes(success=0.8) == ["success_rate"]
    assert codes(back=0.11) == ["rollback_rate"]
    assert codes(success=0.1, back=0.9, count=4) == []
    (slow,) = alarms([fact(Outcome.DEPLOYED, 301)], summarise([fact(Outcome.DEPLOYED, 301)]), POLICY)
    assert slow.code == "deploy_seconds"
    assert "took 5 min 1 s" in slow.message


@pytest.mark.parametrize(
    ("before", "after", "errors", "alarmed"),
    [(0.01, 0.016, 10, True), (0.01, 0.015, 10, False), (0.01, 0.5, 9, False), (None, 0.5, 99, False)],
)
def test_more_errors_with_the_last_deployment_alarm(before, after, errors, alarmed):
    facts = [fact(Outcome.DEPLOYED, rate_before=before, rate_after=after)]
    found = alarms(facts, summarise(facts), POLICY, errors)
    assert [each.code for each in found] == (["error_rate"] if alarmed else [])


def test_targets_are_met_or_missed():
    by_name = {goal.name: goal for goal in goals(summarise(FACTS), POLICY)}
    assert by_name["success rate"].met is False
    assert by_name["rollback rate"].met is False
    assert by_name["mean deployment time"].met is True
    assert by_name["mean verification time"].met is True
    assert "at least 95% is aimed at" in by_name["success rate"].sentence


@pytest.mark.parametrize(
    "times",
    [
        {"finished_at": AT - timedelta(seconds=1)},
        {"broken_at": AT, "restored_at": AT - timedelta(seconds=1)},
        {"requested_at": AT + timedelta(seconds=1)},
    ],
)
def test_times_out_of_order_are_refused(times):
    fields = {"started_at": AT, "finished_at": AT, "outcome": Outcome.FAILED} | times
    with pytest.raises(ValueError, match="clocks"):
        DeploymentFact(**fields)
