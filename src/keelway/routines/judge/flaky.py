"""Excuse red tests that say nothing against a patch: proven on the base, bounded, and booked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from keelway.core.judge.flaky import Excused, green, judge_flaky, red, suspects
from keelway.core.judge.tests import TestResult
from keelway.core.model.event import EventKind
from keelway.core.model.verdict import Finding, Ruling
from keelway.ports.ci import CheckJob, CheckReport
from keelway.routines.context import Context

_PATCH = "flaky"
_TESTS_FAILED = 1
"""What runners end with when tests failed; every other code is trouble of another kind."""


@dataclass(frozen=True)
class Yardstick:
    """Hold what the tests of the base did on the base."""

    sha: str
    passing: frozenset[str]
    failing: frozenset[str]
    altered: tuple[str, ...]
    """Test files that the patch may alter: what is red there is its own."""


def excuse(
    ctx: Context, name: str, base: Yardstick, results: tuple[TestResult, ...], sha: str, before: Excused
) -> Excused:
    """Find out which red tests fail on the base as well, or fail there by chance.

    The suspects are run again alone on the base, and only what fails there now is run again with the patch.
    A run that began before there was this layer excuses none for being flaky.

    Args:
        ctx: the context of the stage.
        name: names the step.
        base: the yardstick.
        results: how the tests ended with the patch.
        sha: the commit or tree that they ran on.
        before: what is excused already.
    """
    policy, altered = ctx.policy.development, base.altered
    known = frozenset(each for each in red(results) & base.failing if not each.startswith(altered))
    so_far = Excused(before.known | known, before.flaky)
    names = suspects(results, base.passing, so_far.ids, altered) - so_far.flaky
    if not names or len(names) > policy.flaky_max or policy.flaky_runs < 1 or not ctx.engine.patch(_PATCH):
        return so_far
    fickle = names & red(_again(ctx, f"flaky:{name}", base.sha, names))
    if not fickle:
        return so_far
    again = _again(ctx, f"flaky:{name}:patch", sha, fickle)
    return replace(so_far, flaky=so_far.flaky | (fickle & green(again)))


def _again(ctx: Context, name: str, sha: str, names: frozenset[str]) -> tuple[TestResult, ...]:
    """Run some tests alone on one commit, in one checkout and so often as the policy says."""
    checks = tuple(check.name for check in ctx.project.checks if check.kind == "tests")
    job = CheckJob(
        sha,
        checks,
        purpose="flaky",
        task=ctx.scene.subject,
        only=tuple(sorted(names)),
        repeat=ctx.policy.development.flaky_runs,
    )
    return ctx.act(name, ctx.ci.check, job).tests


def forgive(ctx: Context, report: CheckReport, excused: Excused) -> CheckReport:
    """Return a report in which a command that failed by nothing but excused tests has passed."""
    reds = red(report.tests)
    if not reds or reds - excused.ids:
        return report
    tests = {check.name for check in ctx.project.checks if check.kind == "tests"}
    commands = tuple(
        replace(command, exit_code=0)
        if command.name in tests and command.exit_code == _TESTS_FAILED and not command.timed_out
        else command
        for command in report.commands
    )
    return replace(report, commands=commands)


def book_flaky(ctx: Context, turn: int, base: Yardstick, excused: Excused) -> tuple[Finding, ...]:
    """Judge how many tests are flaky, and book them so that somebody repairs them."""
    findings = judge_flaky(excused.flaky, ctx.policy.development.flaky_max)
    if findings:
        counted = all(finding.ruling is Ruling.PASS for finding in findings)
        tests = sorted(excused.flaky)
        ctx.record(EventKind.TESTS_FLAKY, f"flaky:{turn}", tests=tests, base_sha=base.sha, excused=counted)
    return findings
