"""What is remembered of a tree, and what never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelway.adapters.ci.local.known import Known
from keelway.core.judge.tests import TestResult
from keelway.core.model.project import CheckCommand, Project
from keelway.ports.ci import CheckJob, CheckReport, CommandResult

PROJECT = Project(
    "x", checks=(CheckCommand("lint", ("l",)), CheckCommand("tests", ("t", "{junit}"), "tests"))
)
GREEN = CheckReport(
    "head",
    (CommandResult("lint", 0, 0.1, 1), CommandResult("tests", 0, 0.1, 1)),
    (TestResult("a::b", "passed"),),
)
HEAD, BASE = CheckJob("head", ("lint", "tests")), CheckJob("base", ("tests",), purpose="base")


@pytest.fixture
def known(tmp_path: Path) -> Known:
    return Known(tmp_path / "known", PROJECT)


def test_a_base_with_the_tree_of_a_green_patch_is_known(known: Known) -> None:
    known.keep(HEAD, "tree", GREEN)
    report = known.recall(BASE, "tree")
    assert report is not None
    assert (report.sha, report.tests) == ("base", GREEN.tests)
    assert [command.name for command in report.commands] == ["tests"]


@pytest.mark.parametrize(
    ("job", "tree"),
    [
        (HEAD, "tree"),
        (BASE, "another tree"),
        (CheckJob("base", ("tests",), canary="c", purpose="base"), "tree"),
        (CheckJob("base", ("tests", "more"), purpose="base"), "tree"),
    ],
)
def test_everything_else_is_run(known: Known, job: CheckJob, tree: str) -> None:
    known.keep(HEAD, "tree", GREEN)
    assert known.recall(job, tree) is None


def test_another_configuration_knows_nothing(known: Known, tmp_path: Path) -> None:
    known.keep(HEAD, "tree", GREEN)
    assert Known(tmp_path / "known", Project("y", checks=PROJECT.checks)).recall(BASE, "tree") is None


def test_a_red_or_empty_report_is_not_kept(known: Known) -> None:
    red = CheckReport("head", (CommandResult("tests", 1, 0.1, 1),), GREEN.tests)
    for report in (red, CheckReport("head", GREEN.commands), CheckReport("head", (), setup_error="no")):
        known.keep(HEAD, "tree", report)
        assert known.recall(BASE, "tree") is None


def test_a_damaged_memory_is_no_memory(known: Known, tmp_path: Path) -> None:
    known.keep(HEAD, "tree", GREEN)
    (file,) = (tmp_path / "known").iterdir()
    file.write_text('{"sha": 3')
    assert known.recall(BASE, "tree") is None
