"""Errors of production become tasks: the right ones, once, within bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.app.listen import ROUND_TASKS_MAX, Detector, live_release, request_of, select
from keelway.app.sections import DetectSection
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import SYSTEM, Request, Source, Task
from keelway.ports.ledger import Deployment, TaskRow
from keelway.ports.signal import ExceptionSeen

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LIVE = Deployment("d", "t", PRODUCTION, "r-1", "a" * 40, "live", 1, NOW - timedelta(hours=2))
SECTION = DetectSection(enabled=True, occurrences_min=3)


def seen(fingerprint="f", count=3, **more):
    fields = {"release": "r-1", "first_at": NOW, "last_at": NOW} | more
    return ExceptionSeen(fingerprint, "ZeroDivisionError: division by zero", count, **fields)


def row(fingerprint, status=Status.DEVELOPING, created_at=NOW):
    request = Request("Fix it", SYSTEM, NOW, fingerprint=fingerprint)
    return TaskRow(Task("01", 1, "p", request), status, created_at=created_at)


def test_a_frequent_new_error_is_chosen():
    assert select([seen()], LIVE, [], SECTION, NOW) == (seen(),)


@pytest.mark.parametrize(
    ("entry", "rows"),
    [
        (seen(count=2), []),
        (seen(fingerprint=""), []),
        (seen(release="r-0"), []),
        (seen(last_at=NOW - timedelta(hours=3)), []),
        (seen(), [row("f")]),
        (seen(), [row("f", created_at=NOW - timedelta(days=9))]),
        (seen(), [row("f", Status.FAILED, NOW - timedelta(hours=23))]),
    ],
    ids=[
        "rare",
        "nameless",
        "of an older release",
        "before the deploy",
        "open",
        "open for long",
        "tried today",
    ],
)
def test_what_deserves_no_task(entry, rows):
    assert select([entry], LIVE, rows, SECTION, NOW) == ()


def test_an_error_may_be_tried_again_after_a_day():
    old = row("f", Status.FAILED, NOW - timedelta(hours=25))
    assert select([seen()], LIVE, [old], SECTION, NOW) == (seen(),)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 50)), max_size=30))
def test_a_round_is_bounded_and_takes_the_most_frequent(found):
    entries = [seen(name, count) for name, count in found]
    due = select(entries, LIVE, [], SECTION, NOW)
    assert len(due) <= ROUND_TASKS_MAX
    assert all(entry.count >= 3 for entry in due)
    left = [entry.count for entry in entries if entry not in due and entry.count >= 3]
    assert not due or not left or min(entry.count for entry in due) >= max(left) or len(due) < ROUND_TASKS_MAX


def test_nothing_is_chosen_while_a_newer_release_is_judged():
    newer = replace(LIVE, id="e", status="observing")
    assert live_release([newer, LIVE]) is None
    assert live_release([replace(newer, status="rolled_back"), LIVE]) == LIVE
    assert live_release([]) is None


def test_what_the_log_says_is_evidence_and_bounded():
    hostile = seen(
        route="/x\x1b[2J", evidence="\x1b]0;x\x07" + "y" * 99_999, files=tuple(map(str, range(99)))
    )
    request = request_of(hostile, NOW)
    assert request.text == "Fix ZeroDivisionError: division by zero on /x"
    assert (len(request.evidence), len(request.files)) == (8_000, 20)
    assert (request.source, request.requested_by) == (Source.DETECTOR, SYSTEM)


@pytest.fixture
def listening(make_house):
    house = make_house()
    house.world.baseline()
    commands = house.world.commands
    file = replace(commands.app.config.file, detect=replace(SECTION, interval_seconds=0.01))
    commands.app = replace(commands.app, config=replace(commands.app.config, file=file))
    now = datetime.now(UTC)
    active = house.world.target.places[PRODUCTION].active
    house.world.signal.seen[PRODUCTION] = [
        ExceptionSeen("f", "ZeroDivisionError: division by zero", 5, active, now, now, "/berths", "Traceback")
    ]
    return house, Detector(commands)


def test_the_detector_asks_once(listening):
    house, detector = listening
    assert detector.look() == 1
    assert detector.look() == 0
    task = house.queries.tasks()[0]
    assert (task.source, task.severity, task.requested_by) == ("detector", "high", "keelway@system")
    assert task.title == "Fix ZeroDivisionError: division by zero on /berths"


def test_a_log_that_cannot_be_read_opens_nothing_and_ends_nothing(listening):
    house, detector = listening
    house.world.signal.unreadable = True
    assert detector.look() == 0
    house.world.signal.unreadable = False
    assert detector.look() == 1


def test_a_freeze_keeps_tasks_from_being_opened(listening):
    house, detector = listening
    house.world.commands.freeze(SYSTEM, "storm")
    assert detector.look() == 0
    assert house.queries.tasks() == ()


def test_the_thread_looks_by_itself_and_survives_surprises(listening):
    import time

    house, detector = listening
    signal = house.world.signal
    real, calls = signal.exceptions, []

    def surprising(environment, since):
        calls.append(environment)
        if len(calls) == 1:
            raise RuntimeError("a bug of an adapter")
        return real(environment, since)

    signal.exceptions = surprising
    detector.start()
    deadline = time.monotonic() + 10
    while not house.queries.tasks() and time.monotonic() < deadline:
        time.sleep(0.01)
    detector.stop()
    assert len(house.queries.tasks()) == 1
    assert len(calls) >= 2
