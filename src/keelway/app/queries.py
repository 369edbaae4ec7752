"""Everything that may be asked: by the terminal, the page, chat, with or without a running control plane."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

from keelway.app.bootstrap import App
from keelway.app.query.back import BackQueries
from keelway.app.query.crew import workers_of
from keelway.app.query.places import PlaceQueries
from keelway.app.query.proof import ProofQueries
from keelway.app.query.sources import Sources, not_running
from keelway.app.query.tasks import LATEST, TaskQueries
from keelway.app.view import make
from keelway.app.view.figures import alerts_of
from keelway.app.view.system import AuditReport, OrderView, StatusView
from keelway.app.view.task import Happened
from keelway.ports.engine import Runtime
from keelway.store.chain.audit import verify
from keelway.store.chain.witness import Witness
from keelway.store.database import open_database

CLOSED_SHOWN = 10


@runtime_checkable
class Answering(Protocol):
    """Return what a finished run returned, or why it failed."""

    def result(self, run: str) -> Any:
        """Return the JSON result, ``None`` as long as there is none."""
        ...

    def failure(self, run: str) -> str:
        """Return why a run failed, or an empty text."""
        ...


class Queries(TaskQueries, PlaceQueries, ProofQueries, BackQueries):
    """Answer questions; nothing here alters anything."""

    @classmethod
    def of(cls, app: App, runtime: Runtime) -> Queries:
        """Make the queries of a running application."""
        return cls(Sources(app.config, app.home, app.ledger, app.doors.forge.checks, app.doors, runtime))

    def status(self) -> StatusView:
        """Show the installation at a glance."""
        config, ledger = self._from.config, self._ledger
        rows = ledger.tasks()
        counts: dict[str, int] = {}
        for row in rows:
            counts[row.status.value] = counts.get(row.status.value, 0) + 1
        lines = self._lines(rows)
        closed = [line for line in lines if not line.open][:CLOSED_SHOWN]
        return StatusView(
            project=config.project.name,
            home=str(self._from.home.root),
            running=self._from.runtime is not None,
            freeze=ledger.freeze(),
            counts=counts,
            tasks=(*[line for line in lines if line.open], *closed),
            questions=tuple(make.asked(each, self._name(each.task)) for each in ledger.questions()),
            environments=self.environments(),
            alerts=alerts_of(ledger.deployments(limit=1_000), config.policy.alert, datetime.now(UTC)),
            workers=workers_of(config, self._from.home),
            events=self._latest(),
            today_usd=self.today_usd(),
            caps=self.shared_caps(),
            locks=self.locks(),
            fence=self._from.doors.agent.fence() if self._from.doors else None,
        )

    def order(self, run: str) -> OrderView:
        """Show how far an ordered rollback or deployment is."""
        runtime = self._from.runtime
        if runtime is None:
            raise not_running()
        status = runtime.status(run)
        if status not in {"done", "failed", "cancelled"} or not isinstance(runtime, Answering):
            return OrderView(run, status)
        result = runtime.result(run) if status == "done" else None
        if not isinstance(result, dict):
            return OrderView(run, status, ok=False, message=runtime.failure(run) or f"The run was {status}.")
        ok = bool(result.get("ok", result.get("status") == "deployed"))
        return OrderView(run, status, ok, str(result.get("message", "")), str(result.get("release", "")))

    def verify_audit(self) -> AuditReport:
        """Walk the whole audit chain and compare it with its witness."""
        home = self._from.home
        database = open_database(home.database_url)
        try:
            found = verify(database, home.root)
        finally:
            database.dispose()
        return AuditReport(**vars(found))

    def _latest(self) -> tuple[Happened, ...]:
        try:
            head = Witness(self._from.home.root).read()
        except (OSError, ValueError):
            return ()
        return self.timeline(after=max(0, (head.sequence if head else 0) - LATEST), limit=2 * LATEST)
