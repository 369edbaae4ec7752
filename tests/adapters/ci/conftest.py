"""Tiny projects in real repositories, checked by the real local CI."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.conformance.git_rig import git

from keelway.adapters.ci.local import LocalCi
from keelway.clients.git import Git
from keelway.core.model.project import CheckCommand, Project
from keelway.ports.ci import CheckJob, CheckReport, CommandResult

PYTEST = (
    "env",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1",
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
)
TESTS = CheckCommand("tests", (*PYTEST, "--junitxml={junit}"), "tests", seconds_max=60)


@dataclass
class Tiny:
    """Commit files and check them with commands of the test's choice."""

    folder: Path
    ci: LocalCi

    @property
    def root(self) -> Path:
        return Path(self.ci.root)

    def commit(self, files: Mapping[str, str | bytes]) -> str:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-qm", "commit", "--allow-empty")
        ours = Git(self.ci.repository)
        if not ours.complete:
            ours.init_bare("main")
        ours.fetch(str(self.folder), "+refs/heads/main:refs/heads/main")
        return git(self.folder, "rev-parse", "HEAD")

    def having(self, *checks: CheckCommand, **project: object) -> Tiny:
        facts = replace(self.ci.project, **({"checks": checks} if checks else {}), **project)  # type: ignore[arg-type]
        return Tiny(self.folder, replace(self.ci, project=facts))

    def check(self, files: Mapping[str, str | bytes], **job: object) -> CheckReport:
        """Run every check of the project on the files, and see that nothing stays behind."""
        checks = tuple(check.name for check in self.ci.project.checks)
        report = self.ci.check(CheckJob(self.commit(files), checks, **job))  # type: ignore[arg-type]
        assert [path for path in self.root.iterdir() if path.name.startswith("ci-")] == []
        return report

    def shell(self, text: str, **more: float) -> CommandResult:
        """Run one shell command as the only check."""
        return self.having(CheckCommand("shell", ("sh", "-c", text), **more)).check({}).commands[0]


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    folder = tmp_path / "people"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    project = Project("tiny", checks=(TESTS,))
    return Tiny(folder, LocalCi(project, str(tmp_path / "bare.git"), str(tmp_path / "ci")))
