"""A cap bites in the middle of a run, the control plane is killed, a person allows more, and the task goes live."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.walks.tiny import BYE, BYE_TEST, PLAN, config, free_ports, git, make_repository

BIN = Path(sys.executable).parent
pytestmark = [pytest.mark.soak, pytest.mark.slow, pytest.mark.timeout(300)]

CAPS = """
[policy.budget]
extra_share = 2.0
[policy.budget.dev]
cost_usd_max = 0.25
[policy.gateway]
day_usd_max = 20.0
"""
PLAYS = {
    "plays": [
        {
            "match": "bye",
            "role": "plan",
            "steps": [
                {"do": "usage", "input_tokens": 900, "output_tokens": 90, "cost_usd": 0.125},
                {"do": "say", "text": json.dumps(PLAN)},
            ],
        },
        {
            "match": "bye",
            "role": "dev",
            "times": 1,
            "steps": [
                {"do": "edit", "path": "greeter.py", "text": BYE},
                {"do": "usage", "input_tokens": 5_000, "output_tokens": 500, "cost_usd": 0.5},
                {"do": "edit", "path": "tests/test_bye.py", "text": BYE_TEST, "delay_seconds": 20},
            ],
        },
        {
            "match": "bye",
            "role": "dev",
            "steps": [
                {"do": "edit", "path": "tests/test_bye.py", "text": BYE_TEST},
                {"do": "usage", "input_tokens": 1_000, "output_tokens": 100, "cost_usd": 0.125},
            ],
        },
    ]
}


class Person:
    """Type commands in a repository whose agent is dear."""

    def __init__(self, folder: Path) -> None:
        self.repository, self.home = make_repository(folder), folder / "h"
        (folder / "plays.json").write_text(json.dumps(PLAYS))
        (self.repository / "keelway.toml").write_text(config(free_ports(2)) + CAPS)
        git(self.repository, "add", "keelway.toml")
        git(self.repository, "commit", "-q", "-m", "Configure Keelway")
        plain = {name: value for name, value in os.environ.items() if not name.startswith("KEELWAY")}
        self.env = {**plain, "KEELWAY_HOME": str(self.home), "PATH": f"{BIN}:{os.environ['PATH']}"}

    def types(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(BIN / "keelway"), *words],
            cwd=self.repository,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def kills(self) -> None:
        pid = json.loads((self.home / "server.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while Path(f"/proc/{pid}/stat").exists() and time.monotonic() < deadline:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                break
            time.sleep(0.05)


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    made = Person(tmp_path)
    yield made
    made.types("down", "--yes")


def kinds(person: Person) -> list[str]:
    found: list[Any] = json.loads(person.types("audit", "--limit", "1000", "--json"))
    return [event["kind"] for event in found]


def test_a_cap_bites_and_the_task_goes_on_where_it_was_after_a_kill(person: Person) -> None:
    person.types("up", "--detach")
    asked = person.types("ask", "Say bye at /bye", "--wait", code=8)
    assert "0.50 of 0.25 USD used in development. May it use 0.50 USD more in development?" in " ".join(
        asked.split()
    )
    person.kills()
    person.types("up", "--detach")
    waiting = json.loads(person.types("tasks", "--waiting", "--json"))
    assert [(task["status"], task["waits_for"]) for task in waiting] == [("developing", "spend")]
    person.types("approve", "T-1")
    live = person.types("watch", "T-1")
    assert "deployed" in live
    costs = json.loads(person.types("costs", "--by", "role", "--json"))
    assert [(line["role"], line["runs"], line["cost_usd"]) for line in costs["lines"]] == [
        ("dev", 2, 0.625),
        ("plan", 1, 0.125),
    ]
    assert "0.75 of 20.00 USD used by all tasks" in person.types("status")
    said = kinds(person)
    assert (said.count("budget.spent"), said.count("budget.raised")) == (1, 1)
    first = person.types("logs", "T-1", "--artefact", "dev-1/transcript.jsonl")
    assert "limit_cost" in first, "the driver cut the first run off"
    assert person.types("audit", "--verify").startswith("The audit chain is whole")
