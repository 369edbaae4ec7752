"""Hooks lie where no patch may alter them, and have a bound."""

from __future__ import annotations

import pytest

from keelway.core.target.hook import HookSpec, Moment, hook_problems


@pytest.mark.parametrize("folder", ["", ".keelway/hooks", ".keelway/hooks/", ".keelway/a/b"])
def test_a_folder_below_the_protected_one_is_good(folder: str) -> None:
    assert hook_problems(HookSpec(folder)) == []


@pytest.mark.parametrize(
    "folder", ["hooks", "/etc", ".keelway/../src", ".keelway//hooks", ".keelway/./x", ".keelway/.."]
)
def test_any_other_folder_is_refused(folder: str) -> None:
    assert "is not below .keelway/" in hook_problems(HookSpec(folder))[0]


def test_a_hook_without_time_is_refused() -> None:
    assert "must be above 0" in hook_problems(HookSpec(seconds_max=0.0))[0]
    assert "must be above 0" in hook_problems(HookSpec(rollback_seconds_max=-1.0))[0]


def test_a_way_back_has_a_bound_of_its_own() -> None:
    spec = HookSpec(seconds_max=60.0, rollback_seconds_max=5.0)
    limits = {moment.value: spec.limit_of(moment) for moment in Moment}
    assert limits == {
        "pre-deploy": 60.0,
        "pre-switch": 60.0,
        "post-deploy": 60.0,
        "pre-rollback": 5.0,
        "post-rollback": 5.0,
    }
