"""The fake and the targets keep the same promises."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.target.git_pull_rig import git_pull_rig
from tests.adapters.target.platform_rig import platform_rig
from tests.adapters.target.process_rig import process_rig, project_of
from tests.sshd import sshd

from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.target.spec import TargetSpec
from keelway.testing.conformance.in_place import InPlaceSchemaTests, InPlaceTargetTests
from keelway.testing.conformance.target import TargetTests, Yard
from keelway.testing.fakes.in_place import FakeInPlaceTarget
from keelway.testing.fakes.target import FakeTarget


class _FakeYard:
    def __init__(self) -> None:
        self.target = FakeTarget(project_of((8001, 8002)))
        self.environment, self.other = PRODUCTION, STAGING
        self._numbers = itertools.count(1)

    def commit(self, *traits: str, schema: int = 0) -> str:
        sha = f"{next(self._numbers):012d}".ljust(40, "0")
        flags = {"builds": "broken", "healthy": "sick", "down": "oneway"}
        script = {name: trait not in traits for name, trait in flags.items()}
        self.target.behave(sha, schema=schema, **script)
        return sha

    def answering(self, environment: str) -> str:
        place = self.target.places[environment]
        return place.active if place.active in place.running else ""


class TestFakeTarget(TargetTests):
    @pytest.fixture
    def yard(self) -> Yard:
        return _FakeYard()


@pytest.mark.long
class TestProcessTarget(TargetTests):
    @pytest.fixture
    def yard(self, tmp_path: Path) -> Iterator[Yard]:
        with process_rig(tmp_path) as rig:
            yield rig


@pytest.mark.long
class TestGitPullTarget(InPlaceSchemaTests):
    @pytest.fixture
    def yard(self, tmp_path: Path) -> Iterator[Yard]:
        with git_pull_rig(tmp_path) as rig:
            yield rig


@pytest.mark.deploys
class TestGitPullTargetOverSsh(InPlaceSchemaTests):
    @pytest.fixture
    def yard(self, tmp_path: Path) -> Iterator[Yard]:
        with (
            sshd(tmp_path / "ssh") as server,
            git_pull_rig(
                tmp_path,
                host=server.address,
                port=server.port,
                key=str(server.key),
                known_hosts=str(server.known_hosts),
            ) as rig,
        ):
            yield rig


class _InPlaceFakeYard(_FakeYard):
    def __init__(self) -> None:
        super().__init__()
        project = project_of((8001, 8002))
        places = tuple(replace(spec, target=TargetSpec("platform")) for spec in project.environments)
        self.target: FakeInPlaceTarget = FakeInPlaceTarget(replace(project, environments=places))


class TestFakeInPlaceTarget(InPlaceSchemaTests):
    @pytest.fixture
    def yard(self) -> Yard:
        return _InPlaceFakeYard()


@pytest.mark.deploys
class TestPlatformTarget(InPlaceTargetTests):
    @pytest.fixture
    def yard(self, tmp_path: Path) -> Iterator[Yard]:
        with platform_rig(tmp_path) as rig:
            yield rig
