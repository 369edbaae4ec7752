"""A workspace, a place for runs and an agent that plays what a test writes down."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from keelway.adapters.agent.acp import AcpAgent
from keelway.adapters.agent.replay import ReplayAgent
from keelway.clients.run import Launch
from keelway.ports.agent import AgentLimits, Assignment, Effort

TASK = "T-7"
BRISK = AgentLimits(grace_seconds=0.5)


class Stand:
    """One replay agent and one workspace."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.workspace = tmp_path / "workspace"
        self.workspace.mkdir()
        self.runs = tmp_path / "runs"
        self.env: dict[str, str] = {}
        self.redact: tuple[str, ...] = ()

    def agent(self, *steps: dict[str, Any], **play: Any) -> ReplayAgent:
        return self.scripted({"plays": [{"steps": list(steps)} | play]})

    def scripted(self, script: dict[str, Any]) -> ReplayAgent:
        path = self.tmp_path / "script.json"
        path.write_text(json.dumps(script))
        return ReplayAgent(str(path), str(self.runs), self.env, self.redact)

    def program(self, code: str, *args: str) -> AcpAgent:
        """An agent that is a few lines of Python, for what no decent agent does."""
        argv = (sys.executable, "-I", "-u", "-c", code, *args)
        return AcpAgent(Launch("odd", argv, str(self.runs), self.env, self.redact))

    def order(self, limits: AgentLimits = BRISK, **more: Any) -> Assignment:
        task = more.pop("task", TASK)
        attempt = more.pop("attempt", 1)
        prompt = f"Task: {task}\nRole: dev\nAttempt: {attempt}\n\n" + more.pop("prompt", "Do it.")
        workspace = more.pop("workspace", str(self.workspace))
        return Assignment(task, "dev", attempt, workspace, prompt, limits, **more)

    def play(self, *steps: dict[str, Any], **play: Any) -> Effort:
        return self.agent(*steps, **play).work(self.order())

    def text(self, path: str) -> str:
        return (self.workspace / path).read_text()


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def events(effort: Effort) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(effort.transcript).read_text().splitlines()]


def updates(effort: Effort, kind: str) -> list[dict[str, Any]]:
    found = []
    for event in events(effort):
        update = event.get("message", {}).get("params", {}).get("update", {})
        if isinstance(update, dict) and update.get("sessionUpdate") == kind:
            found.append(update)
    return found


def living(word: str) -> list[psutil.Process]:
    """Live processes that carry a word in their command line, such as the path of the test's folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            alive = process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
            if alive and word in " ".join(process.cmdline()):
                found.append(process)
    return found


def until(happened: Callable[[], Any], seconds: float = 20.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := happened():
            return result
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
