"""What may be asked about the way back: the menu, drills, drift, locks and what is barred."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from keelway.app.back.look import compare
from keelway.app.back.offer import menu_of
from keelway.app.query.sources import Desk
from keelway.app.view.system import DriftView, DrillView, LockView, MenuView, QuarantineView
from keelway.core.model.project import PRODUCTION
from keelway.core.model.verdict import combine
from keelway.core.release.drill import judge_drills, subject_of
from keelway.core.release.lock import Lock
from keelway.routines.back.fresh import DRILLS_MAX, drills_in


@runtime_checkable
class LockBook(Protocol):
    """Know who locked which environment."""

    def locks(self) -> tuple[Lock, ...]:
        """Return the locks that hold now."""
        ...


class BackQueries(Desk):
    """Answer questions about the way back."""

    def menu(self, environment: str = "") -> tuple[MenuView, ...]:
        """Show the ways back of one environment, or of all.

        Raises:
            KeelwayError: the control plane does not run.
        """
        return tuple(menu_of(self._doors(), name) for name in self._named(environment))

    def drift(self, environment: str = "") -> tuple[DriftView, ...]:
        """Compare what runs with what is recorded.

        Raises:
            KeelwayError: the control plane does not run.
        """
        views = []
        for name in self._named(environment):
            facts, findings = compare(self._doors(), name)
            ruling = combine("drift", findings).ruling.value
            views.append(DriftView(name, ruling, facts.book.release, facts.seen.active, findings))
        return tuple(views)

    def drills(self, environment: str = "") -> tuple[DrillView, ...]:
        """Show the drills of every environment but production, and what they are good for."""
        names = [name for name in self._named(environment) if name != PRODUCTION]
        return tuple(map(self._drills, names))

    def locks(self) -> tuple[LockView, ...]:
        """Show who keeps deployments out of which environment."""
        found = self._ledger.locks() if isinstance(self._ledger, LockBook) else ()
        return tuple(map(lock_view, found))

    def quarantine(self) -> tuple[QuarantineView, ...]:
        """Show the commits that are barred, and what lets later deployments carry them."""
        return tuple(
            QuarantineView(each.sha, self._name(each.task), each.reason, each.at, each.revert_sha)
            for each in self._ledger.quarantined()
        )

    def _drills(self, environment: str) -> DrillView:
        links = self._ledger.events(task=subject_of(environment), limit=DRILLS_MAX)
        drills = drills_in(link.event for link in links)
        hours_max = self._from.config.policy.rollback.drill_hours_max
        found = judge_drills(drills, datetime.now(UTC), hours_max)
        return DrillView(environment, found.ruling.value, found.message, tuple(reversed(drills)))

    def _named(self, environment: str) -> list[str]:
        if environment:
            return [self._known(environment)]
        return [spec.name for spec in self._from.config.project.environments]


def lock_view(lock: Lock) -> LockView:
    """Show a lock."""
    return LockView(lock.environment, lock.by, lock.reason, lock.since, lock.until, lock.sentence)
