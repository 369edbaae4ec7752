"""The whole story with a real agent: a request is planned, written, reviewed and live, and its cost is on the task."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomlkit
from tests.agents.model_server import ModelServer, Read, Script, Turn, Write
from tests.agents.rig import MODEL, installed
from tests.agents.test_real import WANTED
from tests.walks.test_other_repo import Person
from tests.walks.tiny import BYE, BYE_TEST, PLAN, REVIEW, git

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]

NAMES = tuple(name for name in ("codex", "opencode") if not WANTED or name in WANTED)
SCRIPTS = (
    Script((Turn(json.dumps(PLAN), verbatim=True),), name="plan", when="You are the planner."),
    Script(
        (
            Turn("I read it.", (Read("greeter.py"),)),
            Turn("I say goodbye.", (Write("greeter.py", BYE),)),
            Turn("I test it.", (Write("tests/test_bye.py", BYE_TEST),)),
            Turn("It says goodbye now."),
        ),
        name="dev",
        when="You are the developer.",
    ),
    Script((Turn(json.dumps(REVIEW), verbatim=True),), name="review", when="You are the reviewer."),
)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(SCRIPTS) as server:
        yield server


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    somebody = Person(tmp_path)
    somebody.env |= {name: os.environ[name] for name in ("KEELWAY_AGENTS",) if name in os.environ}
    yield somebody
    somebody.types("down", "--yes", seconds=60)


@pytest.mark.parametrize("name", NAMES)
def test_a_real_agent_brings_a_request_to_production(person: Person, server: ModelServer, name: str) -> None:
    if not installed(name):
        pytest.skip(f"{name} is not installed: keelway agents install {name}")
    assert person.types("init", "--yes", "--web", "python start.py", "--name", "greeter").returncode == 0
    person.configures()
    bring(person, server, name)
    doctor = person.types("doctor")
    assert doctor.returncode == 0, doctor.stdout
    up = person.types("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    asked = person.types("ask", "Please add a /bye endpoint", "--wait", seconds=600)
    logs = person.types("logs", "T-1").stdout
    assert asked.returncode == 0, asked.stdout + asked.stderr + logs[-3000:]
    assert person.asks_the_application("/bye") == 200
    assert {seen.script for seen in server.played} == {"plan", "dev", "review"}
    assert {seen.key for seen in server.seen} == {server.key}
    answered = [seen for seen in server.seen if seen.status == 200]
    told = json.dumps(person.reads("show", "T-1"))
    assert f'"cost_usd": {0.5 * len(answered)}' in told, told[:3000]
    assert server.key not in told + logs


def bring(person: Person, server: ModelServer, name: str) -> None:
    """Choose an agent, a provider and a price in the configuration, and lay the key beside it."""
    path = person.repository / "keelway.toml"
    document = tomlkit.parse(path.read_text())
    document["agent"] = {"use": name, "provider": "scripted", "model": MODEL}
    provider = {"name": "scripted", "api": "openai", "url": server.openai_url, "key": "scripted"}
    prices = {"*": [0.0, 10_000.0]}
    document["provider"] = tomlkit.aot()
    document["provider"].append(tomlkit.item(provider | {"prices": prices}))
    path.write_text(tomlkit.dumps(document))
    git(person.repository, "add", "keelway.toml")
    git(person.repository, "commit", "-q", "-m", "Bring an agent")
    secrets = person.home / "secrets.env"
    secrets.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets.write_text(f"scripted={server.key}\n")
    secrets.chmod(stat.S_IRUSR | stat.S_IWUSR)
