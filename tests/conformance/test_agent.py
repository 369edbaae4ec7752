"""The fake and the real replay program over the real protocol keep the same promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keelway.adapters.agent.replay import ReplayAgent
from keelway.testing.conformance.agent import AgentRig, AgentTests
from keelway.testing.fakes.agent import HANG, FakeAgent

ASK_NOTE = {"do": "ask", "title": "Write note.txt", "kind": "edit", "path": "note.txt"}
ASK_CI = {"do": "ask", "title": "Write ci", "kind": "edit", "path": "ci/build.yml"}
SCRIPT = {
    "plays": [
        {"role": "dev", "attempt": 1, "steps": [{"do": "edit", "path": "note.txt", "text": "hello\n"}]},
        {"role": "dev", "attempt": 2, "steps": [{"do": "no_change"}]},
        {"role": "dev", "attempt": 3, "steps": [{"do": "hang", "seconds": 60}]},
        {
            "role": "dev",
            "attempt": 4,
            "steps": [ASK_CI, {"do": "edit", "path": "ci/build.yml", "text": "x", "if_allowed": True}],
        },
        {
            "role": "review",
            "attempt": 1,
            "steps": [ASK_NOTE, {"do": "edit", "path": "note.txt", "text": "x", "if_allowed": True}],
        },
    ]
}


class TestFakeAgent(AgentTests):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> AgentRig:
        files: dict[str, str] = {}
        plays = {
            ("dev", 1): {"note.txt": "hello\n"},
            ("dev", 3): HANG,
            ("dev", 4): {"ci/build.yml": "x"},
            ("review", 1): lambda _assignment: {"note.txt": "x"},
        }
        return AgentRig(FakeAgent(plays, lambda _task: files), str(tmp_path), lambda: files)


class TestReplayAgent(AgentTests):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> AgentRig:
        workspace = tmp_path / "workspace"
        workspace.mkdir()
        script = tmp_path / "script.json"
        script.write_text(json.dumps(SCRIPT))
        agent = ReplayAgent(str(script), str(tmp_path / "runs"))
        return AgentRig(agent, str(workspace), lambda: texts(workspace))


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
