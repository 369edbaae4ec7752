"""6. Ship: promote what was staged, snapshot, deploy, watch under traffic, keep it or take it back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from keelway.core.errors import KeelwayError
from keelway.core.gate.deploy import judge_deploy, merge_binding, never_alone
from keelway.core.gate.observed import Observed
from keelway.core.gate.production import ProductionFacts, judge_production
from keelway.core.model.event import EventKind
from keelway.core.model.handover import Live, Staged
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.core.model.verdict import Ruling, Verdict, passed
from keelway.core.policy import ObservationPolicy
from keelway.core.words.commit import promotion_commit, promotion_title
from keelway.core.words.pr import promotion_body
from keelway.ports.forge import PullDraft
from keelway.ports.ledger import Deployment, Lease
from keelway.routines import health
from keelway.routines.ask import answer_to
from keelway.routines.back.fresh import why_not_drilled
from keelway.routines.consent.allow import allow
from keelway.routines.context import Context
from keelway.routines.observe import Observation, baseline, figures_of, new_exceptions, observe, sentence_of
from keelway.routines.outcome import Aborted, StageFailed
from keelway.routines.rollout import deploy, finish, hold, newest_of
from keelway.routines.wayback import UNSETTLED, take_back_unsettled

_LIMITS = passed("limits_in_judgement", "The hard limits are part of the judgement on the numbers.")


def ship(ctx: Context, staged: Staged) -> Live:
    """Bring exactly the staged tree to production and keep it only if it holds its limits.

    Raises:
        Held: a person has to allow the deploy, or to decide about too little evidence.
        StageFailed: the gate said no; traffic is on the previous release again.
        Waiting: somebody else acts on production.
    """
    lease = hold(ctx, PRODUCTION)
    try:
        live = _resume(ctx, staged) or _first(ctx, staged, lease)
    except (StageFailed, Aborted, KeelwayError):
        take_back_unsettled(ctx, PRODUCTION, lease)
        raise
    with suppress(KeelwayError):  # it is live: who reports it gives back what is left
        ctx.book("lease back", ctx.ledger.release, lease)
    return live


def _first(ctx: Context, staged: Staged, lease: Lease) -> Live:
    if why := _why_asked(ctx, staged):
        allow(ctx, staged.merged, "deploy", PRODUCTION, why)
    main_sha = _promote(ctx, staged)
    bounds = ctx.policy.observation(PRODUCTION, hotfix=staged.task.request.hotfix)
    history = baseline(ctx, PRODUCTION, bounds)
    known = {} if staged.down_proven is None else {"down_proven": staged.down_proven}
    deployed = deploy(ctx, PRODUCTION, main_sha, lease, **known)
    ctx.move(Status.OBSERVING, commit_sha=main_sha)
    watched = observe(ctx, deployed.deployment, history, bounds)
    deployment = _with_figures(ctx, deployed.deployment, watched)
    if watched.asked_by:
        raise StageFailed("rollback_asked", f"{watched.asked_by} asked to take the release back.")
    verdict = _judge(ctx, staged, deployment, watched)
    if verdict.ruling is Ruling.FAIL:
        raise StageFailed.by_gate(verdict)
    if verdict.ruling is Ruling.HOLD:
        allow(ctx, staged.merged, "keep", PRODUCTION, verdict.reasons[0].message)
    return _keep(ctx, staged, deployment)


def _why_asked(ctx: Context, staged: Staged) -> str:
    """Say why a person is asked before the deploy, empty when none is."""
    stale = why_not_drilled(ctx)
    if PRODUCTION in ctx.policy.review.approve_stages:
        return f"the policy asks a person before every deploy to production{stale and f'; {stale}'}"
    patch, tables = staged.merged.patch, ctx.policy.category
    if not never_alone(patch, tables):
        return stale
    binding = merge_binding(patch, ctx.policy.digest)
    merge = answer_to(ctx, binding, staged.task.request.requested_by, patch.risk)
    asked = judge_deploy(patch, tables, merge_approved=merge.ruling is Ruling.PASS)
    return stale if asked.ruling is Ruling.PASS else f"{asked.message}{stale and f'; {stale}'}"


def _resume(ctx: Context, staged: Staged) -> Live | None:
    """Go on after a person was asked whether to keep a release that is in production already."""
    history = ctx.read("mine", ctx.ledger.deployments, PRODUCTION)
    mine = newest_of(history, staged.task.id)
    if mine is None or mine.status not in UNSETTLED or "judgement" not in mine.figures:
        return None
    allow(ctx, staged.merged, "keep", PRODUCTION, str(mine.figures["judgement"]))
    return _keep(ctx, staged, mine)


def _promote(ctx: Context, staged: Staged) -> str:
    """Merge the staged commit into the production branch; its tree has to be the staged tree.

    Raises:
        StageFailed: the production branch holds something that staging never saw.
    """
    branches, merged = ctx.project.branches, staged.merged
    main_before = ctx.read("main", ctx.forge.head, branches.production)
    draft = PullDraft(
        staged.task.name,
        promotion_title(branches.integration, branches.production, staged.task),
        promotion_body(
            staged.task,
            staging=staged.judgement,
            sha=merged.merge_sha,
            way_back=f"rehearsed on staging in {staged.rehearsal_seconds:.1f} s",
        ),
        branches.production,
        branches.integration,
        merged.merge_sha,
        ("promotion",),
    )
    pull = ctx.act("open promotion", ctx.forge.open_pull, draft, key=ctx.key("open promotion"))
    merge = ctx.act(
        "promote",
        ctx.forge.merge,
        pull.number,
        head_sha=merged.merge_sha,
        base_sha=main_before,
        message=promotion_commit(branches.integration, branches.production, staged.task),
        squash=False,
        key=ctx.key("promote"),
    )
    ctx.record(
        EventKind.MERGED, "promoted", branch=branches.production, sha=merge.sha, pull_request=pull.number
    )
    if merge.tree_sha != merged.tree_sha:
        raise StageFailed(
            "promotion_differs",
            f"{branches.production} would ship another tree than the staged one; it holds commits that "
            f"{branches.integration} lacks.",
            f"merge {branches.production} into {branches.integration}, then keelway retry {staged.task.name}",
        )
    return merge.sha


def _with_figures(ctx: Context, deployment: Deployment, watched: Observation) -> Deployment:
    done = replace(deployment, figures={**deployment.figures, **figures_of(watched)})
    ctx.book("deployment:figures", ctx.ledger.save_deployment, done)
    return done


def _judge(ctx: Context, staged: Staged, deployment: Deployment, watched: Observation) -> Verdict:
    bounds = ctx.policy.observation(PRODUCTION, hotfix=staged.task.request.hotfix)
    plan = staged.merged.patch.approved.plan
    judged = Observed(watched.judgement.decision.value, sentence_of(watched.judgement))
    if judged.decision == "rollback":
        return ctx.judged(_bad_numbers(watched, judged, bounds), commit=deployment.sha)
    workers = health.workers(ctx, PRODUCTION, deployment.release, "last")
    facts = ProductionFacts(
        probes=health.probe(ctx, PRODUCTION, "last", deployment.release),
        acceptance=health.accept(ctx, PRODUCTION, plan, "production"),
        acceptance_expected=len(plan.probes),
        limits=(_LIMITS,),
        workers=workers,
        workers_expected=len(workers),
        new_exceptions=new_exceptions(ctx, watched, deployment, bounds.history_seconds),
        judgement=judged,
        measure_errors=0,
    )
    return ctx.judged(judge_production(facts, bounds), commit=deployment.sha)


def _bad_numbers(watched: Observation, judged: Observed, bounds: ObservationPolicy) -> Verdict:
    """Fail on the numbers alone: nothing that takes time stands between them and the way back."""
    facts = ProductionFacts(
        probes=tuple(map(health.finding_of, watched.probes)),
        acceptance=(),
        acceptance_expected=0,
        limits=(_LIMITS,),
        workers=(),
        workers_expected=0,
        new_exceptions=(),
        judgement=judged,
        measure_errors=0,
    )
    return judge_production(facts, bounds)


def _keep(ctx: Context, staged: Staged, deployment: Deployment) -> Live:
    done = finish(ctx, deployment, "live")
    now = ctx.now()
    ctx.move(Status.DEPLOYED, deployed_at=now, commit_sha=done.sha)
    return Live(
        staged,
        done.release,
        done.sha,
        done.id,
        done.previous_release,
        now,
        str(done.figures.get("judgement", "")),
    )
