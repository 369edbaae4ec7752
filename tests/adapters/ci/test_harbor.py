"""The sample application, checked for real: its linter, its tests, its coverage and the canary."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from tests.adapters.ci.conftest import PYTEST, Tiny

from keelway.core.model.project import CheckCommand

HARBOR = Path(__file__).parents[3] / "examples" / "harbor"
CHECKS = (
    CheckCommand("lint", (sys.executable, "-m", "ruff", "check", "--no-cache"), seconds_max=60),
    CheckCommand(
        "tests",
        (*PYTEST, "-p", "pytest_cov", "--junitxml={junit}", "--cov", "--cov-report=xml:{coverage}"),
        "tests",
        seconds_max=110,
    ),
)


@pytest.mark.slow
def test_harbor_is_green_and_its_changed_lines_are_covered(tiny: Tiny) -> None:
    harbor = tiny.having(*CHECKS)
    unwanted = shutil.ignore_patterns(".*", "__pycache__")
    shutil.copytree(HARBOR, tiny.folder, ignore=unwanted, dirs_exist_ok=True)
    report = harbor.check({}, coverage_of=("src/harbor/jobs.py",), canary="keelcanary_0a1b2c")
    assert all(command.passed for command in report.commands), report.commands
    assert report.canary_failed is True
    assert report.commands[1].examined == len(report.tests) > 50
    assert {test.outcome for test in report.tests} == {"passed"}
    assert all(test.id.startswith("tests/test_") and ".py::" in test.id for test in report.tests)
    lines = report.executable["src/harbor/jobs.py"]
    assert set(report.executed["src/harbor/jobs.py"]) >= set(lines)
    assert lines
