"""What a migration may do to a copy of real data."""

from __future__ import annotations

from dataclasses import replace

from keelway.core.migration.dry_run import DryRun, judge_dry_run
from keelway.core.model.verdict import Ruling, combine
from keelway.core.policy import MigrationPolicy

GOOD = DryRun("production", 3, 4, 1_000, 1.5, {"ships": 0.4}, down_seconds=0.5)
POLICY = MigrationPolicy()


def codes(run: DryRun, *, needed: bool = False, policy: MigrationPolicy = POLICY) -> dict[str, Ruling]:
    return {found.code: found.ruling for found in judge_dry_run(run, policy, down_needed=needed)}


def test_a_good_one_passes_with_its_figures():
    findings = judge_dry_run(GOOD, POLICY, down_needed=True)
    assert combine("staging", findings).passed
    assert "1000 rows" in findings[0].message
    assert "from version 3 to 4 in 1.5 s" in findings[0].message
    assert GOOD.down_proven


def test_what_failed_or_could_not_be_tried_is_not_passed():
    run = replace(GOOD, wrong="no such column.")
    assert codes(run) == {"dry_run_failed": Ruling.FAIL}
    assert not run.down_proven


def test_a_target_that_cannot_try_it_says_so():
    run = DryRun("production", untried="No.")
    assert codes(run, needed=True) == {"dry_run_untried": Ruling.PASS}
    assert run.down_proven is None


def test_a_migration_that_moved_nothing_did_not_pass():
    assert (
        combine("staging", judge_dry_run(replace(GOOD, after=3), POLICY, down_needed=False)).code
        == "dry_run_up"
    )


def test_time_and_locks_are_bounded():
    slow = replace(GOOD, up_seconds=301, locks={"ships": 30.0, "cargo": 11.0, "berths": 1.0})
    assert codes(slow) == {
        "migration_slow": Ruling.HOLD,
        "migration_locks": Ruling.HOLD,
        "down_equal": Ruling.PASS,
    }
    (_, locks, _) = judge_dry_run(slow, POLICY, down_needed=False)
    assert "ships for 30.0 s, cargo for 11.0 s;" in locks.message
    assert codes(slow, policy=MigrationPolicy(seconds_max=400, lock_seconds_max=40)) == codes(GOOD)


def test_no_way_down_says_nothing_about_it():
    run = replace(GOOD, down_seconds=None)
    assert codes(run, needed=True) == {"dry_run_up": Ruling.PASS}
    assert not run.down_proven


def test_a_way_down_that_loses_something_counts_only_where_it_is_needed():
    for run in (
        replace(GOOD, lost=("ships: other contents",)),
        replace(GOOD, again=("ships: 3 rows, now 2",)),
    ):
        assert not run.down_proven
        assert codes(run, needed=True)["down_not_equal"] is Ruling.FAIL
        assert codes(run)["down_not_used"] is Ruling.PASS
