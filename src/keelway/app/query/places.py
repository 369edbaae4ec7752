"""What may be asked about environments, releases and the way back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from keelway.app.aim.choose import Chosen, choose
from keelway.app.back.offer import offer_of
from keelway.app.query.sources import Desk
from keelway.app.view import make
from keelway.app.view.back import Wish, preview, targets_of
from keelway.app.view.figures import DAYS, DeliveryView, delivery_view
from keelway.app.view.system import (
    BackPreview,
    DeployPreview,
    EnvironmentReleases,
    EnvironmentView,
    HealthView,
    ProbeView,
    ReleaseLine,
)
from keelway.core.errors import YourFault
from keelway.core.model.project import PRODUCTION
from keelway.core.release.version import release_name
from keelway.ports.ledger import TaskRow
from keelway.ports.probe import About
from keelway.routines.standing.recorded import standing_of

DEPLOYMENTS_MAX = 1_000


class PlaceQueries(Desk):
    """Answer questions about environments."""

    def environments(self) -> tuple[EnvironmentView, ...]:
        """Show every environment: the book, and what really runs."""
        return tuple(self._environment(spec.name) for spec in self._from.config.project.environments)

    def releases(self, environment: str = "") -> tuple[EnvironmentReleases, ...]:
        """Show what was deployed where, and where one could go back to."""
        names = [spec.name for spec in self._from.config.project.environments]
        if environment:
            names = [self._known(environment)]
        return tuple(self._releases(name) for name in names)

    def health(self, environment: str) -> HealthView:
        """Ask an environment its health questions now, as a user would.

        Raises:
            KeelwayError: the control plane does not run.
        """
        doors, project = self._doors(), self._from.config.project
        spec = project.environment(self._known(environment))
        url = spec.address
        state = doors.target.state(environment)
        asked = About(environment, state.active)
        results = doors.probe.ask(url, project.probes_in(environment, surroundings=True), asked)
        requests, errors = doors.signal.totals(environment)
        probes = tuple(
            ProbeView(each.name, each.ok, each.latency_ms, each.status, each.detail) for each in results
        )
        good = bool(probes) and all(each.ok for each in probes)
        return HealthView(environment, url, good, state.active, probes, state.detail, requests, errors)

    def metrics(self, environment: str = PRODUCTION, *, days: int = DAYS) -> DeliveryView:
        """Show the figures of the deployments of the last days."""
        known = self._known(environment)
        deployments = self._ledger.deployments(known, limit=DEPLOYMENTS_MAX)
        policy = self._from.config.policy.alert
        return delivery_view(deployments, self._row, policy, datetime.now(UTC), environment=known, days=days)

    def _row(self, task: str) -> TaskRow | None:
        try:
            return self._ledger.find(task)
        except YourFault:
            return None  # deployed by hand

    def rollback_preview(self, what: str, to: str = "", *, restore: bool = False) -> BackPreview:
        """Show what a rollback of a task or an environment would do.

        Raises:
            RequestRefused: there is nothing to take back.
        """
        config, doors = self._from.config, self._doors()
        task, where = "", what
        if what not in {spec.name for spec in config.project.environments}:
            task, where = self._ledger.find(what).task.id, PRODUCTION
        chosen = choose(offer_of(doors, where), to, doors.forge, config.project.branches) if to else Chosen()
        return preview(doors, config.project, config.policy, Wish(where, chosen, task, restore, self._name))

    def deploy_preview(self, environment: str, ref: str = "") -> DeployPreview:
        """Show what a deployment by hand would bring, as far as pushes have been taken over.

        Raises:
            YourFault: there is no such environment or branch.
            KeelwayError: the control plane does not run.
        """
        doors = self._doors()
        known = self._known(environment)
        name = ref or self._from.config.project.branches.production
        sha = doors.forge.resolve(name)
        active = doors.target.state(known).active
        return DeployPreview(known, name, sha, release_name(sha), active)

    def _environment(self, name: str) -> EnvironmentView:
        spec = self._from.config.project.environment(name)
        history = self._ledger.deployments(name)
        book = standing_of(history)
        live = next((entry for entry in history if entry.id == book.deployment), None)
        url = spec.address
        view = EnvironmentView(name, url)
        if live is not None:
            view = replace(view, recorded=live.release, task=self._name(live.task), since=live.started_at)
        if self._from.doors is None:
            return view
        state = self._from.doors.target.state(name)
        releases = tuple(
            ReleaseLine(each.release, each.sha, each.state, each.weight, each.workers, each.restarts)
            for each in state.releases
        )
        return replace(
            view,
            asked=True,
            active=state.active,
            healthy=state.healthy,
            schema=state.schema,
            detail=state.detail,
            releases=releases,
        )

    def _releases(self, name: str) -> EnvironmentReleases:
        history = self._ledger.deployments(name)
        view = self._environment(name)
        active = view.active or view.recorded
        present = frozenset(each.release for each in view.releases) if view.asked else None
        targets = targets_of(history, active, present, self._ledger.quarantined(), datetime.now(UTC))
        shown = tuple(make.deployment_view(entry, self._name) for entry in history)
        return EnvironmentReleases(name, active, shown, targets)
