from datetime import datetime

import pytest

from keelway.core.measure.health import Health, ProbeTick, by_probe, health, health_of, worst_run


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ("", Health.UNKNOWN),
        ("+", Health.UNSURE),
        ("++", Health.HEALTHY),
        ("-++", Health.HEALTHY),
        ("+-+", Health.UNSURE),
        ("+--", Health.UNSURE),
        ("--", Health.UNSURE),
        ("---", Health.FAILING),
        ("+++---", Health.FAILING),
        ("+-+-++", Health.FLAPPING),
        ("+-+-+---", Health.FAILING),
        ("+-+-" + "+" * 10, Health.HEALTHY),
    ],
)
def test_answers_to_health(answers, expected):
    assert health_of([answer == "+" for answer in answers], 3) is expected


def test_a_release_is_as_healthy_as_its_worst_probe(probes):
    assert health(probes("++") + probes("+-+", "database"), 3) is Health.UNSURE
    assert health(probes("++") + probes("---", "queue"), 3) is Health.FAILING
    assert health(probes("++") + probes("++", "queue"), 3) is Health.HEALTHY
    assert health([], 3) is Health.UNKNOWN


def test_answers_are_read_in_time_order(probes):
    row = probes("+--")
    assert by_probe(row[::-1]) == {"health": (True, False, False)}


@pytest.mark.parametrize(("answers", "run"), [("", 0), ("+++", 0), ("-+--+-", 2), ("---", 3)])
def test_the_longest_row_of_failures(answers, run):
    assert worst_run([answer == "+" for answer in answers]) == run


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="aware"):
        ProbeTick(datetime(2030, 1, 1), healthy=True)  # noqa: DTZ001 - the refused case
