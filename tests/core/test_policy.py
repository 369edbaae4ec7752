"""The policy has the defaults of the design and one digest for each content."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest

from keelway.core.policy import LATER, MOVED, IntakePolicy, Policy


def test_the_defaults_of_the_design(policy: Policy) -> None:
    minutes = 60.0
    assert policy.development.iterations_max == 10
    assert policy.development.typecheck_attempts_max == 3
    assert policy.review.ci_retries_max == 2
    assert (policy.staging.window_seconds, policy.production.window_seconds) == (5 * minutes, 15 * minutes)
    assert (policy.staging.error_rate_max, policy.production.error_rate_max) == (0.01, 0.05)
    assert policy.production.error_rate_relative_max == 0.5
    assert policy.production.burst_errors_max == 10
    assert (policy.watch.watch_seconds, policy.watch.interval_seconds) == (24 * 60 * minutes, 15 * minutes)
    assert policy.plan.auto_approve_risk == "low"
    assert policy.review.auto_merge_risk == "none"
    assert policy.intake.allowed_triggers == "owner"
    tries = {
        name: (budget.attempts_max, budget.attempt_seconds_max / minutes)
        for name, budget in vars(policy.budget).items()
        if hasattr(budget, "attempts_max")
    }
    assert tries == {"plan": (2, 2), "dev": (2, 20), "review": (1, 15), "ops": (2, 15)}
    assert (policy.budget.task_cost_usd_max, policy.budget.task_tokens_max) == (0, 0), (
        "no bound unless asked for"
    )
    assert (policy.gateway.day_usd_max, policy.gateway.project_usd_max) == (0, 0)
    assert policy.rollback.rollback_migrations
    assert policy.rollback.restore_data == "ask"
    assert (policy.alert.success_rate_min, policy.alert.rollback_rate_max) == (0.9, 0.1)


def test_a_setting_that_moved_is_there_once(policy: Policy) -> None:
    for old, new in MOVED.items():
        *rooms, name = new.split(".")[1:]
        assert hasattr(reduce(getattr, rooms, policy), name)
        *rooms, name = old.split(".")[1:]
        assert not hasattr(reduce(getattr, rooms, policy), name)


def test_the_digest_follows_every_threshold(policy: Policy) -> None:
    assert policy.digest == Policy().digest
    assert policy.digest != replace(policy, intake=IntakePolicy(request_chars_max=7_999)).digest


FIRST = "sha256:4d31a28ae89883cc6a463d4b4f82c3dcf7ce0bf224312707ec0914093f0ef0f6"


def test_an_upgrade_that_brings_new_settings_asks_nobody_again(policy: Policy) -> None:
    assert policy.digest == FIRST, "enter a new setting with its default into LATER"


def test_a_setting_that_came_later_counts_from_the_moment_it_is_set(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = policy.digest
    monkeypatch.setitem(LATER, "intake.request_chars_max", 8_000)
    without = policy.digest
    assert without != before
    assert replace(policy, intake=IntakePolicy(request_chars_max=8_001)).digest not in {before, without}
    for name, value in vars(IntakePolicy()).items():
        monkeypatch.setitem(LATER, f"intake.{name}", list(value) if isinstance(value, tuple) else value)
    assert policy.digest not in {before, without}, "a whole group that came later is left out too"
    assert replace(policy, intake=IntakePolicy(domain_words=("app",))).digest != policy.digest


def test_a_hotfix_shortens_the_windows_and_never_lengthens_them(policy: Policy) -> None:
    for environment, bounds in (("staging", policy.staging), ("production", policy.production)):
        assert policy.observation(environment, hotfix=False) == bounds
        short = policy.observation(environment, hotfix=True)
        assert short.window_seconds <= bounds.window_seconds
        assert replace(short, window_seconds=bounds.window_seconds) == bounds
    brief = replace(policy, production=replace(policy.production, window_seconds=1.0))
    assert brief.observation("production", hotfix=True).window_seconds == 1.0
