"""While an agent iterates, ask the tests that belong to its changes first; they can only say no."""

from __future__ import annotations

from keelway.core.judge.flaky import red
from keelway.core.model.diff import Diff
from keelway.core.model.verdict import Finding, failed, passed
from keelway.ports.ci import CheckJob, CheckReport
from keelway.routines.context import Context

_PATCH = "related"


def related(ctx: Context, turn: int, diff: Diff) -> CheckReport | None:
    """Run the quicker commands on the changed files; ``None`` when no check has one.

    A run that began before there was this layer goes on without it.
    """
    names = tuple(check.name for check in ctx.project.checks if check.related)
    changed = tuple(sorted(delta.path for delta in diff.files if delta.status != "D"))
    if not names or not changed or not ctx.engine.patch(_PATCH):
        return None
    job = CheckJob(diff.head_sha, names, purpose="related", task=ctx.scene.subject, changed=changed)
    return ctx.act(f"related:{turn}", ctx.ci.check, job)


def ends_early(report: CheckReport, failing: frozenset[str]) -> tuple[Finding, ...]:
    """Return why the iteration ends here; what did not run, or fails on the base too, leaves it to the full suite."""
    bad = [command.name for command in report.commands if command.examined > 0 and not command.passed]
    reds = red(report.tests)
    if not bad or (reds and reds <= failing):
        return ()
    said = f"What belongs to the changed files does not pass ({', '.join(bad)}); the full suite was not run."
    return (failed("related_failed", said, examined=len(bad)),)


def listed(report: CheckReport | None) -> tuple[Finding, ...]:
    """Say how many related tests went before the full suite; that proves nothing, so it is never needed."""
    examined = sum(command.examined for command in report.commands) if report is not None else 0
    if not examined:
        return ()
    return (passed("related_first", f"{examined} related test(s) were asked first.", examined=examined),)
