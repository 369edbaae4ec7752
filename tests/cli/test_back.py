"""The menu, locks, drills, drift and branches as people type them."""

from __future__ import annotations

import json

import pytest
from tests.cli.test_deliver import live, moving

__all__ = ["live", "moving"]


def test_the_menu_shows_four_ways(terminal, live):
    said = terminal("rollback")
    assert said.code == 0
    production = said.out.split("production:")[1]
    assert [
        row.split()[0] for row in production.splitlines() if row.startswith("  ") and row[2] in "ABCD"
    ] == [*"ABCD"]
    assert f"A  the release before: {live}" in production


@pytest.mark.deploys
def test_a_dry_run_prints_every_step_and_what_is_at_stake(terminal, live):
    terminal.house.world.backup.data["production"]["ships"] += 4
    said = terminal("rollback", "T-1", "--dry-run")
    assert said.code == 0
    assert f"  1. start {live} beside what runs" in said.out
    assert f"  2. give all traffic to {live}" in said.out
    assert "ask the health questions twice in a row" in said.out
    assert "4 rows of ships" in said.out
    shown = json.loads(terminal("rollback", "production", "--dry-run", "--json").out)
    assert len(shown["said"]) == len(shown["steps"]) > 3


def test_a_lock_is_set_shown_and_lifted(terminal, live):
    assert "No environment is locked" in terminal("lock").out
    made = terminal("lock", "production", "the fair", "--for", "2")
    assert (made.code, "the fair" in made.out) == (0, True)
    assert "the fair" in terminal("lock").out
    assert "the fair" in terminal("status").out
    assert "is unlocked" in terminal("unlock", "production").out
    assert "was not locked" in terminal("unlock", "production").out
    assert terminal("lock", "moon").code == 2


@pytest.mark.deploys
def test_a_drill_is_walked_and_its_history_shown(terminal, live, moving):
    done = terminal("drill")
    assert done.code == 0, done.err + done.out
    assert "The drill on staging passed." in done.out
    history = terminal("drill", "--history")
    assert all(part in history.out for part in ("deploy", "rollback", "restore"))
    assert terminal("drill", "production").code == 2
    assert terminal("drill", "--only", "dance").code == 2


@pytest.mark.deploys
def test_drift_is_an_exit_code_and_a_person_settles_it(terminal, live, moving):
    clean = terminal("drift")
    assert (clean.code, "production: as recorded" in clean.out) == (0, True)
    place = terminal.house.world.target.places["production"]
    recorded = place.active
    place.running.add(live)
    place.weights = {live: 100}
    found = terminal("drift", "production")
    assert (found.code, "DRIFTED" in found.out, "--adopt" in found.out) == (3, True, True)
    assert terminal("drift", "--adopt", "--yes").code == 2
    assert terminal("drift", "production", "--adopt").code == 2
    done = terminal("drift", "production", "--restore", "--yes")
    assert (done.code, place.active) == (0, recorded)


@pytest.mark.deploys
def test_one_feature_is_taken_back_by_a_task(terminal, live):
    assert terminal("rollback", "T-1", "--feature").code == 2
    said = terminal("rollback", "T-1", "--feature", "--yes", "--json")
    assert (said.code, json.loads(said.out)["name"]) == (0, "T-2")
    assert terminal("rollback", "production", "--feature", "--yes").code == 2


@pytest.mark.deploys
def test_a_branch_is_prepared_and_landed(terminal, live, moving):
    done = terminal("rollback", "production", "--prepare")
    assert (done.code, "--land" in done.out) == (0, True), done.err
    number = done.out.rsplit("--land ", 1)[1].strip()
    assert terminal("rollback", "--land", number).code == 2
    landed = terminal("rollback", "--land", number, "--yes")
    assert landed.code == 0, landed.out
    assert "two.py" not in terminal.house.world.tree("main")


@pytest.mark.deploys
def test_what_is_barred_is_listed(terminal, live, moving):
    assert "No commit is in quarantine" in terminal("quarantine").out
    assert terminal("rollback", "T-1", "--yes").code == 0
    listed = terminal("quarantine")
    assert (listed.code, "T-1" in listed.out) == (0, True)
    assert terminal("quarantine", "abcdef1").code == 2
    assert terminal("quarantine", "abcdef1", "--cured-by", "main", "--yes").code == 2


@pytest.mark.deploys
@pytest.mark.parametrize("words", [("--to", "nonsense"), ("--to", "7")])
def test_an_unknown_target_is_refused(terminal, live, words):
    assert terminal("rollback", "production", *words, "--yes").code == 2
