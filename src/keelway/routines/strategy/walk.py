"""Move traffic to a new release by the steps of the configured strategy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keelway.core.model.verdict import Ruling
from keelway.core.strategy.choose import lack_of, steps_of
from keelway.core.strategy.step import Bake, Drain, Probe, Retire, Shift, Start, Step
from keelway.ports.ledger import Deployment, Lease
from keelway.routines import health
from keelway.routines.context import Context
from keelway.routines.outcome import StageFailed
from keelway.routines.strategy.bake import Watch

_ALL = 100


def refuse_unfit(ctx: Context, environment: str) -> None:
    """Refuse a strategy that the target cannot do, before anything is built.

    Raises:
        StageFailed: it cannot.
    """
    strategy = ctx.project.strategy.at(environment)
    if strategy.is_plain:
        return
    lack = lack_of(strategy, ctx.read("capabilities", ctx.target.capabilities, environment).moves)
    if lack:
        raise StageFailed("strategy_unfit", lack, "choose another strategy or target, then keelway doctor")


def move_traffic(ctx: Context, deployment: Deployment, lease: Lease) -> None:
    """Start a release and give it all the traffic, step by step as the strategy says.

    A first release has nobody to share with, so it is started and gets everything.

    Raises:
        StageFailed: a share showed harm, or showed nothing, or a person asked to go back.
    """
    strategy = ctx.project.strategy.at(deployment.environment)
    steps: tuple[Step, ...] = (Start(), Probe(), Shift(_ALL))
    if deployment.previous_release and not strategy.is_plain:
        steps = steps_of(strategy)
    walk = _Walk(ctx, deployment, lease)
    bakes = sum(step.seconds for step in steps if isinstance(step, Bake))
    if bakes:
        walk.watch = Watch(ctx, deployment, bakes)
    for step in steps:
        _DO[type(step)](walk, step)


@dataclass
class _Walk:
    """Keep how far a walk has come; all of it follows from the steps and from recorded results."""

    ctx: Context
    deployment: Deployment
    lease: Lease
    watch: Watch | None = None
    percent: int = 0
    fresh: bool = False
    """The release has just been started, which asks its health questions already."""

    def start(self, step: Step) -> None:
        """Start the release and wait until it is healthy."""
        del step
        where, release, epoch = self.deployment.environment, self.deployment.release, self.lease.epoch
        self.fresh = True
        self.ctx.act("start", self.ctx.target.start, where, release, epoch=epoch)

    def probe(self, step: Step) -> None:
        """Ask the health questions as users do.

        Raises:
            StageFailed: one was not answered well.
        """
        del step
        if self.fresh:
            return
        findings = health.probe(
            self.ctx, self.deployment.environment, f"share:{self.percent}", "", ready=True
        )
        wrong = [found for found in findings if found.ruling is not Ruling.PASS]
        if wrong or not findings:
            said = wrong[0].message if wrong else "no probe answered"
            raise StageFailed("share_unhealthy", f"With {self.percent} % of the traffic: {said}")

    def shift(self, step: Step) -> None:
        """Give the release its share, and the rest to the one before."""
        assert isinstance(step, Shift)  # noqa: S101 - the table below sends it here
        old, new = self.deployment.previous_release, self.deployment.release
        self.percent, self.fresh = step.percent, False
        weights = {new: step.percent, old: _ALL - step.percent} if step.percent else {}
        shares = {release: share for release, share in weights.items() if release and share}
        name = "switch" if step.percent == _ALL else f"switch:{step.percent}"
        where = self.deployment.environment
        self.ctx.act(name, self.ctx.target.switch, where, shares, epoch=self.lease.epoch)

    def bake(self, step: Step) -> None:
        """Watch the share; raises StageFailed when it shows harm, or nothing."""
        assert isinstance(step, Bake)  # noqa: S101 - the table below sends it here
        assert self.watch is not None  # noqa: S101 - it is there when a step bakes
        self.watch.bake(self.percent, step.seconds)

    def retire(self, step: Step) -> None:
        """Stop the release before, which is drained first."""
        del step
        where, old = self.deployment.environment, self.deployment.previous_release
        self.ctx.act("retire old", self.ctx.target.retire, where, old, epoch=self.lease.epoch)

    def drain(self, step: Step) -> None:
        """Leave it to the target, which drains whatever it retires."""
        del step


_DO: dict[type[Step], Callable[[_Walk, Step], None]] = {
    Start: _Walk.start,
    Probe: _Walk.probe,
    Shift: _Walk.shift,
    Drain: _Walk.drain,
    Bake: _Walk.bake,
    Retire: _Walk.retire,
}
