"""The way back: every row of the table, and every combination of facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from keelway.core.policy import RollbackPolicy
from keelway.core.release.rollback import (
    Step,
    WayBack,
    WayBackFacts,
    choose_way_back,
)

FACTS = WayBackFacts(
    previous="r-old",
    previous_good=True,
    previous_warm=True,
    migrated=False,
    previous_fits=None,
    down_migrations=False,
    down_failed=False,
    backup_verified=False,
    loss="",
    restore_approved=False,
    next_good="",
    next_warm=False,
    merged=True,
    workers=False,
    ordered_by_person=False,
)
MISFIT = replace(FACTS, migrated=True, previous_fits=False)
RESTORABLE = replace(MISFIT, backup_verified=True, loss="12 rows in orders")
POLICY = RollbackPolicy()
END = (Step.REVERT_MERGE, Step.QUARANTINE, Step.VERIFY)
STOP = (Step.FREEZE, Step.PAGE)


@pytest.mark.parametrize(
    ("facts", "policy", "steps", "release"),
    [
        (FACTS, POLICY, (Step.SWITCH_TRAFFIC, *END), "r-old"),
        (replace(FACTS, merged=False), POLICY, (Step.SWITCH_TRAFFIC, *END[1:]), "r-old"),
        (
            replace(FACTS, previous_warm=False),
            POLICY,
            (Step.START_PREVIOUS, Step.SWITCH_TRAFFIC, *END),
            "r-old",
        ),
        (
            replace(FACTS, workers=True),
            POLICY,
            (Step.SWITCH_TRAFFIC, Step.STOP_WORKERS, Step.START_WORKERS, *END),
            "r-old",
        ),
        (replace(MISFIT, previous_fits=True), POLICY, (Step.SWITCH_TRAFFIC, *END), "r-old"),
        (
            replace(MISFIT, down_migrations=True),
            POLICY,
            (Step.SWITCH_TRAFFIC, Step.MIGRATE_DOWN, *END),
            "r-old",
        ),
        (
            replace(MISFIT, previous_fits=None, down_migrations=True, workers=True),
            POLICY,
            (Step.SWITCH_TRAFFIC, Step.STOP_WORKERS, Step.MIGRATE_DOWN, Step.START_WORKERS, *END),
            "r-old",
        ),
        (
            replace(MISFIT, down_migrations=True, previous_warm=False),
            POLICY,
            (Step.MIGRATE_DOWN, Step.START_PREVIOUS, Step.SWITCH_TRAFFIC, *END),
            "r-old",
        ),
        (replace(MISFIT, down_migrations=True), RollbackPolicy(rollback_migrations=False), STOP, ""),
        (replace(MISFIT, down_migrations=True, down_failed=True), POLICY, STOP, ""),
        (RESTORABLE, POLICY, STOP, ""),
        (
            RESTORABLE,
            RollbackPolicy(restore_data="always"),
            (Step.SWITCH_TRAFFIC, Step.RESTORE_DATA, *END),
            "r-old",
        ),
        (
            replace(RESTORABLE, restore_approved=True),
            POLICY,
            (Step.SWITCH_TRAFFIC, Step.RESTORE_DATA, *END),
            "r-old",
        ),
        (replace(RESTORABLE, restore_approved=True), RollbackPolicy(restore_data="never"), STOP, ""),
        (replace(RESTORABLE, restore_approved=True, loss=" "), POLICY, STOP, ""),
        (replace(RESTORABLE, restore_approved=True, backup_verified=False), POLICY, STOP, ""),
        (
            replace(RESTORABLE, next_good="r-older"),
            POLICY,
            (Step.START_PREVIOUS, Step.SWITCH_TRAFFIC, *END),
            "r-older",
        ),
        (
            replace(FACTS, previous_good=False, next_good="r-older", next_warm=True),
            POLICY,
            (Step.SWITCH_TRAFFIC, *END),
            "r-older",
        ),
        (
            replace(FACTS, previous="", next_good="r-older", next_warm=True),
            POLICY,
            (Step.SWITCH_TRAFFIC, *END),
            "r-older",
        ),
        (replace(FACTS, previous_good=False), POLICY, STOP, ""),
        (replace(FACTS, previous=""), POLICY, STOP, ""),
    ],
)
def test_rows(facts: WayBackFacts, policy: RollbackPolicy, steps: tuple[Step, ...], release: str) -> None:
    way = choose_way_back(facts, policy)
    assert (way.steps, way.release) == (steps, release)
    assert way.needs_person == (steps == STOP)
    assert way.loses_data == (Step.RESTORE_DATA in steps)
    assert way.reason


def test_the_person_is_told_what_a_restore_would_lose() -> None:
    assert "12 rows in orders" in choose_way_back(RESTORABLE, POLICY).reason
    assert "12 rows in orders" in choose_way_back(RESTORABLE, RollbackPolicy(restore_data="always")).reason


def test_a_policy_without_automatic_rollback_asks_unless_a_person_ordered_it() -> None:
    manual = RollbackPolicy(automatic=False)
    way = choose_way_back(FACTS, manual)
    assert way.needs_person
    assert way.steps == choose_way_back(FACTS, POLICY).steps
    assert not choose_way_back(replace(FACTS, ordered_by_person=True), manual).needs_person


def every_combination() -> Iterator[tuple[WayBackFacts, RollbackPolicy, WayBack]]:
    yes_no = (False, True)
    policies = [
        RollbackPolicy(automatic=True, rollback_migrations=down, restore_data=restore)
        for down, restore in product(yes_no, ("ask", "never", "always", "strange"))
    ]
    for previous, loss, next_good, fits in product(
        ("", "r-old"), ("", "2 rows"), ("", "r-older"), (None, False, True)
    ):
        base = replace(FACTS, previous=previous, loss=loss, next_good=next_good, previous_fits=fits)
        for good, warm, migrated, down, failed, verified, approved, workers in product(yes_no, repeat=8):
            facts = replace(
                base,
                previous_good=good,
                previous_warm=warm,
                migrated=migrated,
                down_migrations=down,
                down_failed=failed,
                backup_verified=verified,
                restore_approved=approved,
                workers=workers,
            )
            for policy in policies:
                yield facts, policy, choose_way_back(facts, policy)


def test_every_combination_has_a_way_that_keeps_the_rules() -> None:
    count = 0
    for facts, policy, way in every_combination():
        count += 1
        keeps_the_order(facts, way)
        never_restores_alone(facts, policy, way)
    assert count == 49_152


def keeps_the_order(facts: WayBackFacts, way: WayBack) -> None:
    at = {step: number for number, step in enumerate(way.steps)}
    assert len(at) == len(way.steps) > 0
    if way.steps == STOP:
        assert way.needs_person
        assert way.release == ""
        return
    schema = at.get(Step.MIGRATE_DOWN, at.get(Step.RESTORE_DATA))
    assert way.release
    assert {Step.SWITCH_TRAFFIC, Step.QUARANTINE} <= at.keys()
    assert way.steps[-1] is Step.VERIFY
    assert at[Step.SWITCH_TRAFFIC] < at[Step.REVERT_MERGE] < at[Step.QUARANTINE]
    if Step.START_PREVIOUS in at:
        assert at[Step.START_PREVIOUS] < at[Step.SWITCH_TRAFFIC]
    if schema is not None:
        assert (at[Step.SWITCH_TRAFFIC] < schema) == facts.previous_warm
    if facts.workers:
        assert at[Step.STOP_WORKERS] < at[Step.START_WORKERS]
        assert schema is None or at[Step.STOP_WORKERS] < schema < at[Step.START_WORKERS]


def never_restores_alone(facts: WayBackFacts, policy: RollbackPolicy, way: WayBack) -> None:
    if Step.RESTORE_DATA in way.steps:
        assert way.loses_data
        assert facts.backup_verified
        assert facts.loss
        assert policy.restore_data == "always" or (policy.restore_data == "ask" and facts.restore_approved)
    if Step.MIGRATE_DOWN in way.steps:
        assert policy.rollback_migrations
        assert facts.down_migrations
        assert not facts.down_failed
