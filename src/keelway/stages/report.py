"""7. Close: tell the requester, close the issue, name the release, give back what was held."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from keelway.core.errors import KeelwayError
from keelway.core.model.event import EventKind
from keelway.core.model.handover import Closed, Live
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.release.undoing import undone_task
from keelway.core.release.version import next_version
from keelway.core.words.report import SuccessStory, success_report
from keelway.routines.ask import end_key, tell
from keelway.routines.back.feature import mark_undone
from keelway.routines.context import Context
from keelway.routines.lessons import keep_lessons
from keelway.routines.proof.sbom import keep_sbom


def close(ctx: Context, live: Live) -> Closed:
    """Close a task that is live; the release stays, so nothing here can fail it any more."""
    task, plan = live.task, live.staged.merged.patch.approved.plan
    tag = _tag(ctx, live)
    text = success_report(_story(ctx, live, tag))
    issue = live.staged.merged.patch.approved.admitted.issue
    if issue is not None:
        _try(
            ctx,
            "close issue",
            lambda: ctx.act("close issue", ctx.forge.close_issue, issue, text, key=ctx.key("close issue")),
        )
    lane = ctx.book("my lane", ctx.ledger.lease, f"lane:{ctx.project.name}", task.id)
    if lane is not None:
        ctx.book("lane back", ctx.ledger.release, lane)
    _retire(ctx)
    ctx.book("keep report", ctx.ledger.save_artefact, task.id, "report.txt", text)
    _try(ctx, "sbom", partial(keep_sbom, ctx, live))
    _try(ctx, "close workspace", partial(ctx.act, "close workspace", ctx.sandbox.close, task.name))
    ctx.record(
        EventKind.TASK_CLOSED, "closed", status=Status.DEPLOYED.value, code="live", release=live.release
    )
    if undone_task(task.request.recipe):
        mark_undone(ctx, task)
    tell(ctx, task.request.requested_by, f"{task.name} is live: {plan.title}", text, once=end_key(task))
    keep_lessons(ctx, task, Status.DEPLOYED.value, "live", "")
    return Closed(task, Status.DEPLOYED.value, "live", text, ctx.now())


def _tag(ctx: Context, live: Live) -> str:
    tags = ctx.read("tags", ctx.forge.tags)
    mine = next((name for name, sha in tags if sha == live.main_sha), "")
    if mine:
        return mine
    plan = live.staged.merged.patch.approved.plan
    name = str(next_version([name for name, _ in tags], plan.kind))
    _try(
        ctx,
        "tag",
        lambda: ctx.act(
            "tag", ctx.forge.tag, name, live.main_sha, f"{plan.title} ({live.task.name})", key=ctx.key("tag")
        ),
    )
    return name


def _story(ctx: Context, live: Live, tag: str) -> SuccessStory:
    patch = live.staged.merged.patch
    plan = patch.approved.plan
    tests = sum(check.examined for check in patch.checks if check.name in _test_names(ctx))
    bounds = ctx.policy.observation(PRODUCTION, hotfix=live.task.request.hotfix)
    return SuccessStory(
        task=live.task,
        title=plan.title,
        summary=(
            plan.approach,
            f"{len(patch.files)} files, {patch.lines} lines, {patch.iterations} iterations",
        ),
        tests=tests,
        release=f"{live.release} ({tag})",
        sha=live.main_sha,
        deployed_at=live.deployed_at,
        window_seconds=bounds.window_seconds,
        judgement=live.judgement,
        usage=plan.usage,
        previous_release=live.previous_release,
        total_seconds=(live.deployed_at - live.task.request.requested_at).total_seconds(),
        watch_seconds=ctx.policy.watch.watch_seconds,
        issue=patch.approved.admitted.issue,
    )


def _test_names(ctx: Context) -> frozenset[str]:
    return frozenset(check.name for check in ctx.project.checks if check.kind == "tests")


def _retire(ctx: Context) -> None:
    """Stop what no longer serves; the release before stays built, so that the way back stays short."""
    for environment in (STAGING, PRODUCTION):
        lease = ctx.book(f"lease:{environment}", ctx.ledger.lease, environment, ctx.scene.subject)
        if lease is None:
            continue
        state = ctx.read(f"state:{environment}", ctx.target.state, environment)
        for running in state.releases:
            idle = running.weight == 0 and running.release != state.active and running.state == "running"
            if idle:
                _try(
                    ctx,
                    "retire",
                    partial(
                        ctx.act,
                        f"retire:{environment}:{running.release}",
                        ctx.target.retire,
                        environment,
                        running.release,
                        epoch=lease.epoch,
                    ),
                )
        ctx.book(f"lease back:{environment}", ctx.ledger.release, lease)


def _try(ctx: Context, name: str, effect: Callable[[], object]) -> None:
    """Let tidying fail without failing what is live; the failure is recorded."""
    try:
        effect()
    except KeelwayError as error:
        ctx.record(EventKind.EFFECT_FAILED, f"{name}:failed", effect=name, error=error.message)
