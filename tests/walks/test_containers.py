"""An application in containers: init, doctor, up, ask, live, taken back, down; by the command line alone."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import tomlkit
from tests.adapters.target.docker_rig import real_engine
from tests.clients.cage.engine import Engine
from tests.walks.test_other_repo import Person
from tests.walks.tiny import git

pytestmark = [pytest.mark.deploys, pytest.mark.timeout(900)]

DOCKERFILE = "FROM localhost/keelway-test:1\nWORKDIR /app\nCOPY . /app\n"


class Shipper(Person):
    """Deploy by containers."""

    def ships(self, engine: str) -> None:
        path = self.repository / "keelway.toml"
        document = tomlkit.parse(path.read_text())
        document["target"] = {"use": "docker", "docker": {"engine": engine, "network": "host"}}
        path.write_text(tomlkit.dumps(document))
        (self.repository / "Dockerfile").write_text(DOCKERFILE)
        git(self.repository, "add", "-A")
        git(self.repository, "commit", "-q", "-m", "Ship as an image")


@pytest.fixture
def podman() -> Iterator[Engine]:
    with real_engine() as started:
        yield started


@pytest.fixture
def person(tmp_path: Path, podman: Engine) -> Iterator[Shipper]:
    somebody = Shipper(tmp_path)
    assert somebody.types("init", "--yes", "--web", "python3 start.py", "--name", "greeter").returncode == 0
    somebody.configures()
    somebody.ships(podman.address)
    yield somebody
    somebody.types("down", "--yes", seconds=60)
    assert podman.podman("ps", "--quiet").stdout == ""


def test_from_init_to_live_and_back_in_containers(person: Shipper, podman: Engine) -> None:
    doctor = person.types("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert f"The engine at {podman.address} answers" in doctor.stdout
    up = person.types("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    assert person.asks_the_application("/bye") == 404
    assert len(podman.podman("ps", "--quiet").stdout.split()) == 2

    asked = person.types("ask", "Please add a /bye endpoint", "--wait")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert person.asks_the_application("/bye") == 200
    assert "deployed" in json.dumps(person.reads("tasks"))

    server = json.loads((person.home / "server.json").read_text())["pid"]
    os.kill(server, signal.SIGKILL)
    psutil.Process(server).wait(10)
    assert person.asks_the_application("/bye") == 200
    assert person.types("up", "--detach").returncode == 0

    back = person.types("rollback", "T-1", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert person.asks_the_application("/bye") == 404
    assert "rolled_back" in json.dumps(person.reads("show", "T-1"))
    assert person.types("audit", "--verify").returncode == 0


def test_an_engine_that_does_not_answer_is_told_before_anything_is_done(person: Shipper) -> None:
    person.ships("unix:///nowhere/engine.sock")
    doctor = person.types("doctor")
    assert doctor.returncode != 0
    assert "/nowhere/engine.sock does not answer" in doctor.stdout
