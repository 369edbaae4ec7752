"""The docker target keeps the promises of every target, on real engines: Podman and Docker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.target.docker_rig import docker_rig, real_engine
from tests.clients.cage.engine import Engine

from keelway.testing.conformance.target import TargetTests, Yard

pytestmark = [pytest.mark.deploys, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", params=["podman", "docker"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with real_engine(request.param) as started:
        yield started


class TestDockerTarget(TargetTests):
    @pytest.fixture
    def yard(self, tmp_path: Path, engine: Engine) -> Iterator[Yard]:
        network = "host" if "dockerd" in engine.address else ""
        with docker_rig(tmp_path, engine, network=network, build_network=network) as rig:
            yield rig
