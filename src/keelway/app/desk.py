"""Where a command finds its project, and who answers it: the control plane, or the book alone."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from keelway.app import server_file
from keelway.app.config import Config, find_config, load_config, store_url_of
from keelway.app.home import Home
from keelway.app.policy.operator import bounded, operator_file, read_ceiling
from keelway.app.view.figures import DAYS, DeliveryView
from keelway.app.view.money import ArtefactText, CostView
from keelway.app.view.system import (
    AuditReport,
    BackPreview,
    EnvironmentReleases,
    HealthView,
    StatusView,
)
from keelway.app.view.task import (
    Explanation,
    Happened,
    LessonView,
    LogView,
    PatchView,
    PlanView,
    TaskLine,
    TaskView,
)
from keelway.core.errors import KeelwayError, TheirFault, YourFault
from keelway.core.judge.flaky import FlakyTest
from keelway.core.model.event import Event, EventKind
from keelway.core.model.project import PRODUCTION
from keelway.core.rule.freeze import Freeze

if TYPE_CHECKING:
    from keelway.app.remote import Remote


class Reader(Protocol):
    """Answer questions."""

    def status(self) -> StatusView:
        """Show the installation at a glance."""
        ...

    def tasks(self, *, open_only: bool = False, limit: int = 50) -> tuple[TaskLine, ...]:
        """Return tasks, newest first."""
        ...

    def task(self, task: str) -> TaskView:
        """Show everything about a task."""
        ...

    def flaky(self) -> tuple[FlakyTest, ...]:
        """Return the tests that were seen to fail by chance, the most frequent first."""
        ...

    def lessons(self, query: str = "", *, limit: int = 20) -> tuple[LessonView, ...]:
        """Return what tasks learnt: the best answers to a query, or the newest."""
        ...

    def timeline(self, *, after: int = 0, task: str = "", limit: int = 200) -> tuple[Happened, ...]:
        """Return events after a sequence number, oldest first."""
        ...

    def plan(self, task: str) -> PlanView:
        """Show the plan of a task."""
        ...

    def diff(self, task: str) -> PatchView:
        """Show the patch of a task."""
        ...

    def logs(self, task: str, *, stage: str = "") -> LogView:
        """Show what the stages and the agents said."""
        ...

    def costs(self, *, by: tuple[str, ...] = ("task",), since: str = "", task: str = "") -> CostView:
        """Show what was used and what it cost."""
        ...

    def artefact(self, task: str, name: str) -> ArtefactText:
        """Show the content of something that is kept of a task."""
        ...

    def explain(self, task: str) -> Explanation:
        """Say why a task is where it is."""
        ...

    def releases(self, environment: str = "") -> tuple[EnvironmentReleases, ...]:
        """Show what was deployed where."""
        ...

    def health(self, environment: str) -> HealthView:
        """Ask an environment its health questions now."""
        ...

    def metrics(self, environment: str = PRODUCTION, *, days: int = DAYS) -> DeliveryView:
        """Show the figures of the deployments of the last days."""
        ...

    def rollback_preview(self, what: str, to: str = "", *, restore: bool = False) -> BackPreview:
        """Show what a rollback would do."""
        ...

    def verify_audit(self) -> AuditReport:
        """Walk the whole audit chain."""
        ...

    def attestations(self, task: str) -> tuple[dict[str, Any], ...]:
        """Return signed statements about the gates and releases of a task."""
        ...

    def sbom(self, release: str) -> dict[str, Any]:
        """Return what a release is made of."""
        ...


@dataclass(frozen=True)
class Place:
    """Name the project that a command is about."""

    path: Path
    """Its ``keelway.toml``."""

    @classmethod
    def find(cls, start: Path) -> Place:
        """Return the project at or above a directory.

        Raises:
            YourFault: there is none.
        """
        return cls(find_config(start))

    @cached_property
    def home(self) -> Home:
        """Return where its state lies."""
        return Home.of(self.path.parent, store_url=store_url_of(self.path))

    @cached_property
    def config(self) -> Config:
        """Return its configuration, checked and under the ceilings of the operator.

        Raises:
            YourFault: it is broken, or its policy is looser than the operator allows.
        """
        ceiling = read_ceiling(operator_file(self.home), self.path.parent)
        return bounded(load_config(self.path), ceiling)


def running(place: Place) -> server_file.Server | None:
    """Return the control plane that runs for a project, ``None`` when none answers."""
    server = server_file.read(place.home.server)
    if server is None:
        return None
    from keelway.app.remote import Remote

    return server if Remote(server).alive() else None


def reader(place: Place) -> Reader:
    """Return who answers questions: the control plane when it runs, else the book.

    Raises:
        YourFault: nothing has run yet, or the configuration is broken.
    """
    server = running(place)
    if server is not None:
        from keelway.app.remote import Remote

        return Remote(server)
    return _offline(place)


def connect(place: Place) -> Remote:
    """Return the control plane of a project.

    Raises:
        KeelwayError: it does not run.
    """
    from keelway.app.remote import Remote

    server = running(place)
    if server is None:
        place.config  # noqa: B018 - a broken configuration is the better answer
        raise KeelwayError("not_running", "This needs the control plane, which does not run.", "keelway up")
    return Remote(server)


def _offline(place: Place) -> Reader:
    if not place.home.has_book:
        raise YourFault("nothing_yet", "Nothing has run for this project yet.", "keelway up")
    from sqlalchemy.exc import SQLAlchemyError

    from keelway.app.queries import Queries
    from keelway.app.query.sources import Sources
    from keelway.store.database import open_database
    from keelway.store.depot.choose import open_depot
    from keelway.store.ledger import SqlLedger
    from keelway.store.pulls import SqlPullBook

    config, home = place.config, place.home
    try:
        database = open_database(home.database_url)
        depot = open_depot(config.file.store.artefacts, home.root)
        ledger = SqlLedger(
            database, home.root, config.project.owner, artefacts=config.policy.artefact, depot=depot
        )
        pulls = SqlPullBook(database, home.root)
    except (OSError, SQLAlchemyError) as problem:
        raise TheirFault(
            "store_unavailable", f"The book in {home.root} cannot be read: {problem}.", "keelway doctor"
        ) from problem
    return Queries(Sources(config, home, ledger, pulls.checks))


def freeze(home: Home, by: str, reason: str) -> Freeze:
    """Pull the emergency stop, whatever else works or not: the flag first, then the record of it.

    Raises:
        YourFault: the home cannot be written.
    """
    from keelway.store.freeze import set_freeze

    with contextlib.suppress(OSError):  # the flag itself tells what is wrong with the home
        home.prepare()
    now = datetime.now(UTC)
    pulled = set_freeze(home.root, by=by, reason=reason, since=now)
    _note(home, Event(EventKind.FREEZE_SET, now, actor=by, data={"reason": reason}))
    return pulled


def unfreeze(home: Home, by: str) -> bool:
    """Release the emergency stop; tell whether there was one.

    Raises:
        YourFault: the flag cannot be removed.
    """
    from keelway.store.freeze import lift_freeze

    lifted = lift_freeze(home.root)
    if lifted:
        _note(home, Event(EventKind.FREEZE_LIFTED, datetime.now(UTC), actor=by, data={"reason": ""}))
    return lifted


def _note(home: Home, event: Event) -> None:
    if not home.has_book:
        return
    from sqlalchemy.exc import SQLAlchemyError

    from keelway.store.database import open_database
    from keelway.store.ledger import SqlLedger

    # The flag is the truth; a book that cannot be written must not undo it.
    with contextlib.suppress(KeelwayError, SQLAlchemyError, OSError):
        database = open_database(home.database_url)
        try:
            SqlLedger(database, home.root).record(event)
        finally:
            database.dispose()
