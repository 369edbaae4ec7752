"""Users who are turned away, where the release before served them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.core.observe.make import PAST, SETTINGS, look, story

from keelway.core.measure.verdict import Code, Decision
from keelway.core.observe.release import judge_release
from keelway.core.observe.sight import Answers
from keelway.core.observe.turned_away import turned_away

BEFORE = Answers(3_600, 3_500, 20, 60)


@pytest.mark.parametrize(
    ("before", "after", "least", "most"),
    [
        pytest.param(BEFORE, Answers(60, 0, 0, 60), 0.8, 1.0, id="all refused"),
        pytest.param(BEFORE, Answers(60, 0, 60, 0), 0.8, 1.0, id="all sent in a circle"),
        pytest.param(BEFORE, Answers(600, 420, 0, 180), 0.1, 0.3, id="three of ten refused"),
        pytest.param(BEFORE, Answers(600, 590, 4, 6), 0.0, 0.0, id="as before"),
        pytest.param(BEFORE, Answers(3, 0, 0, 3), 0.0, 0.1, id="three requests prove little"),
        pytest.param(BEFORE, Answers(), 0.0, 0.0, id="nobody asked"),
        pytest.param(Answers(), Answers(60, 0, 0, 60), 0.0, 0.0, id="nothing is known of before"),
        pytest.param(BEFORE, Answers(60, 0, 0, 0), 0.0, 0.0, id="errors are counted elsewhere"),
        pytest.param(Answers(400, 100), Answers(400, 100, 0, 300), 0.0, 0.0, id="refused what failed before"),
    ],
)
def test_the_share_that_grew(before, after, least, most):
    assert least <= turned_away(before, after) <= most


def looks(count, refused_each, requests_each=100):
    return [
        look(
            10 * number,
            answers=Answers(
                900 + requests_each * number,
                900 + (requests_each - refused_each) * number,
                0,
                refused_each * number,
            ),
        )
        for number in range(1, count + 1)
    ]


PAST_ANSWERED = replace(PAST, answers=BEFORE, own_answers=Answers(900, 900))


def test_most_users_refused_rolls_back_although_nothing_failed():
    judgement = judge_release(story(looks(1, 95), past=PAST_ANSWERED), SETTINGS)
    assert judgement.decision is Decision.ROLLBACK
    assert [reason.code for reason in judgement.reasons] == [Code.TURNED_AWAY]
    assert judgement.reasons[0].sentence == (
        "Users are turned away: of 100 requests 0 were sent elsewhere (3xx) and 95 refused (4xx), "
        "before it were 20 and 60 of 3600."
    )


def test_a_looser_bound_leaves_it_to_a_person():
    loose = replace(story(looks(93, 95), past=PAST_ANSWERED), turned_away_share_max=1.0)
    judgement = judge_release(loose, SETTINGS)
    assert judgement.decision is Decision.INCONCLUSIVE
    assert judgement.reasons[0].code is Code.TURNED_AWAY


@pytest.mark.parametrize(("refused", "decision"), [(2, Decision.PASS), (30, Decision.INCONCLUSIVE)])
def test_some_more_refused_is_for_a_person_to_judge(refused, decision):
    judgement = judge_release(story(looks(93, refused), past=PAST_ANSWERED), SETTINGS)
    assert judgement.decision is decision


def test_where_nobody_tells_what_was_answered_nothing_is_said():
    judgement = judge_release(
        story([look(10 * number) for number in range(1, 94)], past=PAST_ANSWERED), SETTINGS
    )
    assert judgement.decision is Decision.PASS


def test_counters_that_began_anew_are_taken_as_they_are():
    assert Answers(10, 8, 1, 1).since(Answers(900, 900)) == Answers(10, 8, 1, 1)
    assert Answers(910, 905, 2, 3).since(Answers(900, 900, 1)) == Answers(10, 5, 1, 3)
