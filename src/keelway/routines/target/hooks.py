"""Run the hooks of the project around a deployment and its way back, from a protected commit."""

from __future__ import annotations

from keelway.core.errors import KeelwayError
from keelway.core.model.event import EventKind
from keelway.core.target.hook import Moment
from keelway.ports.hook import HookCall, HookDone
from keelway.ports.ledger import Deployment
from keelway.routines.context import Context
from keelway.routines.outcome import StageFailed


def insist_hook(ctx: Context, moment: Moment, facts: dict[str, str]) -> None:
    """Run a hook of a deployment, which must end well; without a folder of hooks do nothing.

    Raises:
        StageFailed: it failed (``hook_failed``).
    """
    done = _run(ctx, moment, facts)
    if done is not None and done.wrong:
        raise StageFailed("hook_failed", f"The hook {done.wrong}", "correct the hook on the base branch")


def try_hook(ctx: Context, moment: Moment, facts: dict[str, str]) -> str:
    """Run a hook of a way back, which nothing may hold up; return "" or why it failed."""
    try:
        done = _run(ctx, moment, facts)
        wrong = done.wrong if done is not None else ""
    except KeelwayError as error:
        wrong = f"{moment.value} could not be looked for: {error.message}"
    if not wrong:
        return ""
    data = {"effect": f"hook {moment.value}", "error": wrong}
    ctx.record(EventKind.EFFECT_FAILED, f"hook:{facts['KEELWAY_ENVIRONMENT']}:{moment.value}:failed", **data)
    return f"The hook {wrong}"


def facts_of_way(ctx: Context, deployment: Deployment) -> dict[str, str]:
    """Return what a hook of a way back is told."""
    told = facts_of_deploy(ctx, deployment.environment, deployment.release, deployment.sha)
    return told | {
        "KEELWAY_PREVIOUS_RELEASE": deployment.previous_release,
        "KEELWAY_PREVIOUS_SHA": deployment.previous_sha,
    }


def facts_of_deploy(ctx: Context, environment: str, release: str, sha: str) -> dict[str, str]:
    """Return what a hook of a deployment is told."""
    spec = ctx.project.environment(environment)
    return {
        "KEELWAY_PROJECT": ctx.project.name,
        "KEELWAY_ENVIRONMENT": environment,
        "KEELWAY_RELEASE": release,
        "KEELWAY_SHA": sha,
        "KEELWAY_URL": spec.address,
        "KEELWAY_TASK": ctx.scene.subject if ctx.scene.has_task else "",
        "KEELWAY_ORDER": "" if ctx.scene.has_task else ctx.scene.subject,
    }


def _run(ctx: Context, moment: Moment, facts: dict[str, str]) -> HookDone | None:
    spec = ctx.project.hooks
    if not spec.folder:
        return None
    where = f"{facts['KEELWAY_ENVIRONMENT']}:{moment.value}"
    commit = ctx.policy_base or ctx.read(
        f"hook base:{where}", ctx.forge.head, ctx.project.branches.integration
    )
    told = facts | {"KEELWAY_KEY": ctx.key(f"hook:{where}")}
    call = HookCall(moment.value, commit, spec.limit_of(moment), told)
    return ctx.act(f"hook:{where}", ctx.hook.run, call)
