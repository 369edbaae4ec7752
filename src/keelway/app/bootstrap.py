"""The composition root: configuration in, a running application out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy import Engine as Database
from sqlalchemy.exc import SQLAlchemyError

from keelway.adapters.forge.local import FarForge, LocalForge
from keelway.adapters.sandbox.private_clone import TravellingClone
from keelway.app.agents.fence import check_fence
from keelway.app.agents.make import make_agent
from keelway.app.agents.ways import make_ways
from keelway.app.audit.seal import seal_of
from keelway.app.config import Config, environment_variables
from keelway.app.crew.far import CarriedAgent, FarCi, FarScanners
from keelway.app.crew.freeze import SharedFreeze
from keelway.app.crew.seat import Seat, join_hub, many_workers, take_hub
from keelway.app.data.choose import make_backup
from keelway.app.home import Home
from keelway.app.index.choose import make_index
from keelway.app.policy.base import Policies
from keelway.app.policy.trust import Trust
from keelway.app.probe.choose import make_probe
from keelway.app.registry import load
from keelway.app.scan.choose import make_bench
from keelway.app.target.choose import make_target
from keelway.core.codec import digest
from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.ports.channel import Notifier
from keelway.ports.engine import Engine, Runtime, StageRun
from keelway.ports.vault import Vault
from keelway.routines.context import Context, Doors, Scene
from keelway.store.database import open_database, upgrade
from keelway.store.depot.choose import open_depot
from keelway.store.ledger import SqlLedger
from keelway.store.pulls import SqlPullBook
from keelway.store.roster import SqlRoster, open_roster
from keelway.telemetry.watched import watched_stages, watched_stories
from keelway.workflows.cast import QUEUES, queues_at, stage_runs
from keelway.workflows.pinned import pinned
from keelway.workflows.stories import stories_under

Beside = Callable[[str, StageRun], StageRun]
"""Put something around a stage: its name and itself in, the stage to run out."""


@dataclass(frozen=True)
class App:
    """Hold one project's wired parts."""

    config: Config
    home: Home
    doors: Doors
    ledger: SqlLedger
    pulls: SqlPullBook
    vault: Vault
    seat: Seat | None = None
    """Where this process sits among the workers of the store; ``None`` when it is the only one."""
    roster: SqlRoster | None = None
    """The list of those workers."""
    shared_freeze: SharedFreeze | None = None
    """The emergency stop, as the other homes of the store have it."""
    close: Callable[[], None] = lambda: None
    """Give the connections to the store back, once nothing works any more."""

    def context(self, engine: Engine, scene: Scene) -> Context:
        """Make the context of a stage run, under the policy of its task."""
        if not scene.has_task:
            return Context(engine, self.doors, self.config.project, self.config.policy, scene)
        pin = self.policies.pinned(scene.subject)
        policy = self.policies.of(scene.subject)
        ctx = Context(engine, self.doors, self.config.project, policy, scene)
        if pin is not None:
            ctx.policy_base, ctx.policy_mark = pin.base_sha, pin.mark
        return ctx

    @cached_property
    def policies(self) -> Policies:
        """Return who says which policy holds for which task."""
        return Policies(self.config, self.ledger, self.doors.forge, Trust(self.config, self.ledger))

    def runtime(self) -> Runtime:
        """Return the durable engine on the project's database; importing it costs most of a second."""
        from keelway.engine.durable import DbosEngine

        if self.seat is None or self.roster is None:
            return DbosEngine(self.home.database_url, self.home.root)
        from keelway.engine.crew import Crew, this_worker

        section = self.config.file.worker
        crew = Crew(
            this_worker(self.seat.roles, self.seat.place),
            self.roster,
            section.beat_seconds,
            section.lease_seconds,
        )
        return DbosEngine(self.home.database_url, self.home.root, crew)

    def launch(self, runtime: Runtime, beside: Beside | None = None) -> None:
        """Let an engine work on this project's stories, unfinished ones first.

        Args:
            runtime: from ``runtime``.
            beside: put around every stage, to see what is worked on.

        Raises:
            YourFault: another process already works on the same home.
        """
        self.doors.agent.reap()
        if self.shared_freeze is not None:
            self.shared_freeze.start()
        stories, stages, queues = stories_under(self.policies.of), stage_runs(self.context), QUEUES
        if beside is not None:
            stages = {name: beside(name, run) for name, run in stages.items()}
        if self.seat is not None:
            place = self.seat.hub.id
            stories = {name: pinned(story, place) for name, story in stories.items()}
            queues = queues_at(place)
        runtime.launch(watched_stories(stories), watched_stages(stages), queues)
        loaded = Event(
            EventKind.POLICY_LOADED,
            datetime.now(UTC),
            data={
                "config": self.config.digest,
                "policy": self.config.policy.digest,
                "file": digest(str(self.config.path)),
            },
        )
        self.ledger.record(loaded)


def build(config: Config, home: Home, roles: tuple[str, ...] = ()) -> App:
    """Wire the adapters that the configuration chose.

    Args:
        config: the project.
        home: where its state lies on this machine.
        roles: of a worker beside the control plane; empty for the control plane itself.

    Raises:
        YourFault: an adapter is unknown, the home cannot be used, or the store has no seat for this process.
    """
    try:
        home.prepare()
    except OSError as error:
        raise YourFault(
            "home_unusable", f"{home.root} cannot be used: {error}.", "free space, or set KEELWAY_HOME"
        ) from error
    project, database = config.project, _open_book(home)
    depot = open_depot(config.file.store.artefacts, home.root)
    seal = None if roles else seal_of(config, home)
    ledger = SqlLedger(
        database,
        home.root,
        project.owner,
        artefacts=config.policy.artefact,
        depot=depot,
        seal=seal.quietly if seal else None,
    )
    pulls = SqlPullBook(database, home.root)
    vault: Vault = load("vault", "file")(str(home.root))
    repository, root = str(home.repository), str(home.root)
    ways = make_ways(config, home, vault, ledger)
    coder = make_agent(config, home, ways)
    agent = load("agent", "recipe")(coder, project.recipes, project, str(home.agents))
    doors = Doors(
        agent=agent,
        sandbox=load("sandbox", "private_clone")(
            repository, str(home.workspaces), protected=project.branches.protected
        ),
        forge=load("forge", "local")(repository, str(config.repository), project.branches, pulls),
        ci=load("ci", "local")(
            project, repository, str(home.checkouts), check_fence(config.file.sandbox, ways.egress)
        ),
        target=make_target(config, home, vault),
        hook=load("hook", "folder")(project.hooks, repository, root, vault),
        backup=make_backup(project, root, vault),
        probe=make_probe(config, home, vault),
        signal=load("signal", "front")(project, root),
        notifier=_notifier(config, home, vault),
        ledger=ledger,
        index=make_index(config.file.index, environment_variables(), config.repository),
        scanner=make_bench(config, home, vault),
    )

    def close() -> None:
        ways.stop()  # what the gateway knows is booked before the book is closed
        database.dispose()

    app = App(config, home, doors, ledger, pulls, vault, close=close)
    return _seated(app, roles) if many_workers(home) else app


def _seated(app: App, roles: tuple[str, ...]) -> App:
    """Give a process its place among the workers of a store."""
    try:
        take = (app.ledger, app.config, app.home)
        seat = join_hub(*take, roles) if roles else take_hub(*take)
    except BaseException:
        app.close()
        raise
    roster, freeze = open_roster(app.home.database_url), SharedFreeze(app.ledger, app.home.root)

    def close() -> None:
        freeze.stop()
        roster.close()
        app.close()

    doors = _shared(app, seat)
    return replace(app, seat=seat, doors=doors, roster=roster, shared_freeze=freeze, close=close)


def _shared(app: App, seat: Seat) -> Doors:
    """Let what a task left on one host be found on the others."""
    repository, branches = str(app.home.repository), app.config.project.branches
    rooms = TravellingClone(
        repository, str(app.home.workspaces), hub=seat.address, protected=branches.protected
    )
    doors = replace(app.doors, sandbox=rooms, agent=CarriedAgent(app.doors.agent, rooms))
    if seat.address:
        forge = FarForge(repository, seat.address, branches, app.pulls)
        scanner = FarScanners(doors.scanner, forge.need)
        return replace(doors, forge=forge, ci=FarCi(doors.ci, forge.need), scanner=scanner)
    return replace(
        doors, forge=LocalForge(repository, str(app.config.repository), branches, app.pulls, serve=True)
    )


def _open_book(home: Home) -> Database:
    try:
        database = open_database(home.database_url)
        upgrade(database)
    except (OSError, SQLAlchemyError) as error:
        cause = str(getattr(error, "orig", error))
        raise TheirFault(
            "store_unavailable",
            f"The book in {home.root} cannot be written: {cause}.",
            "free space and make it writable, then keelway doctor",
        ) from error
    return database


def _notifier(config: Config, home: Home, vault: Vault) -> Notifier:
    section = config.file.notify
    if not section.webhook:
        console: Notifier = load("channel", "console")(str(home.root))
        return console
    webhook: Notifier = load("channel", "webhook")(section.webhook, vault.reference(section.secret))
    return webhook
