"""Have an operator deploy by hand: hand the artefacts over, wait for the word, and say that it was heard."""

from __future__ import annotations

from keelway.core.errors import TheirFault
from keelway.core.model.task import Actor
from keelway.core.target.spec import MANUAL
from keelway.core.words.operator import Errand, errand_done, errand_subject, errand_text
from keelway.ports.target import EnvironmentState, RunningRelease
from keelway.routines.ask import tell
from keelway.routines.context import Context

SOON_SECONDS, LATE_SECONDS, SOON_LOOKS = 5.0, 30.0, 60
"""How often it is looked whether the operator has done it: soon at first, then more rarely."""


def hand_over(ctx: Context, environment: str, release: str, *, back: bool = False) -> None:
    """Wait until an operator has confirmed a release, where releases are deployed by hand; else do nothing.

    Raises:
        TheirFault: the operator refused (``operator_refused``), or did not answer in time (``operator_silent``).
        Aborted: a person asked to end the task.
    """
    spec = ctx.project.environment(environment).target
    if spec.use != MANUAL:
        return
    limit = spec.manual.back_seconds_max if back else spec.manual.confirm_seconds_max
    way = f"operator:{'back' if back else 'deploy'}:{environment}:{release}"
    began, state = ctx.now(), ctx.read(f"{way}:0", ctx.target.state, environment)
    if state.active == release:
        return
    errand = _errand(state, release, limit, back=back)
    owner = Actor(ctx.project.owner)
    tell(ctx, owner, errand_subject(errand), errand_text(errand), urgent=back, once=ctx.key(way))
    for look in range(1, 1_000_000):
        ctx.sleep(SOON_SECONDS if look <= SOON_LOOKS else LATE_SECONDS)
        if not back:
            ctx.heed(f"{way}:heed:{look}")
        state = ctx.read(f"{way}:{look}", ctx.target.state, environment)
        seconds = (ctx.now() - began).total_seconds()
        if state.active == release:
            tell(ctx, owner, f"{environment}: {release} is live", errand_done(errand, seconds))
            return
        if _of(state, release).state == "degraded":
            raise TheirFault("operator_refused", f"{release} did not get live: {state.detail}.")
        if seconds >= limit:
            break
    raise TheirFault(
        "operator_silent",
        f"Nobody confirmed {release} in {environment} within {limit:.0f} s.",
        f"keelway confirm {environment} {release}",
    )


def _errand(state: EnvironmentState, release: str, limit: float, *, back: bool) -> Errand:
    mine = _of(state, release)
    where = mine.url.removeprefix("file://")
    return Errand(state.environment, release, mine.sha, where, state.active, limit, back)


def _of(state: EnvironmentState, release: str) -> RunningRelease:
    found = (entry for entry in state.releases if entry.release == release)
    return next(found, RunningRelease(release, "", "unknown"))
