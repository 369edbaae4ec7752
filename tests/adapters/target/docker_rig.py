"""The tiny application as an image, and a docker target that serves it from a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.target.dockerd import docker_engine
from tests.adapters.target.process_rig import FILES, PYTHON, SETUP, ProcessRig, project_of
from tests.clients.cage.engine import Engine, NoEngine, engine
from tests.conformance.git_rig import git

from keelway.adapters.target.docker import DockerTarget
from keelway.clients.control import free_port
from keelway.core.model.project import MigrationCommands, ProcessCommand, Project
from keelway.core.target.docker import DockerSpec
from keelway.core.target.spec import DOCKER, TargetSpec
from keelway.testing.fakes.vault import FakeVault

DOCKERFILE = """
FROM localhost/keelway-test:1
WORKDIR /app
COPY . /app
RUN python3 setup.py
"""
INSIDE = "python3"


@dataclass
class DockerRig(ProcessRig):
    """Serve as yard of the target tests."""

    podman: Engine | None = None

    @property
    def target(self) -> DockerTarget:
        origin, home = str(self.origin / ".git"), str(self.home)
        wiring = (self.project, origin, home, self.vault, PYTHON, self.traffic)
        return DockerTarget(*wiring, healthy_seconds=self.patience)

    def said(self, *words: str) -> str:
        """Ask Podman itself."""
        assert self.podman is not None
        done = self.podman.podman(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def container(self, release: str, process: str = "web", environment: str = "production") -> str:
        """Return the identity of a container, empty when there is none."""
        found = self.target._site.engine(environment).find(
            self.target._site.name(environment, release, process)
        )
        return found.id if found else ""

    def set_docker(self, **settings: Any) -> None:
        """Change what is said about containers."""
        self.project = with_docker(self.project, **settings)


def with_docker(project: Project, **settings: Any) -> Project:
    places = tuple(
        replace(spec, target=replace(spec.target, docker=replace(spec.target.docker, **settings)))
        for spec in project.environments
    )
    return replace(project, environments=places)


def docker_project(ports: tuple[int, int], address: str, **settings: Any) -> Project:
    project = project_of(ports)
    places = tuple(
        replace(spec, target=TargetSpec(DOCKER, docker=DockerSpec(engine=address)))
        for spec in project.environments
    )
    project = replace(
        project,
        setup=(),
        processes=(
            ProcessCommand("web", (INSIDE, "web.py"), stop_seconds=2),
            ProcessCommand("worker", (INSIDE, "worker.py"), stop_seconds=2),
        ),
        migrate=MigrationCommands(
            (INSIDE, "migrate.py", "up"),
            (INSIDE, "migrate.py", "down", "{steps}"),
            (INSIDE, "migrate.py", "status"),
        ),
        environments=places,
    )
    return with_docker(project, **settings)


@contextmanager
def docker_rig(root: Path, podman: Engine, **settings: Any) -> Iterator[DockerRig]:
    project = docker_project((free_port(), free_port()), podman.address, **settings)
    rig = DockerRig(root, project, FakeVault(), patience=60.0, podman=podman)
    rig.home.mkdir()
    rig.origin.mkdir()
    git(rig.origin, "init", "-q", "-b", "main")
    files = {**FILES, "setup.py": SETUP, "Dockerfile": DOCKERFILE}
    files["web.py"] = files["web.py"].replace('"127.0.0.1"', '"0.0.0.0"')
    for name, text in files.items():
        (rig.origin / name).write_text(text)
    try:
        yield rig
    finally:
        rig.target.stop_all(2.0)
        if left := podman.names():
            podman.podman("rm", "--force", *left)


@contextmanager
def real_engine(kind: str = "podman") -> Iterator[Engine]:
    """Start an engine; skip the test where there can be none."""
    try:
        with docker_engine() if kind == "docker" else engine() as started:
            yield started
    except NoEngine as reason:
        pytest.skip(f"containers: {reason}")
