"""Hold every CI to the same promises."""
# ruff: noqa: D102, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from typing import Protocol

from keelway.core.judge.question import Question
from keelway.ports.ci import CheckJob, CheckReport, Ci
from keelway.testing.fakes.history import Files

GREEN = """from pathlib import Path


def test_one():
    assert "one = 1" in Path("app.py").read_text()
"""
RED = """from pathlib import Path


def test_two():
    assert "two = 2" in Path("app.py").read_text()
"""
SKIPPED = "import pytest\n\n\ndef test_three():\n    pytest.skip('not now')\n"
QUIET = """import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    result = yield
    result.get_result().outcome = "passed"
"""
APP = {"app.py": "one = 1\n", "tests/test_green.py": GREEN}


class Bench(Protocol):
    """Give a CI and the hands of a person who commits.

    Its project has the checks ``lint`` and ``tests``. ``lint`` fails when a file holds the words
    ``# fails lint``; ``tests`` are those of pytest below ``tests/``. It has the black boxes ``web``, which serves
    the files of the commit over HTTP, and ``cat``, which prints the file that it is given.
    """

    ci: Ci

    def commit(self, files: Files) -> str:
        """Make a commit with exactly these files and return it."""
        ...


def outcomes(report: CheckReport) -> dict[str, str]:
    """Return how each test ended by id."""
    return {test.id: test.outcome for test in report.tests}


class CiTests:
    """Subclass it with one fixture: ``bench``."""

    def test_several_jobs_are_answered_in_their_order(self, bench: Bench) -> None:
        shas = [bench.commit(files) for files in (APP, {**APP, "tests/test_red.py": RED}, APP)]
        jobs = tuple(CheckJob(sha, ("tests",)) for sha in shas)
        reports = bench.ci.check_all(jobs)
        assert [report.sha for report in reports] == shas
        assert [report.commands[0].passed for report in reports] == [True, False, True]

    def check(self, bench: Bench, files: Files, *checks: str, canary: str = "") -> CheckReport:
        """Commit files and check them."""
        return bench.ci.check(CheckJob(bench.commit(files), checks or ("lint", "tests"), canary=canary))

    def test_green_checks_pass_in_the_order_asked(self, bench: Bench) -> None:
        sha = bench.commit(APP)
        report = bench.ci.check(CheckJob(sha, ("tests", "lint")))
        assert (report.sha, report.setup_error, report.canary_failed) == (sha, "", None)
        assert [command.name for command in report.commands] == ["tests", "lint"]
        assert all(command.passed and command.examined == 1 for command in report.commands)
        assert outcomes(report) == {"tests/test_green.py::test_one": "passed"}
        assert report.executable == report.executed == {}

    def test_each_test_is_told_by_its_file_and_name(self, bench: Bench) -> None:
        files = {**APP, "tests/deep/test_red.py": RED, "tests/test_skipped.py": SKIPPED}
        report = self.check(bench, files, "tests")
        assert not report.commands[0].passed
        assert report.commands[0].examined == len(("green", "red"))
        assert outcomes(report) == {
            "tests/deep/test_red.py::test_two": "failed",
            "tests/test_green.py::test_one": "passed",
            "tests/test_skipped.py::test_three": "skipped",
        }

    def test_a_test_file_that_cannot_be_read_is_an_error(self, bench: Bench) -> None:
        report = self.check(bench, {**APP, "tests/test_broken.py": "def test_x(:\n"}, "tests")
        assert not report.commands[0].passed
        assert outcomes(report)["tests/test_broken.py"] == "error"

    def test_no_tests_and_only_skipped_tests_are_not_passed(self, bench: Bench) -> None:
        for files in ({"app.py": ""}, {"tests/test_skipped.py": SKIPPED}):
            report = self.check(bench, files, "tests")
            assert report.commands[0].examined == 0
            assert not report.commands[0].passed

    def test_a_failing_command_fails_alone_unless_told_to_stop(self, bench: Bench) -> None:
        sha = bench.commit({**APP, "bad.py": "# fails lint\n"})
        report = bench.ci.check(CheckJob(sha, ("lint", "tests")))
        assert [command.passed for command in report.commands] == [False, True]
        stopped = bench.ci.check(CheckJob(sha, ("lint", "tests"), stop_at_first=True))
        assert [command.name for command in stopped.commands] == ["lint"]
        assert stopped.tests == ()

    def test_an_unknown_check_is_not_passed(self, bench: Bench) -> None:
        report = self.check(bench, APP, "nothing")
        assert not report.commands[0].passed
        assert "nothing" in report.commands[0].could_not_start

    def test_the_canary_fails_and_leaves_no_trace(self, bench: Bench) -> None:
        report = self.check(bench, APP, canary="keelcanary_1a2b")
        assert report.canary_failed is True
        assert all(command.passed for command in report.commands)
        assert [command.examined for command in report.commands] == [1, 1]
        assert outcomes(report) == {"tests/test_green.py::test_one": "passed"}

    def test_the_canary_excuses_no_other_failure(self, bench: Bench) -> None:
        report = self.check(bench, {**APP, "tests/test_red.py": RED}, "tests", canary="keelcanary_1a2b")
        assert report.canary_failed is True
        assert not report.commands[0].passed

    def test_rewritten_outcomes_are_told_by_the_canary(self, bench: Bench) -> None:
        files = {**APP, "tests/test_red.py": RED, "tests/conftest.py": QUIET}
        report = self.check(bench, files, "tests", canary="keelcanary_1a2b")
        assert report.canary_failed is False

    def test_the_running_application_of_a_commit_is_asked_from_outside(self, bench: Bench) -> None:
        asked = (
            Question("web", "GET", "/app.py", contains="one = 1"),
            Question("cat", "RUN", "app.py", contains="two"),
            Question("web", "GET", "/gone.py"),
            Question("cat", "RUN", "gone.py"),
            Question("nothing", "GET", "/app.py"),
        )
        first, second = bench.commit(APP), bench.commit({**APP, "app.py": "two = 2\n"})
        jobs = tuple(CheckJob(sha, (), questions=asked) for sha in (first, first, second))
        one, again, two = (report.answers for report in bench.ci.check_all(jobs))
        assert [answer.status for answer in one[:3]] == [200, 0, 404]
        assert one[3].status != 0
        assert one[4].wrong
        assert [answer.contained for answer in one[:2]] == [True, False]
        assert [answer.contained for answer in two[:2]] == [False, True]
        assert [answer.digest for answer in one] == [answer.digest for answer in again]
        assert one[0].digest != two[0].digest
        assert one[0].text.startswith("one = 1")

    def test_an_application_that_was_not_asked_gives_no_answer(self, bench: Bench) -> None:
        assert self.check(bench, APP, "lint").answers == ()

    def test_only_some_tests_can_be_asked_for(self, bench: Bench) -> None:
        files = {**APP, "tests/test_red.py": RED}
        job = CheckJob(bench.commit(files), ("tests",), only=("tests/test_red.py::test_two",))
        assert outcomes(bench.ci.check(job))["tests/test_red.py::test_two"] == "failed"

    def test_tests_that_are_run_again_are_told_again(self, bench: Bench) -> None:
        name = "tests/test_green.py::test_one"
        report = bench.ci.check(CheckJob(bench.commit(APP), ("tests",), only=(name,), repeat=3))
        assert [test.id for test in report.tests] == [name] * 3

    def test_related_tests_are_asked_of_the_checks_that_have_a_command_for_them(self, bench: Bench) -> None:
        job = CheckJob(bench.commit(APP), ("lint", "tests"), changed=("app.py",), purpose="related")
        report = bench.ci.check(job)
        assert [(command.name, command.passed) for command in report.commands] == [("tests", True)]

    def test_no_tests_to_run_no_canary(self, bench: Bench) -> None:
        assert self.check(bench, APP, "lint", canary="keelcanary_1a2b").canary_failed is None
