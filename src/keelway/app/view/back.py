"""What a rollback would do: the same facts and the same table as the real one, and no effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from keelway.app.aim.choose import Chosen
from keelway.app.view.system import BackPreview
from keelway.core.errors import KeelwayError, OurFault
from keelway.core.model.project import Project
from keelway.core.policy import Policy
from keelway.core.release.rollback import (
    Target,
    WayBack,
    WayBackFacts,
    choose_way_back,
    rank_targets,
)
from keelway.core.words.back import step_sentence
from keelway.core.words.text import short
from keelway.ports.backup import Backup
from keelway.ports.ledger import Deployment, Quarantine
from keelway.routines.back.span import together, undone_by
from keelway.routines.context import Context, Doors, Scene
from keelway.routines.situation import backup_of, evidence_of, facts_of


@dataclass(frozen=True)
class Wish:
    """Say which rollback is meant."""

    environment: str
    chosen: Chosen
    task: str = ""
    """Id of the task that has to be the newest; empty for any."""
    restore: bool = False
    """The restore of the backup is accepted."""
    name: Callable[[str], str] = str
    """Return the name of a task by its id, empty for none."""


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


def preview(doors: Doors, project: Project, policy: Policy, wish: Wish) -> BackPreview:
    """Return what a rollback would do now: every step, and what data would be lost.

    Raises:
        RequestRefused: nothing is live there, or the release was never live there.
    """
    environment, chosen = wish.environment, wish.chosen
    history = doors.ledger.deployments(environment)
    keep = None
    if chosen.sha:
        keep = frozenset(
            entry.id for entry in history if entry.sha and doors.forge.contains(entry.sha, chosen.sha)
        )
    bad = undone_by(history, environment, chosen.release, keep=keep, task=wish.task)
    merged = together(bad, chosen.release, chosen.sha)
    backup = backup_of(merged)
    if wish.restore and backup is not None:
        merged = replace(merged, figures={**merged.figures, "restore_approved": True})
    ctx = Context(_AtOnce(), doors, project, policy, Scene("preview", "preview", 1, has_task=False))
    facts = replace(facts_of(ctx, merged, by_person=True), merged=True)
    if chosen.sha:  # it is built and tried first; as far as can be known now, that works
        facts = replace(facts, previous_good=True, previous_fits=None)
    way = choose_way_back(facts, policy.rollback)
    first = (f"build {chosen.release} from {short(chosen.sha)} and try it on the present schema",)
    said = tuple(step_sentence(step, merged.release, way.release) for step in way.steps)
    return BackPreview(
        environment,
        merged.release,
        way.release,
        tuple(step.value for step in way.steps),
        way.loses_data,
        way.needs_person,
        way.reason,
        facts.loss,
        option=chosen.option,
        said=(*(first if chosen.sha else ()), *said),
        undone=tuple(f"{entry.release} ({wish.name(entry.task) or 'deployed by hand'})" for entry in bad),
        backup=backup.id if backup else "",
        backup_at=backup.taken_at if backup else None,
        at_stake=_at_stake(doors, backup),
        otherwise=_otherwise(facts, policy, way),
    )


def _at_stake(doors: Doors, backup: Backup | None) -> str:
    """Say what a restore of the backup would lose now, whether or not the way back needs one."""
    if backup is None:
        return ""
    try:
        rows = doors.backup.loss(backup).rows
    except KeelwayError as error:
        return f"unknown: {error.message}"
    lost = [f"{count} rows of {table}" for table, count in sorted(rows.items()) if count]
    return ", ".join(lost) or "nothing that is counted"


def _otherwise(facts: WayBackFacts, policy: Policy, way: WayBack) -> str:
    """Say what comes next when the chosen release turns out not to work."""
    if way.needs_person:
        return ""
    gone = {"next_good": ""} if way.release == facts.next_good else {"previous_good": False}
    return choose_way_back(replace(facts, **gone), policy.rollback).reason


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
    served = next((entry for entry in history if entry.release == current), None)
    return rank_targets(
        evidence_of(history, now, present),
        current=current,
        quarantined=frozenset(entry.sha for entry in barred),
        schema_version=str(served.schema_after) if served else "",
    )
