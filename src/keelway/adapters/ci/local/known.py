"""Remember what green tests said of a tree, so that a base that was a tested patch is not tested again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from keelway.clients.files import write_atomic
from keelway.core.codec import digest, from_json, to_json
from keelway.core.model.project import Project
from keelway.ports.ci import CheckJob, CheckReport

BYTES_MAX = 8_000_000
KEPT_MAX = 200
FORMAT = 2
"""Goes up when ids of tests are told in another way: a report of before would not fit."""


class Known:
    """Keep reports by tree and configuration in a folder that no test is told about.

    Only a report in which every test check passed is kept, and only a job of the purpose
    ``base`` is answered from it: a patch itself is always run.
    """

    def __init__(self, folder: Path, project: Project) -> None:
        self._folder, self._project = folder, project

    def recall(self, job: CheckJob, tree_sha: str) -> CheckReport | None:
        """Return the report of an equal tree, ``None`` when there is none or it cannot be read."""
        if job.purpose != "base" or job.coverage_of or _asks_for_less(job):
            return None
        try:
            file = self._file(tree_sha)
            plain = json.loads(file.read_bytes()) if file.stat().st_size <= BYTES_MAX else None
            report = from_json(CheckReport, plain)
        except Exception:  # noqa: BLE001 - whatever is wrong with a memory, the tests are simply run
            return None
        asked = tuple(command for command in report.commands if command.name in job.checks)
        return replace(report, sha=job.sha) if len(asked) == len(job.checks) else None

    def keep(self, job: CheckJob, tree_sha: str, report: CheckReport) -> None:
        """Remember the test checks of a green report."""
        tests = {check.name for check in self._project.checks if check.kind == "tests"}
        commands = tuple(command for command in report.commands if command.name in tests)
        green = bool(commands) and all(command.passed for command in commands)
        if _asks_for_less(job) or report.setup_error or not green or not report.tests:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        plain = to_json(CheckReport(job.sha, commands, report.tests))
        write_atomic(self._file(tree_sha), json.dumps(plain).encode(), 0o600)
        for old in sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime)[:-KEPT_MAX]:
            old.unlink(missing_ok=True)

    def _file(self, tree_sha: str) -> Path:
        return self._folder / digest([FORMAT, tree_sha, to_json(self._project)]).removeprefix("sha256:")


def _asks_for_less(job: CheckJob) -> bool:
    """Tell whether a job's report does not say how all tests of the tree end."""
    return bool(job.canary or job.only or job.changed)
