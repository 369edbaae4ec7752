"""What a trial of a cage proves, and what it does not."""

from __future__ import annotations

import pytest

from keelway.core.cage.attack import (
    ATTACKS,
    KNOWN_GAPS,
    Attack,
    Outcome,
    Tried,
    judge_attack,
    judge_trial,
)

ATTACK = Attack("alter_mode", "files", "change the permissions of a file outside")
THROUGH, REFUSED, SKIPPED = Tried(True), Tried(False, "EPERM"), Tried(False, "no such thing", skipped=True)
ALL_THROUGH = {attack.name: THROUGH for attack in ATTACKS}
ALL_REFUSED = {attack.name: REFUSED for attack in ATTACKS}


@pytest.mark.parametrize(
    ("cage", "fenced", "control", "outcome"),
    [
        ("bubblewrap", REFUSED, THROUGH, Outcome.BLOCKED),
        ("bubblewrap", THROUGH, THROUGH, Outcome.ESCAPED),
        ("bubblewrap", THROUGH, REFUSED, Outcome.ESCAPED),
        ("landlock", THROUGH, THROUGH, Outcome.KNOWN_GAP),
        ("landlock", REFUSED, THROUGH, Outcome.BLOCKED),
        ("bubblewrap", REFUSED, REFUSED, Outcome.UNTESTED),
        ("bubblewrap", REFUSED, None, Outcome.UNTESTED),
        ("bubblewrap", SKIPPED, THROUGH, Outcome.UNTESTED),
        ("bubblewrap", None, THROUGH, Outcome.UNTESTED),
    ],
)
def test_an_attack_is_judged_by_what_it_does_with_and_without_the_cage(
    cage: str, fenced: Tried | None, control: Tried | None, outcome: Outcome
) -> None:
    assert judge_attack(ATTACK, cage, fenced, control).outcome is outcome


def test_a_cage_that_holds_everything_passes() -> None:
    trial = judge_trial("bubblewrap", ALL_REFUSED, ALL_THROUGH)
    assert trial.passed
    assert trial.count(Outcome.BLOCKED) == len(ATTACKS)
    assert trial.sentence == f"{len(ATTACKS)} attacks on bubblewrap: {len(ATTACKS)} blocked, 0 escaped."


def test_one_escape_is_enough_to_fail() -> None:
    trial = judge_trial("bubblewrap", ALL_REFUSED | {"sniff": THROUGH}, ALL_THROUGH)
    assert not trial.passed
    assert trial.sentence.endswith("It does not hold: listen in on the host's network.")


def test_many_escapes_are_counted_and_the_first_are_named() -> None:
    trial = judge_trial("none", ALL_THROUGH, ALL_THROUGH)
    assert trial.count(Outcome.ESCAPED) == len(ATTACKS)
    assert f"and {len(ATTACKS) - 5} more" in trial.sentence


def test_a_battery_that_could_prove_nothing_does_not_pass() -> None:
    trial = judge_trial("bubblewrap", ALL_REFUSED, ALL_REFUSED)
    assert not trial.passed
    assert "could not be shown" in trial.sentence
    assert not judge_trial("bubblewrap", {}, {}).passed


def test_what_matters_less_may_go_untested() -> None:
    control = ALL_THROUGH | {attack.name: REFUSED for attack in ATTACKS if not attack.vital}
    assert judge_trial("bubblewrap", ALL_REFUSED, control).passed


def test_a_battery_that_came_to_no_end_does_not_pass() -> None:
    trial = judge_trial("bubblewrap", ALL_REFUSED, ALL_THROUGH, "bwrap: no such program")
    assert not trial.passed
    assert "bwrap: no such program" in trial.sentence


def test_every_known_gap_names_an_attack_and_no_vital_one() -> None:
    by_name = {attack.name: attack for attack in ATTACKS}
    assert len(by_name) == len(ATTACKS)
    assert all(name in by_name and not by_name[name].vital for _, name in KNOWN_GAPS)
    assert all(KNOWN_GAPS.values())
