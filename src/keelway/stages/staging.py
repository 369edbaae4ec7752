"""5. Rehearse: deploy to staging, look twice, and walk the way back before it is needed."""

from __future__ import annotations

from keelway.core.codec import to_json
from keelway.core.errors import KeelwayError
from keelway.core.gate.observed import Observed
from keelway.core.gate.staging import StagingFacts, judge_staging
from keelway.core.migration.dry_run import judge_dry_run
from keelway.core.model.handover import Merged, Staged
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import STAGING
from keelway.core.model.verdict import Finding, failed, passed
from keelway.ports.ledger import Lease
from keelway.routines import health
from keelway.routines.consent.allow import allow
from keelway.routines.context import Context
from keelway.routines.data.dry_run import try_on_copy
from keelway.routines.observe import baseline, figures_of, new_exceptions, observe, sentence_of
from keelway.routines.outcome import Aborted, StageFailed
from keelway.routines.rehearse import Rehearsal, rehearse_way_back
from keelway.routines.rollout import Deployed, deploy, finish, hold
from keelway.routines.wayback import take_back_unsettled


def rehearse(ctx: Context, merged: Merged) -> Staged:
    """Prove on staging that the release is healthy and that it can be taken back.

    Raises:
        Held: a person has to allow the deploy.
        StageFailed: a person said no, or staging was not healthy; it runs the previous release again.
        Waiting: somebody else acts on staging.
    """
    if STAGING in ctx.policy.review.approve_stages:
        why = "the policy asks a person before every deploy to staging"
        allow(ctx, merged, "deploy", STAGING, why)
    lease = hold(ctx, STAGING)
    try:
        staged = _stage(ctx, merged, lease)
    except (StageFailed, Aborted, KeelwayError):
        take_back_unsettled(ctx, STAGING, lease)
        raise
    ctx.book("lease back", ctx.ledger.release, lease)
    ctx.move(Status.PROMOTING)
    return staged


def _stage(ctx: Context, merged: Merged, lease: Lease) -> Staged:
    plan = merged.patch.approved.plan
    bounds = ctx.policy.observation(STAGING, hotfix=merged.task.request.hotfix)
    history = baseline(ctx, STAGING, bounds)
    deployed = deploy(ctx, STAGING, merged.merge_sha, lease)
    ctx.move(Status.OBSERVING)
    first = health.probe(ctx, STAGING, "first", deployed.deployment.release)
    watched = observe(ctx, deployed.deployment, history, bounds)
    if watched.asked_by:
        raise StageFailed("rollback_asked", f"{watched.asked_by} asked to take the release back.")
    tried = try_on_copy(ctx, deployed)
    rehearsal = rehearse_way_back(ctx, deployed, lease)
    facts = StagingFacts(
        probes_first=first,
        probes_second=health.probe(ctx, STAGING, "second", deployed.deployment.release),
        acceptance=health.accept(ctx, STAGING, plan, "staging"),
        acceptance_expected=len(plan.probes),
        new_exceptions=new_exceptions(ctx, watched, deployed.deployment, bounds.history_seconds),
        judgement=Observed(watched.judgement.decision.value, sentence_of(watched.judgement)),
        old_release_boots=_boots(deployed, rehearsal),
        rehearsal=rehearsal.finding,
        dry_run=judge_dry_run(tried, ctx.policy.migration, down_needed=bool(deployed.previous_boots))
        if tried
        else (),
    )
    verdict = ctx.judged(judge_staging(facts, bounds), commit=merged.merge_sha)
    if not verdict.passed:
        raise StageFailed.by_gate(verdict)
    more = {**figures_of(watched), **({"dry_run": to_json(tried)} if tried else {})}
    done = finish(ctx, deployed.deployment, "live", rehearsal_seconds=rehearsal.seconds, **more)
    proven = tried.down_proven if tried else None
    return Staged(merged, done.release, done.id, rehearsal.seconds, sentence_of(watched.judgement), proven)


def _boots(deployed: Deployed, rehearsal: Rehearsal) -> Finding:
    previous = deployed.deployment.previous_release
    if not deployed.previous_boots:
        return passed(
            "previous_boots", f"The previous release {previous or '(none)'} runs on the new schema."
        )
    if rehearsal.migrated:
        return passed(
            "previous_boots_after_down",
            f"The previous release {previous} needs the schema taken down first, which was rehearsed.",
        )
    return failed(
        "previous_does_not_boot", f"{previous} does not run on the new schema: {deployed.previous_boots}"
    )
