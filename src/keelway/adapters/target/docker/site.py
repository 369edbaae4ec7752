"""What all verbs of the docker target know: the project, its places, its engine and the names of its containers."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property

from keelway.clients.balance.daemon import locked
from keelway.clients.container.engine import Engine
from keelway.clients.container.values import Contained, Limits
from keelway.clients.places import Places
from keelway.clients.release.records import Records
from keelway.core.errors import YourFault
from keelway.core.model.project import EnvironmentSpec, ProcessCommand, Project
from keelway.core.target.docker import DockerSpec
from keelway.ports.traffic import Traffic
from keelway.ports.vault import Vault

WEB, BOOT = "web", "boot"
HOME, ENVIRONMENT, RELEASE, PROCESS, PORT = (
    f"keelway.{name}" for name in ("home", "environment", "release", "process", "port")
)
"""Labels of our containers and images."""

_HOME_CHARS = 12


@dataclass(frozen=True)
class Record:
    """Say what a release was built from, and which image it is."""

    release: str
    sha: str
    tree_sha: str
    image: str
    """Identity of the image; containers are made from it and from no name."""
    recipe: str
    """Digest of how it was built: the same files by the same recipe are the same image."""
    digests: tuple[str, ...] = ()
    """Names with a digest under which registries know it."""


@dataclass(frozen=True)
class Site:
    """Hold what a project's releases are made of and where they run."""

    project: Project
    repository: str
    places: Places
    vault: Vault
    traffic: Traffic
    healthy_seconds: float
    """How long a release may take to become healthy."""

    @cached_property
    def home_id(self) -> str:
        """Return what tells the containers of this home from those of others."""
        return hashlib.sha256(str(self.places.home).encode()).hexdigest()[:_HOME_CHARS]

    @cached_property
    def records(self) -> Records[Record]:
        """Return the shelf of what was built."""
        return Records(Record, self.places)

    @cached_property
    def repository_tag(self) -> str:
        """Return the repository under which the engine keeps our images."""
        return f"localhost/keelway/{self.home_id}"

    def settings(self, environment: str) -> DockerSpec:
        """Return what is said about the containers of an environment."""
        return self.spec(environment).target.docker

    def engine(self, environment: str) -> Engine:
        """Return the engine that runs the containers of an environment."""
        return self._engines.setdefault(environment, Engine(self.settings(environment).engine))

    @cached_property
    def _engines(self) -> dict[str, Engine]:
        return {}

    def image_tag(self, environment: str, release: str) -> str:
        """Return the name that keeps the image of a release from being cleaned away."""
        return f"{self.repository_tag}:{environment}-{release}"

    def name(self, environment: str, release: str, process: str) -> str:
        """Return the name of a container; there can be only one of a name."""
        return f"keelway-{self.home_id}-{environment}-{release}-{process}"

    def labels(self, environment: str, release: str, process: str, port: int = 0) -> dict[str, str]:
        """Return the labels of a container."""
        return {
            HOME: self.home_id,
            ENVIRONMENT: environment,
            RELEASE: release,
            PROCESS: process,
            PORT: str(port),
        }

    def spec(self, environment: str) -> EnvironmentSpec:
        """Return the description of an environment.

        Raises:
            YourFault: there is none of this name.
        """
        return self.project.named(environment)

    def command(self, name: str) -> ProcessCommand:
        """Return a configured process.

        Raises:
            YourFault: there is none of this name.
        """
        for process in self.project.processes:
            if process.name == name:
                return process
        raise YourFault(
            "no_process", f"The project has no process called {name!r}.", "add it to keelway.toml"
        )

    def record(self, environment: str, release: str) -> Record:
        """Return what a release was built from.

        Raises:
            YourFault: there is no such environment, or no such release in it.
        """
        self.spec(environment)
        return self.records.insist(environment, release)

    def url(self, environment: str) -> str:
        """Return the address that users call."""
        return self.spec(environment).address

    def variables(self, environment: str, release: str, port: int = 0) -> dict[str, str]:
        """Return the environment of a container, without its secrets; the rest is the image's own."""
        given = {
            name: self.fill(value, environment, release, port)
            for name, value in self.spec(environment).env.items()
        }
        names = {"KEELWAY_RELEASE": release, "KEELWAY_ENVIRONMENT": environment}
        return {**names, **given, **({"PORT": str(port)} if port else {})}

    def fill(self, text: str, environment: str, release: str, port: int = 0) -> str:
        """Fill the placeholders of a configured text as they are inside."""
        inside = {"release": release, "port": str(port or ""), "data": self.settings(environment).data}
        log = self.places.fill(self.project.log, environment, **inside)
        return self.places.fill(text, environment, **inside, log=log)

    def limits(self, environment: str, log_mb: int = 0) -> Limits:
        """Return the bounds of a container."""
        wanted = self.settings(environment)
        return Limits(
            memory_mb=wanted.memory_mb,
            cpus=wanted.cpus,
            processes_max=wanted.processes_max,
            log_mb=log_mb or wanted.log_mb,
            read_only=wanted.read_only,
            drop=wanted.drop,
        )

    def all(self, environment: str) -> tuple[Contained, ...]:
        """Return every container of ours of an environment."""
        wanted = {HOME: self.home_id, ENVIRONMENT: environment}
        return self.engine(environment).having(wanted)

    def kept(self, environment: str) -> tuple[Contained, ...]:
        """Return the containers of an environment that are processes of its releases, not questions to them."""
        known = {process.name for process in self.project.processes}
        return tuple(one for one in self.all(environment) if one.labels.get(PROCESS) in known)

    def locked(self, name: str, seconds_max: float) -> AbstractContextManager[None]:
        """Do one thing at a time over all processes that use this home.

        Raises:
            TheirFault: another process holds the lock for too long.
        """
        return locked(self.places.home, name, seconds_max)
