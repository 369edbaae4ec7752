"""The doors to the outside and who stands before them."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.ports.agent import Agent
from keelway.ports.backup import BackupStore
from keelway.ports.channel import Notifier
from keelway.ports.ci import Ci
from keelway.ports.forge import Forge
from keelway.ports.hook import Hooks
from keelway.ports.index import PackageIndex
from keelway.ports.ledger import Ledger
from keelway.ports.probe import Probe
from keelway.ports.sandbox import Sandbox
from keelway.ports.scanner import Scanners
from keelway.ports.signal import Signal
from keelway.ports.target import Target


@dataclass(frozen=True)
class Doors:
    """Hold the adapters that the configuration chose."""

    agent: Agent
    sandbox: Sandbox
    forge: Forge
    ci: Ci
    target: Target
    backup: BackupStore
    probe: Probe
    signal: Signal
    notifier: Notifier
    ledger: Ledger
    index: PackageIndex
    scanner: Scanners
    hook: Hooks


@dataclass(frozen=True)
class Scene:
    """Say which run of which stage acts."""

    subject: str
    """Id of the task, or of the order when there is no task."""
    stage: str
    attempt: int
    has_task: bool = True


class Doorway:
    """Give each door its short name."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors

    @property
    def agent(self) -> Agent:
        """Return the coding agent."""
        return self.doors.agent

    @property
    def sandbox(self) -> Sandbox:
        """Return the keeper of workspaces."""
        return self.doors.sandbox

    @property
    def forge(self) -> Forge:
        """Return the forge."""
        return self.doors.forge

    @property
    def ci(self) -> Ci:
        """Return the checks."""
        return self.doors.ci

    @property
    def target(self) -> Target:
        """Return the place where releases run."""
        return self.doors.target

    @property
    def backup(self) -> BackupStore:
        """Return the keeper of backups."""
        return self.doors.backup

    @property
    def probe(self) -> Probe:
        """Return the asker of health questions."""
        return self.doors.probe

    @property
    def signal(self) -> Signal:
        """Return the reader of numbers."""
        return self.doors.signal

    @property
    def notifier(self) -> Notifier:
        """Return the channel to people."""
        return self.doors.notifier

    @property
    def index(self) -> PackageIndex:
        """Return the package index."""
        return self.doors.index

    @property
    def scanner(self) -> Scanners:
        """Return the scanners of patches."""
        return self.doors.scanner

    @property
    def hook(self) -> Hooks:
        """Return the runner of the project's hooks."""
        return self.doors.hook

    @property
    def ledger(self) -> Ledger:
        """Return the book."""
        return self.doors.ledger
