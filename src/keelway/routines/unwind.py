"""End what did not get through: environments back, merges reverted, the commit barred, people told."""

from __future__ import annotations

from dataclasses import replace

from keelway.core.errors import KeelwayError
from keelway.core.model.event import EventKind
from keelway.core.model.handover import Closed
from keelway.core.model.lifecycle import FINAL, Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import Task
from keelway.core.model.verdict import Finding, failed
from keelway.core.words.issue import escalation_body, escalation_title, incident_body, incident_title
from keelway.core.words.report import (
    FailureStory,
    RollbackStory,
    aborted_report,
    failure_report,
    rollback_report,
)
from keelway.ports.ledger import Deployment, TaskRow
from keelway.routines.ask import end_key, tell
from keelway.routines.back.order import kept_by, made_ready, settle_git
from keelway.routines.back.span import together, undone_by
from keelway.routines.context import Context
from keelway.routines.leavings import close_rooms, let_effects_end, note_lost_merges, revert_merges, settle
from keelway.routines.lessons import keep_lessons
from keelway.routines.order import Done, RollbackOrder, Undo
from keelway.routines.outcome import StageFailed
from keelway.routines.rollout import newest_of
from keelway.routines.target.in_place import LEFT_ALONE
from keelway.routines.wayback import TakenBack, take_back

CUT_OFF = "dead_letter"
"""Code of a task whose story or stage was given up, wherever it was."""

OUTGROWN = "schema_outgrown"
"""Code of a task whose recorded steps do not fit the workflow schema of a newer Keelway."""

_ESCALATED_STAGES = {"development", "review"}
_ESCALATED_CODES = {CUT_OFF, "budget_spent"}


def undo(ctx: Context, order: Undo) -> Closed:
    """Undo whatever a task did and close it; nothing here waits for a person or a freeze.

    A task that is closed already is left as it is, unless somebody ended it while it went live.
    """
    task = order.task
    cut_off = order.kind == "aborted" or order.code in {CUT_OFF, OUTGROWN}
    row = ctx.read("row", ctx.ledger.find, task.id)
    if row.status in FINAL or (row.status is Status.DEPLOYED and not cut_off):
        close_rooms(ctx, task)
        _tell_end(ctx, order, row)
        return Closed(task, row.status.value, row.code, row.error, ctx.now())
    if cut_off and order.code != OUTGROWN:  # an upgrade begins when nobody works any more
        let_effects_end(ctx, task)
    if cut_off:
        row = ctx.read("row at rest", ctx.ledger.find, task.id)
    note_lost_merges(ctx, task, row)
    taken = settle(ctx, PRODUCTION, task.id, also_live=cut_off, fence=cut_off)
    settle(ctx, STAGING, task.id, also_live=True, fence=cut_off)
    back = [taken] if taken else []
    touched = _touched_production(ctx, task)
    reverted = revert_merges(ctx, task, row, order.message)
    status = _status(order, row, touched=touched is not None and not _left_alone(touched))
    issue = _documented(ctx, order, row, touched)
    close_rooms(ctx, task)
    text = _text(order, row, touched, back, reverted, issue)
    ctx.book("keep report", ctx.ledger.save_artefact, task.id, "report.txt", text)
    ctx.move(status, error=order.message[:2_000], code=order.code, **_when(ctx, status))
    ctx.record(EventKind.TASK_CLOSED, "closed", status=status.value, code=order.code)
    tell(ctx, task.request.requested_by, _subject(task, status), text, once=end_key(task))
    keep_lessons(ctx, task, status.value, order.code, order.message)
    return Closed(task, status.value, order.code, text, ctx.now())


def _tell_end(ctx: Context, order: Undo, row: TaskRow) -> None:
    """Tell how a closed task ended, unless that was told: what closed it may have broken before it could."""
    task, status = order.task, row.status
    text = f"{task.name} is closed: {status.value.replace('_', ' ')}. {row.error}".rstrip()
    if status is Status.DEPLOYED:
        text = f"{task.name} is live and stays live. What follows could not be finished: {order.message}"
    text = f"{text}\n\nNext: keelway show {task.name}\n"
    tell(ctx, task.request.requested_by, _subject(task, status), text, once=end_key(task))


def _subject(task: Task, status: Status) -> str:
    return f"{task.name} {'is live' if status is Status.DEPLOYED else status.value.replace('_', ' ')}"


def roll_back(ctx: Context, order: RollbackOrder) -> Done:
    """Take a live release back because a person, or the watch by policy, said so.

    Raises:
        RequestRefused: there is nothing to take back, or nothing to go back to.
        StageFailed: the commit to go back to cannot be built.
    """
    history = ctx.read("deployments", ctx.ledger.deployments, order.environment)
    bad = _bad(ctx, history, order)
    lease = ctx.book("lease", ctx.ledger.lease, order.environment, order.id, take_over=True)
    if lease is None:
        raise StageFailed("no_lease", f"The lease of {order.environment} could not be taken over.")
    try:
        merged = made_ready(ctx, together(bad, order.to_release, order.to_sha), order)
    except KeelwayError:
        ctx.book("lease back", ctx.ledger.release, lease)
        raise
    taken = take_back(ctx, merged, lease, by_person=order.by.channel != "system")
    ctx.book("lease back", ctx.ledger.release, lease)
    for deployment in bad[1:]:
        ctx.book(
            f"rolled back:{deployment.id}",
            ctx.ledger.save_deployment,
            replace(deployment, status="rolled_back"),
        )
    by_hand = [deployment for deployment in bad if not _undo_task(ctx, deployment, order, taken)]
    after = settle_git(ctx, order, merged, by_hand, taken)
    return Done(taken.verified, f"{_summary(order, bad[0], taken)}{after}", taken.release)


def _bad(ctx: Context, history: tuple[Deployment, ...], order: RollbackOrder) -> tuple[Deployment, ...]:
    """Return the deployments to undo, newest first."""
    keep = kept_by(ctx, history, order.to_sha) if order.to_sha else None
    return undone_by(history, order.environment, order.to_release, keep=keep)


def _undo_task(ctx: Context, deployment: Deployment, order: RollbackOrder, taken: TakenBack) -> bool:
    """Revert and close the task of one deployment that was taken back; ``False`` when a person deployed it."""
    try:
        row = ctx.read(f"task:{deployment.id}", ctx.ledger.find, deployment.task)
    except KeelwayError:
        return False
    task = row.task
    if order.environment == PRODUCTION:
        settle(ctx, STAGING, task.id, also_live=True)
    reverted = revert_merges(ctx, task, row, order.reason)
    story = _story(task, row, deployment, order.reason, [taken], reverted)
    now = ctx.now()
    if row.status is Status.DEPLOYED:
        ctx.book(
            f"status:{task.id}",
            ctx.ledger.move,
            task.id,
            Status.ROLLED_BACK,
            error=order.reason[:2_000],
            code="rolled_back_on_order",
            rolled_back_at=now,
        )
    else:
        ctx.book(f"asked:{task.id}", ctx.ledger.amend, task.id, rollback_by=str(order.by))
    tell(ctx, task.request.requested_by, f"{task.name} rolled back", rollback_report(story))
    if row.status is Status.DEPLOYED:
        keep_lessons(ctx, task, Status.ROLLED_BACK.value, "rolled_back_on_order", order.reason, str(order.by))
    return True


def _touched_production(ctx: Context, task: Task) -> Deployment | None:
    history = ctx.read("production history", ctx.ledger.deployments, PRODUCTION)
    return newest_of(history, task.id)


def _status(order: Undo, row: TaskRow, *, touched: bool) -> Status:
    if row.status is Status.DEPLOYED or (touched and row.status in {Status.OBSERVING, Status.PROMOTING}):
        return Status.ROLLED_BACK
    return Status.ABORTED if order.kind == "aborted" else Status.FAILED


def _left_alone(deployment: Deployment) -> bool:
    """Tell whether the release before was live all the time."""
    return bool(deployment.figures.get(LEFT_ALONE))


def _when(ctx: Context, status: Status) -> dict[str, object]:
    return {"rolled_back_at": ctx.now()} if status is Status.ROLLED_BACK else {}


def _documented(ctx: Context, order: Undo, row: TaskRow, touched: Deployment | None) -> int | None:
    """Document the end; a forge that does not answer keeps nothing from being closed and told."""
    try:
        return _document(ctx, order, row, touched)
    except KeelwayError as error:
        ctx.record(EventKind.EFFECT_FAILED, "document", effect="document", error=error.message)
        return None


def _document(ctx: Context, order: Undo, row: TaskRow, touched: Deployment | None) -> int | None:
    """Open an incident for production, or an issue that names what blocks development."""
    task = order.task
    if touched is not None:
        title = incident_title(task, PRODUCTION, order.message[:200])
        story = _story(task, row, touched, order.message, [], ())
        body = incident_body(story, ctx.now(), (f"{touched.started_at:%H:%M:%S} deployed {touched.release}",))
        number = ctx.book("incident", ctx.ledger.open_incident, task.id, title, body, ctx.key("incident"))
        ctx.record(EventKind.INCIDENT_OPENED, "incident", number=number)
        return number
    if order.kind == "failed" and _escalates(order):
        seconds = (ctx.now() - task.request.requested_at).total_seconds()
        body = escalation_body(
            task, iterations=row.iterations, seconds=seconds, findings=_findings(order), output=order.message
        )
        title = escalation_title(task, order.code)
        return ctx.act("issue", ctx.forge.open_issue, title, body, ("agent-blocked",), key=ctx.key("issue"))
    return None


def _escalates(order: Undo) -> bool:
    """Tell whether a person has to look: the agent is stuck, a budget is spent or a fault did not pass."""
    tried = any("tries" in finding.evidence for finding in order.findings)
    return tried or order.stage in _ESCALATED_STAGES or order.code in _ESCALATED_CODES


def _findings(order: Undo) -> tuple[Finding, ...]:
    return order.findings or (failed(order.code, order.message),)


def _text(
    order: Undo,
    row: TaskRow,
    touched: Deployment | None,
    back: list[TakenBack],
    reverted: tuple[str, ...],
    issue: int | None,
) -> str:
    task = order.task
    done = tuple(f"The merge was reverted by {sha[:12]}." for sha in reverted) or (
        "Nothing was left merged.",
    )
    if order.kind == "aborted":
        return aborted_report(task, row.abort_by or order.message, "", done)
    if touched is not None and _left_alone(touched):
        done = (*done, f"{touched.previous_release} was live all the time, so nothing was rolled back.")
    elif touched is not None:
        return rollback_report(
            replace(_story(task, row, touched, order.message, back, reverted), issue=issue)
        )
    title = str((row.plan or {}).get("title", task.request.text))
    return failure_report(
        FailureStory(
            task=task, title=title, stage=order.stage, findings=_findings(order), done=done, issue=issue
        )
    )


def _story(
    task: Task,
    row: TaskRow,
    deployment: Deployment,
    reason: str,
    back: list[TakenBack],
    reverted: tuple[str, ...],
) -> RollbackStory:
    figures = deployment.figures
    taken = back[0] if back else None
    return RollbackStory(
        task=task,
        title=str((row.plan or {}).get("title", task.request.text)),
        environment=deployment.environment,
        reason=reason,
        bad_release=deployment.release,
        good_release=taken.release if taken else figures.get("back_release") or deployment.previous_release,
        error_rate=figures.get("rate_after"),
        baseline_rate=figures.get("rate_before"),
        requests=figures.get("requests"),
        observed_seconds=figures.get("observed_seconds"),
        traffic_seconds=taken.traffic_seconds if taken else figures.get("back_traffic_seconds"),
        total_seconds=taken.total_seconds if taken else figures.get("back_seconds"),
        rows_lost=taken.rows_lost if taken else figures.get("back_rows_lost"),
        reverted_sha=reverted[0] if reverted else "",
        quarantined=bool(reverted),
        verified=taken.verified if taken else bool(figures.get("back_verified", False)),
    )


def _summary(order: RollbackOrder, bad: Deployment, taken: TakenBack) -> str:
    if not taken.verified:
        return f"{order.environment} could not be taken back from {bad.release}. {taken.detail}"
    return f"{order.environment} runs {taken.release} again instead of {bad.release}."
