"""What a rollback would do: the same facts and the same table as the real one, and no effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from keelway.app.view.system import BackPreview
from keelway.core.errors import OurFault, RequestRefused
from keelway.core.model.project import Project
from keelway.core.policy import Policy
from keelway.core.release.rollback import DeploymentFact, Target, choose_way_back, rank_targets
from keelway.ports.ledger import Deployment, Quarantine
from keelway.routines.context import Context, Doors, Scene
from keelway.routines.situation import facts_of

_SERVED = frozenset({"live", "superseded", "observing"})


class _AtOnce:
    """Serve a run that only reads: nothing is recorded and nothing waits."""

    def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """Run the reading."""
        del name
        return effect()

    def sleep(self, seconds: float) -> None:
        """Refuse: a preview never waits."""
        raise OurFault("preview_waits", f"A preview was asked to wait for {seconds:.0f} s.")

    def now(self) -> datetime:
        """Read the clock."""
        return datetime.now(UTC)

    def wall(self) -> datetime:
        """Read the clock."""
        return datetime.now(UTC)

    def fence(self) -> None:
        """Refuse nothing: a preview acts nowhere."""

    def patch(self, name: str) -> bool:
        """Take the new way: nothing was recorded before."""
        del name
        return True

    def deprecate_patch(self, name: str) -> None:
        """Pass no mark: there is none."""


def preview(
    doors: Doors, project: Project, policy: Policy, environment: str, to_release: str, task: str = ""
) -> BackPreview:
    """Return what a rollback of an environment would do now.

    Raises:
        RequestRefused: nothing is live there, or the release was never live there.
    """
    history = doors.ledger.deployments(environment)
    bad = _bad(history, environment, to_release, task)
    newest, oldest = bad[0], bad[-1]
    fits = [entry.figures.get("previous_fits") for entry in bad]
    merged = replace(
        newest,
        previous_release=to_release or oldest.previous_release,
        previous_sha=oldest.previous_sha,
        schema_before=oldest.schema_before,
        figures={**newest.figures, "previous_fits": None if None in fits else all(fits)},
    )
    ctx = Context(_AtOnce(), doors, project, policy, Scene("preview", "preview", 1, has_task=False))
    facts = replace(facts_of(ctx, merged, by_person=True), merged=True)
    way = choose_way_back(facts, policy.rollback)
    return BackPreview(
        environment,
        newest.release,
        way.release,
        tuple(step.value for step in way.steps),
        way.loses_data,
        way.needs_person,
        way.reason,
        facts.loss,
    )


def _bad(
    history: tuple[Deployment, ...], environment: str, to_release: str, task: str
) -> tuple[Deployment, ...]:
    served = [entry for entry in history if entry.status in _SERVED]
    if not served:
        raise RequestRefused("nothing_to_roll_back", f"Nothing is live in {environment}.", "keelway releases")
    if task and served[0].task != task:
        raise RequestRefused("not_live", f"The task is not what {environment} runs now.", "keelway releases")
    if not to_release:
        return (served[0],)
    taken: list[Deployment] = []
    for entry in served:
        if entry.release == to_release:
            break
        taken.append(entry)
        if entry.previous_release == to_release:
            break
    else:
        raise RequestRefused(
            "unknown_target", f"{to_release} was never live in {environment}.", "keelway releases"
        )
    if not taken:
        raise RequestRefused(
            "already_there", f"{to_release} is live in {environment} already.", "keelway releases"
        )
    return tuple(taken)


def targets_of(
    history: tuple[Deployment, ...],
    current: str,
    present: frozenset[str] | None,
    barred: tuple[Quarantine, ...],
    now: datetime,
) -> tuple[Target, ...]:
    """Rank the releases that an environment could go back to.

    Args:
        history: deployments of the environment, newest first.
        current: the release that serves.
        present: releases that are there; ``None`` when nobody could ask, which counts as all of them.
        barred: quarantined commits.
        now: end of the time that the current release has served.
    """
    facts, until = [], now
    for old in history:
        facts.append(_fact(old, until, present is None or old.release in present))
        until = old.started_at
    served = next((entry for entry in history if entry.release == current), None)
    return rank_targets(
        facts,
        current=current,
        quarantined=frozenset(entry.sha for entry in barred),
        schema_version=str(served.schema_after) if served else "",
    )


def _fact(old: Deployment, until: datetime, present: bool) -> DeploymentFact:
    healthy_seconds = (until - old.started_at).total_seconds() if old.finished_at else 0.0
    return DeploymentFact(
        old.id,
        old.environment,
        old.release,
        old.sha,
        old.status,
        max(0.0, healthy_seconds),
        int(old.figures.get("requests") or 0),
        str(old.schema_after),
        present,
        old.finished_at,
    )
