"""Every way to stop a task, at every boundary of a stage and inside every effect, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from tests.workflows.world import BASE_FILES, TRUSTING, World

from keelway.core.errors import RequestRefused
from keelway.core.model.event import Event, EventKind, verify_chain
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER
from keelway.core.policy import Policy, WatchPolicy

SHORT = Policy(
    review=TRUSTING.review,
    watch=WatchPolicy(watch_seconds=60.0, interval_seconds=60.0),
    staging=replace(Policy().staging, window_seconds=20.0, tick_seconds=20.0, stabilise_seconds=0.0),
    production=replace(Policy().production, window_seconds=40.0, tick_seconds=20.0, stabilise_seconds=0.0),
)
"""Few looks at each release: one more look is more of the same."""

BOUNDARIES = {EventKind.STAGE_STARTED, EventKind.STAGE_FINISHED}
EFFECTS = {EventKind.EFFECT_INTENDED, EventKind.EFFECT_DONE}
WAYS_BACK = {"unwind", "rollback"}
HELD = timedelta(minutes=5)


@dataclass
class Trip:
    """Do something right after the n-th event of a kind, in the very thread that noted it."""

    world: World
    n: int
    act: Callable[[], object]
    kinds: set[EventKind] = field(default_factory=lambda: BOUNDARIES | EFFECTS)
    seen: list[str] = field(default_factory=list)
    sequence: int = 0
    """Place of the event after which it was done."""

    def __post_init__(self) -> None:
        record = self.world.ledger.record

        def noted(event: Event) -> int:
            sequence = record(event)
            if event.kind in self.kinds and event.task:
                self.seen.append(f"{event.kind.value} {event.stage} {event.data.get('effect', '')}".strip())
                if len(self.seen) == self.n:
                    self.sequence = self.world.ledger.events(limit=100_000)[-1].sequence
                    self.act()
            return sequence

        self.world.ledger.record = noted  # type: ignore[method-assign]


def bad_in_production(world: World, before: str) -> None:
    def counted(environment: str, release: str, at: Any) -> Any:
        seen = world.target.traffic(environment, release, at)
        if seen and environment == PRODUCTION and world.target.places[PRODUCTION].active != before:
            return seen[0] * 20, 400
        return seen and (seen[0] * 20, seen[1])

    world.signal.traffic = counted


def life(make_world, n: int, verb: str, *, bad: bool = False, kinds: set[EventKind] | None = None):
    """Live a life in which ``verb`` is said at its n-th moment; return world, moment, baseline and row."""
    world = make_world(policy=SHORT)
    hasten(world)
    before = world.baseline()
    if bad:
        bad_in_production(world, before)
    else:
        world.signal.traffic = lambda *asked: (2_000, 0) if world.target.traffic(*asked) else None
    commands, later = world.commands, world.clock.now

    def say() -> None:
        with suppress(RequestRefused):
            match verb:
                case "abort":
                    commands.abort("T-1", OWNER)
                case "pause":
                    commands.pause("T-1", OWNER)
                    world.engine.at(later() + HELD, lambda: resume(world))
                case "freeze":
                    commands.freeze(OWNER, "test")
                    world.engine.at(later() + HELD, lambda: commands.unfreeze(OWNER))
                case "retry":
                    commands.retry("T-1", OWNER)

    moment = Trip(world, n, say, kinds or BOUNDARIES | EFFECTS)
    row = world.ask()
    return world, moment, before, row


def hasten(world: World) -> None:
    """Spare the database the waits for the disk: nobody pulls a plug here."""

    def prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF").fetchall()  # another journal would lock others out

    world.database.dispose()
    event.listen(world.database, "connect", prepare)


def resume(world: World) -> None:
    with suppress(RequestRefused):
        world.commands.resume("T-1", OWNER)


def after(world: World, moment: Trip) -> list[Event]:
    return [link.event for link in world.ledger.events(limit=100_000) if link.sequence > moment.sequence]


def nothing_left(world: World) -> None:
    """Check that nothing of a task is left over, whatever its end."""
    assert world.sandbox._open == {}
    assert verify_chain(world.ledger.events(limit=100_000)) is None
    assert [run.id for run in world.journal.runs.values() if not run.ended] == []
    assert not world.ledger.questions()
    for name in ("lane:fake", STAGING, PRODUCTION):
        assert world.ledger.lease(name, "somebody") is not None, name


def as_before(world: World, before: str) -> None:
    assert world.target.places[PRODUCTION].active == before
    assert world.target.places[STAGING].active == before
    assert world.tree("main") == BASE_FILES
    assert world.tree("develop") == BASE_FILES


def aborted(make_world, n: int) -> str:
    world, moment, before, row = life(make_world, n, "abort")
    where = moment.seen[n - 1] if len(moment.seen) >= n else "never"
    nothing_left(world)
    if not row.abort_by:  # too late: it was live
        assert row.status is Status.DEPLOYED, where
        return where
    assert row.status in {Status.ABORTED, Status.ROLLED_BACK}, (where, row.status, row.error)
    as_before(world, before)
    later = [each for each in after(world, moment) if each.kind is EventKind.EFFECT_INTENDED]
    assert {each.stage for each in later} <= WAYS_BACK, where
    assert (
        sum(
            "aborted" in message.subject or "rolled back" in message.subject
            for message in world.notifier.messages
        )
        == 1
    )
    return where


def held(make_world, n: int, verb: str) -> str:
    world, moment, _, row = life(make_world, n, verb)
    where = moment.seen[n - 1] if len(moment.seen) >= n else "never"
    assert (row.status, row.error) == (Status.DEPLOYED, ""), where
    nothing_left(world)
    said = next(each.at for each in after(world, moment)) if after(world, moment) else None
    begun = [each for each in after(world, moment) if each.kind is EventKind.EFFECT_INTENDED and each.task]
    if said is not None and "report" not in where:
        assert not [each.data for each in begun if said < each.at < said + HELD], where
    return where


def moments(make_world) -> list[str]:
    _, moment, _, _ = life(make_world, 0, "")
    return moment.seen


MOMENTS = 94
"""Moments of a whole life: the first test below counts them."""

QUICK_ABORTS = (1, 14, 18, 39, 54, 70, 78, 90)
"""At the beginning, between two stages, at the agent, after a merge, in a rehearsal, after the promotion, when live."""


def test_the_moments_are_counted(make_world):
    _, moment, _, row = life(make_world, 0, "")
    assert row.status is Status.DEPLOYED
    assert len(moment.seen) == MOMENTS, (
        "give the new number, and look whether the quick ones are still telling"
    )
    stages = {"intake", "planning", "development", "review", "staging", "production", "report", "watch"}
    assert {name.split()[1] for name in moment.seen} == stages


@pytest.mark.parametrize("n", QUICK_ABORTS)
def test_an_abort_undoes_everything(make_world, n):
    aborted(make_world, n)


@pytest.mark.soak
@pytest.mark.parametrize("n", sorted({*range(1, MOMENTS + 1)} - {*QUICK_ABORTS}))
def test_an_abort_undoes_everything_everywhere(make_world, n):
    aborted(make_world, n)


@pytest.mark.parametrize(("verb", "n"), [("pause", 18), ("pause", 72), ("freeze", 38)])
def test_a_hold_holds_and_goes_on(make_world, verb, n):
    held(make_world, n, verb)


@pytest.mark.soak
@pytest.mark.parametrize("verb", ["pause", "freeze"])
@pytest.mark.parametrize("n", range(2, MOMENTS + 1))  # frozen at the very first one, intake says no
def test_a_hold_holds_everywhere(make_world, verb, n):
    held(make_world, n, verb)


@pytest.mark.parametrize("n", [10, 50, pytest.param(72, marks=pytest.mark.soak)])
def test_an_open_task_cannot_be_tried_again(make_world, n):
    world, _, _, row = life(make_world, n, "retry")
    assert row.status is Status.DEPLOYED
    assert len(world.ledger.tasks()) == 1
    nothing_left(world)


ON_THE_WAY_BACK = {EventKind.ROLLBACK_STARTED, EventKind.ROLLBACK_STEP, EventKind.ROLLBACK_FINISHED}


@pytest.mark.parametrize(("verb", "n"), [("abort", 1), ("freeze", 1), ("pause", 1), ("abort", 2)])
def test_a_way_back_that_has_begun_finishes(make_world, verb, n):
    world, moment, before, row = life(make_world, n, verb, bad=True, kinds=ON_THE_WAY_BACK)
    assert moment.sequence, "the moment never came"
    assert row.status is Status.ROLLED_BACK
    as_before(world, before)
    nothing_left(world)
    kinds = [link.event.kind for link in world.ledger.events(limit=100_000)]
    finished = kinds.count(EventKind.ROLLBACK_FINISHED)
    assert finished == kinds.count(EventKind.ROLLBACK_STARTED) > 0
    finished_at = next(e.at for e in after(world, moment) if e.kind is EventKind.STAGE_FINISHED)
    began_at = world.ledger.events(after=moment.sequence - 1, limit=1)[0].event.at
    assert finished_at - began_at < HELD, "the way back waited"


def test_an_aborted_task_can_be_tried_again(make_world):
    world, _, _, _ = life(make_world, 30, "abort")
    again = world.commands.retry("T-1", OWNER)
    world.run()
    again = world.ledger.find(again.task.id)
    assert (again.status, again.task.request.retry_of) == (
        Status.DEPLOYED,
        world.ledger.find("T-1").task.id,
    )


def test_an_abort_before_the_story_began_closes_the_task(make_world):
    world = make_world(policy=SHORT)
    before = world.baseline()
    row = world.submit()
    world.commands.abort(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.ABORTED
    as_before(world, before)
    nothing_left(world)


def test_an_abort_that_a_crash_cut_short_is_carried_out_at_the_next_start(make_world):
    world = make_world(policy=SHORT)
    before = world.baseline()
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(seconds=1))
    world.ledger.amend(row.task.id, abort_by=str(OWNER))
    world.engine.cancel(row.task.id)
    world.restart()
    world.commands.resubmit_unstarted()
    world.run()
    assert world.ledger.find(row.task.id).status is Status.ABORTED
    as_before(world, before)
    nothing_left(world)


def test_a_second_abort_changes_nothing(make_world):
    world = make_world(policy=SHORT)
    before = world.baseline()
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(seconds=1))
    for _ in range(2):
        with suppress(RequestRefused):
            world.commands.abort(row.task.name, OWNER)
    world.run()
    assert [run.name for run in world.journal.runs.values()].count("close_out") == 1
    as_before(world, before)
    nothing_left(world)
