"""Take an environment back to a good release: the decision table decides, this room walks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from keelway.core.errors import KeelwayError, StaleEpoch
from keelway.core.model.event import EventKind
from keelway.core.model.task import Actor
from keelway.core.model.verdict import Ruling
from keelway.core.release.rollback import Step, WayBack, WayBackFacts, choose_way_back
from keelway.core.target.hook import Moment
from keelway.core.words.alert import page
from keelway.ports.backup import Backup, Loss
from keelway.ports.ledger import Deployment, Lease
from keelway.routines import health
from keelway.routines.ask import tell
from keelway.routines.context import Context
from keelway.routines.rollout import newest_of, stop_bad
from keelway.routines.situation import backup_of, facts_of
from keelway.routines.target.hooks import facts_of_way, try_hook
from keelway.routines.target.in_place import leave_alone
from keelway.routines.target.operator import hand_over

UNSETTLED = frozenset({"running", "observing"})
"""States of a deployment about which no verdict has been acted on."""

TRIES_MAX = 4
"""How often the table is asked again after a step of a way failed."""


@dataclass(frozen=True)
class TakenBack:
    """State where an environment was taken back to, how fast and at what price."""

    verified: bool
    release: str
    """The release that serves now; empty when none could be reached."""
    traffic_seconds: float | None = None
    """From the order until the front gave all traffic to the good release."""
    total_seconds: float = 0.0
    rows_lost: int | None = None
    """Rows that a restore cost; ``None`` when nothing was restored."""
    detail: str = ""


@dataclass
class _Walk:
    """Keep what one way back has found out; all of it comes from recorded steps."""

    ctx: Context
    deployment: Deployment
    lease: Lease
    facts: WayBackFacts
    backup: Backup | None
    release: str = ""
    traffic_seconds: float | None = None
    rows_lost: int | None = None
    failures: tuple[str, ...] = ()


def take_back(ctx: Context, deployment: Deployment, lease: Lease, *, by_person: bool = False) -> TakenBack:
    """Undo a deployment: traffic first, then code, then migrations, then data; verify; never give up silently.

    Nothing holds this up once it has begun. It does not raise for a step that fails: the table is
    asked again with what is known then, and ends with a freeze and a page.
    """
    ctx.recovering = True
    began = ctx.now()
    where = deployment.environment
    ctx.record(
        EventKind.ROLLBACK_STARTED, f"back:{where}:begin", environment=where, release=deployment.release
    )
    early_seconds = _traffic_first(ctx, deployment, lease, began)
    told = facts_of_way(ctx, deployment)
    hooked = try_hook(ctx, Moment.PRE_ROLLBACK, told)
    walk = _Walk(ctx, deployment, lease, facts_of(ctx, deployment, by_person), backup_of(deployment))
    walk.traffic_seconds = early_seconds
    verified = False
    for turn in range(1, TRIES_MAX + 1):
        way = choose_way_back(walk.facts, ctx.policy.rollback)
        if _walk(walk, way, turn, began):
            verified = not way.needs_person
            break
    seconds = (ctx.now() - began).total_seconds()
    hooked = f"{hooked} {try_hook(ctx, Moment.POST_ROLLBACK, told | {'KEELWAY_LIVE': walk.release})}".strip()
    detail = " ".join((*walk.failures, hooked)).strip()
    ctx.record(
        EventKind.ROLLBACK_FINISHED,
        f"back:{where}:end",
        environment=where,
        release=walk.release,
        verified=verified,
        traffic_seconds=walk.traffic_seconds,
        total_seconds=seconds,
        rows_lost=walk.rows_lost,
    )
    figures = {
        **deployment.figures,
        "back_seconds": seconds,
        "back_traffic_seconds": walk.traffic_seconds,
        "back_verified": verified,
        "back_rows_lost": walk.rows_lost,
        "back_release": walk.release,
    }
    done = replace(deployment, status="rolled_back", finished_at=ctx.now(), figures=figures)
    ctx.book(f"back:{where}:deployment", ctx.ledger.save_deployment, done)
    if verified and walk.release != deployment.release:
        stop_bad(ctx, deployment, lease)
    return TakenBack(verified, walk.release, walk.traffic_seconds, seconds, walk.rows_lost, detail)


def _traffic_first(ctx: Context, deployment: Deployment, lease: Lease, began: datetime) -> float | None:
    """Give the traffic to the release before at once when it still runs; everything else is thought over after.

    It has served on this schema already, between the migration and the switch.
    """
    state = ctx.read("back:warm", ctx.target.state, deployment.environment)
    warm = any(
        running.release == deployment.previous_release and running.state == "running"
        for running in state.releases
    )
    if not warm:
        return None
    try:
        ctx.act(
            f"back:{deployment.environment}:at once",
            ctx.target.switch,
            deployment.environment,
            {deployment.previous_release: 100},
            epoch=lease.epoch,
        )
    except KeelwayError:
        return None  # the table below finds another way
    return (ctx.now() - began).total_seconds()


def take_back_unsettled(
    ctx: Context, environment: str, lease: Lease, *, task: str = "", also_live: bool = False
) -> TakenBack | None:
    """Take back what a task left in an environment without a verdict, or with one that no longer holds.

    With ``also_live`` a release that passed is taken back as well, as long as nothing newer is live there.
    """
    history = ctx.read(f"unsettled:{environment}", ctx.ledger.deployments, environment)
    mine = newest_of(history, task or ctx.scene.subject)
    newest = next((entry for entry in history if entry.status == "live"), None)
    if mine is None or (mine.previous_release and leave_alone(ctx, mine)):
        return None
    if not mine.previous_release:  # a first release that failed: there is nothing to go back to
        if mine.status in UNSETTLED:
            ctx.book(f"failed:{environment}", ctx.ledger.save_deployment, replace(mine, status="failed"))
        return None
    if mine.status in UNSETTLED or (also_live and newest is not None and mine.id == newest.id):
        return take_back(ctx, mine, lease)
    return None


def _walk(walk: _Walk, way: WayBack, turn: int, began: datetime) -> bool:
    """Carry out the steps of a way; ``False`` when one failed and the table has to be asked again."""
    ctx = walk.ctx
    walk.release = way.release or walk.release
    for step in way.steps:
        effect = _EFFECTS.get(step)
        if effect is None:
            continue  # the branch is reverted and the commit quarantined by the run that follows
        try:
            effect(walk, way, f"back:{walk.deployment.environment}:{turn}:{step.value}")
        except StaleEpoch as error:
            walk.failures = (*walk.failures, error.message)
            return True
        except KeelwayError as error:
            walk.failures = (*walk.failures, error.message)
            walk.facts = _worse(walk.facts, way, step)
            ctx.record(
                EventKind.ROLLBACK_STEP,
                f"{walk.deployment.environment}:{turn}:{step.value}:failed",
                step=step.value,
                error=error.message,
            )
            return False
        if step is Step.SWITCH_TRAFFIC and walk.traffic_seconds is None:
            walk.traffic_seconds = (ctx.now() - began).total_seconds()
    return True


def _worse(facts: WayBackFacts, way: WayBack, step: Step) -> WayBackFacts:
    """Return what is known after a step failed, so that the table chooses another row."""
    if step is Step.MIGRATE_DOWN:
        return replace(facts, down_failed=True)
    if step is Step.RESTORE_DATA:
        return replace(facts, backup_verified=False)
    if way.release == facts.next_good:
        return replace(facts, next_good="")
    if facts.migrated and facts.previous_fits is not False and step is not Step.VERIFY:
        return replace(facts, previous_fits=False, previous_warm=False)
    return replace(facts, previous_good=False)


def _start(walk: _Walk, way: WayBack, name: str) -> None:
    hand_over(walk.ctx, walk.deployment.environment, way.release, back=True)
    walk.ctx.act(
        name, walk.ctx.target.start, walk.deployment.environment, way.release, epoch=walk.lease.epoch
    )


def _switch(walk: _Walk, way: WayBack, name: str) -> None:
    walk.ctx.act(
        name, walk.ctx.target.switch, walk.deployment.environment, {way.release: 100}, epoch=walk.lease.epoch
    )


def _swap_workers(walk: _Walk, way: WayBack, name: str) -> None:
    walk.ctx.act(
        name, walk.ctx.target.swap_workers, walk.deployment.environment, way.release, epoch=walk.lease.epoch
    )


def _migrate_down(walk: _Walk, way: WayBack, name: str) -> None:
    del way
    deployment = walk.deployment
    walk.ctx.act(
        name,
        walk.ctx.target.migrate,
        deployment.environment,
        deployment.release,
        deployment.schema_before,
        epoch=walk.lease.epoch,
    )


def _restore(walk: _Walk, way: WayBack, name: str) -> None:
    del way
    if walk.backup is not None:
        loss: Loss = walk.ctx.read("back:restore loss", walk.ctx.backup.loss, walk.backup)
        walk.ctx.act(name, walk.ctx.backup.restore, walk.backup, key=walk.ctx.key(name))
        walk.rows_lost = loss.total


def _verify(walk: _Walk, way: WayBack, name: str) -> None:
    """Ask the probes twice in a row within the allowed time.

    Raises:
        KeelwayError: the release did not become healthy.
    """
    ctx, limit = walk.ctx, walk.ctx.policy.rollback.health_seconds_max
    began, good = ctx.now(), 0
    for look in range(1, 1_000):
        findings = health.probe(ctx, walk.deployment.environment, f"{name}:{look}", way.release)
        good = good + 1 if findings and all(found.ruling is Ruling.PASS for found in findings) else 0
        if good == 2:  # noqa: PLR2004 - healthy twice in a row
            return
        if (ctx.now() - began).total_seconds() > limit:
            break
        ctx.sleep(0.2 if good else 1.0)
    raise KeelwayError("not_healthy_after", f"{way.release} did not become healthy within {limit:.0f} s.")


def _freeze(walk: _Walk, way: WayBack, name: str) -> None:
    walk.ctx.act(name, walk.ctx.ledger.set_freeze, "keelway", way.reason)


def _page(walk: _Walk, way: WayBack, name: str) -> None:
    del name
    ctx, where = walk.ctx, walk.deployment.environment
    restore = (f"keelway rollback {where} --restore",) if walk.backup is not None else ()
    steps = ("keelway releases", f"keelway rollback {where} --to RELEASE", *restore, "keelway unfreeze")
    tell(ctx, Actor(ctx.project.owner), f"{where} needs you", page(where, way.reason, steps), urgent=True)


def _stop_workers(walk: _Walk, way: WayBack, name: str) -> None:
    del way
    walk.ctx.act(name, walk.ctx.target.swap_workers, walk.deployment.environment, "", epoch=walk.lease.epoch)


_EFFECTS: dict[Step, Callable[[_Walk, WayBack, str], None]] = {
    Step.STOP_WORKERS: _stop_workers,
    Step.START_PREVIOUS: _start,
    Step.SWITCH_TRAFFIC: _switch,
    Step.START_WORKERS: _swap_workers,
    Step.MIGRATE_DOWN: _migrate_down,
    Step.RESTORE_DATA: _restore,
    Step.VERIFY: _verify,
    Step.FREEZE: _freeze,
    Step.PAGE: _page,
}
