"""What all verbs of the process target know: the project, its places and the programs that serve it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from keelway.clients.balance.daemon import locked
from keelway.clients.control import Supervisor
from keelway.clients.places import Places
from keelway.clients.release.records import Records
from keelway.clients.shell import base_env
from keelway.core.model.project import EnvironmentSpec, Project
from keelway.ports.traffic import Traffic
from keelway.ports.vault import Vault


@dataclass(frozen=True)
class Record:
    """Say what a release was built from; its file is written last, so that it means: complete."""

    release: str
    sha: str
    tree_sha: str


@dataclass(frozen=True)
class Site:
    """Hold what a project's releases are made of and where they run."""

    project: Project
    repository: str
    places: Places
    vault: Vault
    python: str
    """Interpreter that has Keelway, for the supervisor."""
    traffic: Traffic
    healthy_seconds: float
    """How long a release may take to become healthy."""

    @property
    def supervisor(self) -> Supervisor:
        """Return the line to the supervisor."""
        return Supervisor(self.places.supervisor() / "supervisor.sock")

    def spec(self, environment: str) -> EnvironmentSpec:
        """Return the description of an environment.

        Raises:
            YourFault: there is none of this name.
        """
        return self.project.named(environment)

    def url(self, environment: str) -> str:
        """Return the address that users call."""
        spec = self.spec(environment)
        return spec.address

    def tree(self, environment: str, release: str) -> Path:
        """Return the folder with the files of a release."""
        return self.places.release(environment, release) / "tree"

    @cached_property
    def records(self) -> Records[Record]:
        """Return the shelf of what was built."""
        return Records(Record, self.places)

    def record(self, environment: str, release: str) -> Record:
        """Return what a release was built from.

        Raises:
            YourFault: there is no such environment, or no such release in it.
        """
        self.spec(environment)
        return self.records.insist(environment, release)

    def variables(self, environment: str, release: str, port: int = 0) -> dict[str, str]:
        """Return the environment of a process of a release, without its secrets."""
        first = [str(self.tree(environment, release) / folder) for folder in self.project.path]
        data = self.places.data(environment)
        base = {"PATH": base_env(str(data), first)["PATH"], "LANG": "C.UTF-8", "HOME": str(data)}
        given = {
            name: self.fill(value, environment, release, port)
            for name, value in self.spec(environment).env.items()
        }
        names = {"KEELWAY_RELEASE": release, "KEELWAY_ENVIRONMENT": environment}
        return {**base, **names, **given, **({"PORT": str(port)} if port else {})}

    def fill(self, text: str, environment: str, release: str, port: int = 0) -> str:
        """Fill the placeholders of a configured text; ``{port}`` is empty for what takes no traffic."""
        log = self.places.fill(self.project.log, environment, release=release)
        return self.places.fill(text, environment, release=release, port=str(port or ""), log=log)

    def secrets(self, environment: str) -> dict[str, str]:
        """Return the references of an environment's secrets by their names in the process."""
        return {name: self.vault.reference(key) for name, key in self.spec(environment).secrets.items()}

    @contextmanager
    def locked(self, name: str, seconds_max: float) -> Iterator[None]:
        """Do one thing at a time over all processes that use this home.

        Raises:
            TheirFault: another process holds the lock for too long.
        """
        with locked(self.places.home, name, seconds_max):
            yield
