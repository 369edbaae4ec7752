"""One judgement over everything that was seen of a release."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.core.observe.make import HISTORY, PAST, SETTINGS, at, counts, look, story, vitals

from keelway.core.measure.verdict import Code, Decision
from keelway.core.observe.release import judge_release
from keelway.core.observe.sight import Past, Sight


def codes(judgement):
    return [reason.code for reason in judgement.reasons]


def good(count=93, **more):
    return [look(10 * number, **more) for number in range(1, count + 1)]


def test_a_healthy_release_passes_after_it_settled_and_the_window():
    late = replace(SETTINGS, early_pass_share=1.0)
    assert judge_release(story(good(92)), late).decision is Decision.WATCH
    judgement = judge_release(story(good()), late)
    assert judgement.decision is Decision.PASS
    assert Code.RATIO_BOUNDED in codes(judgement)


def test_one_bad_route_is_seen_that_drowns_in_the_others():
    looks = good(6) + [look(60 + 10 * n, errors=2, pay=(10, 2)) for n in range(1, 8)]
    whole = judge_release(
        story([replace(each, sight=replace(each.sight, routes=())) for each in looks]), SETTINGS
    )
    assert whole.decision is Decision.WATCH
    judgement = judge_release(story(looks), SETTINGS)
    assert judgement.decision is Decision.ROLLBACK
    assert codes(judgement) == [Code.PART_WORSE]
    assert "the route /pay: 14 of 130 failed, before it were 36 of 3600" in judgement.reasons[0].sentence


def test_more_errors_everywhere_are_told_as_those_of_the_whole():
    judgement = judge_release(story(good(3, errors=20, pay=(10, 2))), SETTINGS)
    assert judgement.decision is Decision.ROLLBACK
    assert codes(judgement)[0] is Code.ERRORS_WORSE


def test_before_the_first_interval_ended_the_routes_tell_how_many_were_served():
    early = [replace(each, sight=replace(each.sight, ticks=())) for each in good(2, pay=(30, 30))]
    judgement = judge_release(story(early), SETTINGS)
    assert judgement.decision is Decision.ROLLBACK
    served = sum(route.requests for each in early for route in each.sight.routes)
    assert (judgement.requests, judgement.errors) == (served, 60)
    assert judgement.rate_after == 60 / served


def test_slowness_while_it_settles_is_not_held_against_it():
    slow_start = good(3, slow=90) + [look(10 * n) for n in range(4, 20)]
    assert judge_release(story(slow_start), SETTINGS).decision is Decision.WATCH
    at_once = judge_release(story(slow_start, stabilise=0.0), SETTINGS)
    assert at_once.decision is Decision.ROLLBACK
    assert codes(at_once) == [Code.LATENCY_WORSE]
    later = judge_release(story(good(3) + [look(10 * n, slow=90) for n in range(4, 9)]), SETTINGS)
    assert codes(later) == [Code.LATENCY_WORSE]


def test_errors_while_it_settles_are_harm_already():
    judgement = judge_release(story(good(2, errors=30)), SETTINGS)
    assert judgement.decision is Decision.ROLLBACK


def test_a_route_that_nobody_reaches_any_more_keeps_it_from_passing():
    looks = good(93, pay=(0, 0))
    judgement = judge_release(story(looks), SETTINGS)
    assert judgement.decision is Decision.INCONCLUSIVE
    assert codes(judgement)[0] is Code.VANISHED
    assert "/pay (0 requests, 930 were to be expected)" in judgement.reasons[0].sentence
    early = judge_release(story(looks[:40]), replace(SETTINGS, early_pass_share=0.1))
    assert early.decision is Decision.WATCH
    uncounted = [replace(each, sight=replace(each.sight, routes=())) for each in looks]
    assert judge_release(story(uncounted), SETTINGS).decision is Decision.PASS


def test_work_that_fails_more_often_than_before_rolls_back():
    def queue(failing):
        return [
            replace(each, totals={"jobs": counts(10_000 + 20 * n, 100 + (failing * n))})
            for n, each in enumerate(good(12))
        ]

    assert judge_release(story(queue(0)), SETTINGS).decision is Decision.WATCH
    judgement = judge_release(story(queue(8)), SETTINGS)
    assert judgement.decision is Decision.ROLLBACK
    assert "the work of jobs: 88 of 220 failed, before it were 100 of 10000" in judgement.reasons[0].sentence


def test_totals_that_began_anew_or_were_not_told_count_for_nothing():
    said = [counts(1000, 10), counts(1010, 10), None, counts(5, 4), counts(6, 3), counts(16, 3)]
    looks = [
        replace(each, totals={} if total is None else {"jobs": total})
        for each, total in zip(good(6), said, strict=True)
    ]
    assert judge_release(story(looks), SETTINGS).decision is Decision.WATCH
    late = [replace(looks[0], totals={}), *looks[1:]]
    assert judge_release(story(late), SETTINGS).decision is Decision.WATCH


def test_a_crash_loop_rolls_back_whatever_the_numbers_say():
    looks = [
        replace(each, sight=replace(each.sight, vitals=vitals(10.0, restarts=n)))
        for n, each in enumerate(good(3))
    ]
    judgement = judge_release(story(looks), SETTINGS)
    assert judgement.decision is Decision.ROLLBACK
    assert codes(judgement) == [Code.SATURATED]
    bad = [
        replace(each, sight=replace(each.sight, vitals=vitals(10.0, restarts=2)))
        for each in good(3, errors=30)
    ]
    assert codes(judge_release(story(bad), SETTINGS))[-1] is Code.SATURATED


def test_what_only_a_person_can_judge_is_no_pass():
    looks = [
        replace(each, sight=replace(each.sight, vitals=vitals(10.0, disk_free_mb=1.0))) for each in good()
    ]
    judgement = judge_release(story(looks), SETTINGS)
    assert judgement.decision is Decision.INCONCLUSIVE
    assert codes(judgement)[0] is Code.FILLING_UP


def test_a_flooded_log_rolls_back_at_the_second_look():
    flooded = [look(10, log_dropped=True), look(20, log_dropped=True)]
    assert codes(judge_release(story(flooded), SETTINGS)) == [Code.LOG_DROPPED]
    assert judge_release(story([flooded[0], look(20)]), SETTINGS).decision is Decision.WATCH


def test_a_log_that_fell_silent_is_no_pass():
    talking = replace(PAST, log_bytes_per_second=50.0)
    judgement = judge_release(story(good(), past=talking), SETTINGS)
    assert judgement.decision is Decision.INCONCLUSIVE
    assert codes(judgement)[0] is Code.LOG_SILENT
    assert judge_release(story(good(log_bytes=1), past=talking), SETTINGS).decision is Decision.PASS


def test_time_that_nobody_watched_makes_the_watch_longer_and_is_never_health():
    asleep = good(10) + [replace(each, at=at(3_600 + 10 * n)) for n, each in enumerate(good(10))]
    judgement = judge_release(story(asleep), SETTINGS)
    assert judgement.decision is Decision.WATCH
    blind = [replace(each, sight=Sight()) if n > 5 else each for n, each in enumerate(good())]
    told = judge_release(story(blind), SETTINGS)
    assert told.decision is Decision.INCONCLUSIVE
    assert Code.TIME_MISSING in codes(told)


def test_a_clock_that_was_set_back_counts_nothing_twice():
    looks = good(40) + [look(10 * n) for n in range(20, 40)]
    judgement = judge_release(story(looks), SETTINGS)
    assert judgement.decision is Decision.WATCH
    assert judgement.requests == 4_000
    assert "backwards" in story(looks).passed.sentence


def test_without_a_past_only_limits_and_probes_decide():
    judgement = judge_release(story(good(), past=Past(), history=()), SETTINGS)
    assert judgement.decision is Decision.PASS
    assert Code.NO_HISTORY in codes(judgement)
    assert judge_release(story([], past=Past()), SETTINGS).decision is Decision.WATCH


def test_parts_without_a_past_of_the_whole_still_condemn():
    judgement = judge_release(story(good(4, errors=9, pay=(10, 8)), history=()), SETTINGS)
    assert judgement.decision is Decision.ROLLBACK
    assert Code.PART_WORSE in codes(judgement)
    assert judgement.e_value_errors is None


def test_probes_that_failed_are_named_first():
    judgement = judge_release(story(good(3, errors=30), well=False), SETTINGS)
    assert codes(judgement)[0] is Code.PROBE_FAILED


@pytest.mark.parametrize("errors", [0, 1])
def test_parts_cost_a_healthy_release_nothing(errors):
    assert len(HISTORY) == 360
    assert judge_release(story(good(errors=errors)), SETTINGS).decision is not Decision.ROLLBACK
