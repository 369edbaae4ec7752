"""A repository that is not Harbor: init, doctor, up, ask, live, taken back, down; by the command line alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import tomlkit
from tests.walks.tiny import free_ports, git, make_repository

BIN = Path(sys.executable).parent
pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


class Person:
    """Type commands in the repository, with a home of Keelway's state of their own."""

    def __init__(self, folder: Path) -> None:
        self.repository = make_repository(folder)
        self.home = folder / "h"
        self.staging, self.production = free_ports(2)
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KEELWAY")},
            "KEELWAY_HOME": str(self.home),
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }

    def types(self, *words: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "keelway"), *words],
            cwd=self.repository,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def reads(self, *words: str) -> Any:
        done = self.types(*words, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def configures(self) -> None:
        """Do what init asks a person to do: choose an agent; and shorten the windows, to save a test's time."""
        path = self.repository / "keelway.toml"
        document = tomlkit.parse(path.read_text())
        document["agent"] = {"use": "replay", "script": "../plays.json"}
        document["staging"]["port"], document["production"]["port"] = self.staging, self.production
        document["black_box"] = [{"name": "greeter", "asks": ["GET /hello", "GET /{word}"]}]
        policy = document.setdefault("policy", {})
        policy["review"] = {"auto_merge_risk": "medium", "reviewer": "required"}
        for name, window in (("staging", 2.0), ("production", 3.0)):
            policy[name] = {
                "window_seconds": window,
                "tick_seconds": 1.0,
                "stabilise_seconds": 0.0,
                "on_inconclusive": "pass",
            }
        path.write_text(tomlkit.dumps(document))
        git(self.repository, "add", "keelway.toml")
        git(self.repository, "commit", "-q", "-m", "Configure Keelway")

    def asks_the_application(self, path: str) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{self.production}{path}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    somebody = Person(tmp_path)
    yield somebody
    somebody.types("down", "--yes", seconds=60)
    left = [
        process.pid for process in psutil.process_iter() if str(somebody.home) in " ".join(_cmdline(process))
    ]
    assert left == []


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_from_init_to_live_and_back(person: Person) -> None:
    made = person.types("init", "--yes", "--web", "python start.py", "--name", "greeter")
    assert made.returncode == 0, made.stderr
    person.configures()
    doctor = person.types("doctor")
    assert doctor.returncode == 0, doctor.stdout
    up = person.types("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    assert person.asks_the_application("/bye") == 404

    asked = person.types("ask", "Please add a /bye endpoint", "--wait")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert person.asks_the_application("/bye") == 200
    (task,) = (
        person.reads("tasks")["tasks"] if isinstance(person.reads("tasks"), dict) else person.reads("tasks")
    )
    assert "deployed" in json.dumps(task)
    assert person.types("audit", "--verify").returncode == 0
    said = person.types("audit").stdout
    assert "reviewed: comment. It says goodbye." in said
    quality = [gate for gate in person.reads("show", "T-1")["gates"] if gate["gate"] == "quality"]
    told = {finding["code"]: finding["examined"] for gate in quality for finding in gate["findings"]}
    assert (told["black_box_answers"], told["black_box_compared"]) == (1, 6), (
        "asked while it ran, before the merge"
    )
    assert "hijacked" not in git(person.repository, "show", "main:greeter.py"), "a reviewer writes nothing"

    assert person.types("ask", "write me a poem").returncode == 3
    back = person.types("rollback", "T-1", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert person.asks_the_application("/bye") == 404
    assert "rolled_back" in json.dumps(person.reads("show", "T-1"))


@pytest.mark.soak
def test_releases_serve_on_when_the_control_plane_ends_and_come_back_after_down(person: Person) -> None:
    person.types("init", "--yes", "--web", "python start.py", "--name", "greeter")
    person.configures()
    assert person.types("up", "--detach").returncode == 0
    pid = json.loads((person.home / "server.json").read_text())["pid"]
    psutil.Process(pid).kill()
    psutil.Process(pid).wait(10)
    assert person.asks_the_application("/hello") == 200
    assert person.types("status").returncode == 0
    assert person.types("up", "--detach").returncode == 0
    assert person.types("down", "--yes").returncode == 0
    assert person.types("up", "--detach").returncode == 0
    assert person.asks_the_application("/hello") == 200
