from datetime import UTC, datetime, timedelta

import pytest

from keelway.core.measure.metrics import AlertLimits, DeploymentFact, Metrics, Outcome, alerts, summarise

AT = datetime(2030, 1, 1, tzinfo=UTC)


def fact(outcome, seconds=60, lead=None, restore=None):
    end = AT + timedelta(seconds=seconds)
    asked = None if lead is None else end - timedelta(seconds=lead)
    good = None if restore is None else end + timedelta(seconds=restore)
    return DeploymentFact(AT, end, outcome, asked, None if restore is None else end, good)


def test_figures_by_hand():
    facts = [
        fact(Outcome.DEPLOYED, 60, lead=600),
        fact(Outcome.DEPLOYED, 120, lead=1200),
        fact(Outcome.ROLLED_BACK, 30, lead=9999, restore=40),
        fact(Outcome.FAILED, 30, restore=20),
    ]
    assert summarise(facts) == Metrics(4, 0.5, 0.25, 60.0, 120.0, 900.0, 30.0)


def test_nothing_measured_is_none_and_alarms_nobody():
    metrics = summarise([])
    assert metrics == Metrics(0, None, None, None, None, None, None)
    assert alerts(metrics, AlertLimits()) == ()


def test_each_limit_alerts_on_its_own():
    good = summarise([fact(Outcome.DEPLOYED, 300)] * 9 + [fact(Outcome.ROLLED_BACK)])
    assert alerts(good, AlertLimits()) == ()
    assert "80% of deployments succeeded" in alerts(Metrics(10, 0.8, 0.0, 1, 1, 1, 1), AlertLimits())[0]
    assert (
        "11% of deployments were rolled back" in alerts(Metrics(10, 0.95, 0.11, 1, 1, 1, 1), AlertLimits())[0]
    )
    assert "took 301 s" in alerts(Metrics(10, 0.95, 0.1, 1, 301, 1, 1), AlertLimits())[0]


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
