"""The composition root: configuration in, a running application out."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine as Database
from sqlalchemy.exc import SQLAlchemyError

from keelway.app.config import Config, environment_variables
from keelway.app.home import Home
from keelway.app.registry import load
from keelway.core.codec import digest
from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.ports.agent import Agent
from keelway.ports.channel import Notifier
from keelway.ports.engine import Engine, Runtime
from keelway.ports.vault import Vault
from keelway.routines.context import Context, Doors, Scene
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger
from keelway.store.pulls import SqlPullBook
from keelway.workflows.cast import QUEUES, stage_runs
from keelway.workflows.stories import stories_under


@dataclass(frozen=True)
class App:
    """Hold one project's wired parts."""

    config: Config
    home: Home
    doors: Doors
    ledger: SqlLedger
    pulls: SqlPullBook
    vault: Vault

    def context(self, engine: Engine, scene: Scene) -> Context:
        """Make the context of a stage run."""
        return Context(engine, self.doors, self.config.project, self.config.policy, scene)

    def launch(self, runtime: Runtime) -> None:
        """Let an engine work on this project's stories, unfinished ones first.

        Raises:
            YourFault: another process already works on the same home.
        """
        self.doors.agent.reap()
        runtime.launch(
            stories_under(self.config.policy),
            stage_runs(self.context),
            QUEUES,
        )
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


def build(config: Config, home: Home) -> App:
    """Wire the adapters that the configuration chose.

    Raises:
        YourFault: an adapter is unknown, or the home cannot be used.
    """
    try:
        home.prepare()
    except OSError as error:
        raise YourFault(
            "home_unusable", f"{home.root} cannot be used: {error}.", "free space, or set KEELWAY_HOME"
        ) from error
    project = config.project
    database = _open_book(home)
    ledger = SqlLedger(database, home.root, project.owner, artefacts=config.policy.artefact)
    pulls = SqlPullBook(database, home.root)
    vault: Vault = load("vault", "file")(str(home.root))
    repository, root = str(home.repository), str(home.root)
    doors = Doors(
        agent=make_agent(config, home),
        sandbox=load("sandbox", "private_clone")(
            repository, str(home.workspaces), protected=project.branches.protected
        ),
        forge=load("forge", "local")(repository, str(config.repository), project.branches, pulls),
        ci=load("ci", "local")(project, repository, str(home.checkouts)),
        target=load("target", "process")(project, repository, root, vault, sys.executable),
        backup=load("backup", "sqlite")(project, root),
        probe=load("probe", "http")(),
        signal=load("signal", "front")(project, root),
        notifier=_notifier(config, home, vault),
        ledger=ledger,
    )
    return App(config, home, doors, ledger, pulls, vault)


def make_agent(config: Config, home: Home) -> Agent:
    """Return the configured coding agent, with its runs below a home.

    Raises:
        YourFault: the agent is unknown, or nothing says how to start it.
    """
    section = config.file.agent
    kind = load("agent", section.use, outside=config.repository)
    path = environment_variables().get("PATH", "")
    settings: dict[str, Any] = {"run_root": str(home.agents), "env": {"PATH": path, **section.env}}
    if section.use == "replay":
        settings["script"] = str((config.repository / section.script).resolve()) if section.script else ""
    elif not section.argv:
        raise YourFault(
            "no_agent_command", "agent.argv is empty.", 'set agent.argv = ["opencode", "acp"] or the like'
        )
    else:
        settings |= {"argv": section.argv, "name": Path(section.argv[0]).name}
    agent: Agent = kind(**settings)
    return agent


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


def open_runtime(home: Home) -> Runtime:
    """Return the durable engine on the project's database; importing it costs most of a second."""
    from keelway.engine.durable import DbosEngine

    return DbosEngine(home.database_url, home.root)
