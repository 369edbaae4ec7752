"""What the tests of a project tell, and what they cannot fake."""

from __future__ import annotations

import sys

import pytest
from tests.adapters.ci.conftest import PYTEST, TESTS, Tiny

from keelway.core.model.project import CheckCommand
from keelway.ports.ci import CheckReport

pytestmark = pytest.mark.long

CANARY = "keelcanary_0a1b2c"
MANY = """
import unittest
import pytest

class TestOuter:
    class TestInner:
        @pytest.mark.parametrize("x", ["a::b", "c.d", "<&>"])
        def test_each(self, x): pass

class Old(unittest.TestCase):
    def test_old(self): self.assertEqual(1, 2)

@pytest.fixture
def broken(): raise ValueError("no fixture")

@pytest.fixture
def untidy():
    yield
    raise ValueError("no end")

def test_setup(broken): pass
def test_end(untidy): pass
def test_both(untidy): assert 0, "\\x1b[31mfirst"

@pytest.mark.xfail
def test_expected(): assert 0

@pytest.mark.xfail(strict=True)
def test_surprise(): pass
"""


def outcomes(report: CheckReport) -> dict[str, str]:
    return {test.id: test.outcome for test in report.tests}


def test_every_ending_has_its_word(tiny: Tiny) -> None:
    report = tiny.check({"tests/test_many.py": MANY, "tests/test_odd name-é.py": "def test_odd(): pass\n"})
    assert outcomes(report) == {
        "tests/test_odd name-é.py::test_odd": "passed",
        "tests/test_many.py::Old::test_old": "failed",
        "tests/test_many.py::TestOuter::TestInner::test_each[<&>]": "passed",
        "tests/test_many.py::TestOuter::TestInner::test_each[a::b]": "passed",
        "tests/test_many.py::TestOuter::TestInner::test_each[c.d]": "passed",
        "tests/test_many.py::test_both": "error",
        "tests/test_many.py::test_end": "error",
        "tests/test_many.py::test_expected": "skipped",
        "tests/test_many.py::test_setup": "error",
        "tests/test_many.py::test_surprise": "failed",
    }
    assert report.commands[0].examined == len(report.tests) - 1
    assert report.commands[0].exit_code == 1


def test_both_report_families_give_the_same_ids(tiny: Tiny) -> None:
    old = CheckCommand("tests", (*TESTS.run, "-o", "junit_family=xunit1"), "tests")
    files = {"tests/test_many.py": MANY}
    assert outcomes(tiny.check(files)) == outcomes(tiny.having(old).check(files))


def test_an_error_at_import_is_the_error_of_the_file(tiny: Tiny) -> None:
    report = tiny.check({"tests/test_lost.py": "import no_such_module\n"})
    assert outcomes(report) == {"tests/test_lost.py": "error"}
    assert "no_such_module" in report.tests[0].message + report.commands[0].output
    assert not report.commands[0].passed


def test_leaving_early_with_a_good_exit_code_is_not_passed(tiny: Tiny) -> None:
    report = tiny.check({"tests/test_exit.py": "import os\n\n\ndef test_exit():\n    os._exit(0)\n"})
    command = report.commands[0]
    assert (command.exit_code, command.examined, command.passed) == (0, 0, False)
    assert "no test report" in command.output
    assert report.tests == ()


def test_a_good_exit_code_does_not_outweigh_a_failed_test(tiny: Tiny) -> None:
    quiet = "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n"
    report = tiny.check({"tests/test_red.py": "def test_red(): assert 0\n", "tests/conftest.py": quiet})
    assert outcomes(report) == {"tests/test_red.py::test_red": "failed"}
    assert not report.commands[0].passed
    assert "report names tests that failed" in report.commands[0].output


def test_a_hanging_test_is_not_passed(tiny: Tiny) -> None:
    slow = CheckCommand("tests", TESTS.run, "tests", seconds_max=1.5)
    report = tiny.having(slow).check(
        {"tests/test_slow.py": "import time\n\n\ndef test_slow():\n    time.sleep(60)\n"}
    )
    assert report.commands[0].timed_out
    assert not report.commands[0].passed
    assert report.tests == ()


def test_a_tests_check_without_a_report_is_refused(tiny: Tiny) -> None:
    report = tiny.having(CheckCommand("tests", PYTEST, "tests")).check(
        {"tests/test_a.py": "def test_a(): pass\n"}
    )
    assert "{junit}" in report.commands[0].could_not_start
    assert not report.commands[0].passed


@pytest.mark.parametrize(
    "write",
    ["ln -s /etc/passwd {junit}", "mkfifo {junit}", "mkdir {junit}", "echo '<html/>' > {junit}", "echo x > {junit}",
     "head -c 17000000 /dev/zero > {junit}", "true"],
)  # fmt: skip
def test_a_report_that_is_none_means_no_test_ran(tiny: Tiny, write: str) -> None:
    check = CheckCommand(
        "tests", ("sh", "-c", write.replace("{junit}", '"$0"'), "{junit}"), "tests", seconds_max=20
    )
    command = tiny.having(check).check({}).commands[0]
    assert (command.exit_code, command.examined, command.passed) == (0, 0, False)
    assert "report" in command.output


def test_the_canary_is_heard_beside_the_projects_own_tests(tiny: Tiny) -> None:
    files = {
        "pkg/tests/test_a.py": "def test_a(): pass\n",
        "pkg/__init__.py": "",
        "pkg/tests/__init__.py": "",
    }
    report = tiny.check(files, canary=CANARY)
    assert report.canary_failed is True
    assert report.commands[0].passed
    assert CANARY in report.commands[0].output
    assert outcomes(report) == {"pkg/tests/test_a.py::test_a": "passed"}


QUIETENED = {
    "skips": "import pytest\ndef pytest_collection_modifyitems(items):\n    for i in items: i.add_marker(pytest.mark.skip)\n",
    "drops": "def pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if 'canary' not in i.name]\n",
    "ignores": "collect_ignore_glob = ['*canary*']\n",
    "expects": "import pytest\ndef pytest_collection_modifyitems(items):\n    for i in items: i.add_marker(pytest.mark.xfail)\n",
    "passes": "def pytest_pyfunc_call(pyfuncitem): return True\n",
}  # fmt: skip


@pytest.mark.parametrize("conftest", QUIETENED.values(), ids=QUIETENED.keys())
def test_a_canary_that_was_silenced_is_noticed(tiny: Tiny, conftest: str) -> None:
    files = {"tests/test_a.py": "def test_a(): pass\n", "tests/conftest.py": conftest}
    assert tiny.check(files, canary=CANARY).canary_failed is False


def test_a_runner_that_never_reports_hears_no_canary(tiny: Tiny) -> None:
    report = tiny.check({"tests/test_a.py": "import os\nos._exit(0)\n"}, canary=CANARY)
    assert report.canary_failed is False
    assert not report.commands[0].passed


def test_without_tests_of_pytest_there_is_no_canary(tiny: Tiny) -> None:
    junit = 'printf \'<testsuite><testcase classname="a" name="b"/></testsuite>\' > "$0"'
    other = CheckCommand("tests", ("sh", "-c", junit, "{junit}"), "tests")
    report = tiny.having(other).check({"tests/a.test.js": "1"}, canary=CANARY)
    assert report.canary_failed is None
    assert report.commands[0].passed


def test_a_canary_with_a_strange_name_is_refused(tiny: Tiny) -> None:
    for name in ("../x", "a b", "x" * 200):
        assert "canary" in tiny.check({"tests/test_a.py": ""}, canary=name).setup_error


def test_the_canary_is_not_planted_through_a_link(tiny: Tiny) -> None:
    outside = tiny.folder.parent / "outside"
    outside.mkdir()
    setup = ("sh", "-c", f"rm -r tests && ln -s {outside} tests")
    report = tiny.having(setup=setup).check({"tests/test_a.py": "def test_a(): pass\n"}, canary=CANARY)
    assert (outcomes(report), report.canary_failed) == ({"tests/test_a.py::test_a": "passed"}, True)
    assert list(outside.iterdir()) == []


def test_a_set_up_cannot_rewrite_the_tests(tiny: Tiny) -> None:
    setup = ("sh", "-c", "printf 'def test_a(): pass\n' > tests/test_a.py; touch src.py made.txt")
    report = tiny.having(setup=setup).check(
        {"tests/test_a.py": "def test_a(): assert 0\n", "src.py": "a = 1\n"}
    )
    assert outcomes(report) == {"tests/test_a.py::test_a": "failed"}


@pytest.mark.parametrize("path", ["conftest.py", "tests/conftest.py", "pytest.ini"])
def test_a_set_up_cannot_configure_the_runner(tiny: Tiny, path: str) -> None:
    report = tiny.having(setup=("touch", path)).check({"tests/test_a.py": "def test_a(): pass\n"})
    assert path in report.setup_error
    assert report.commands == ()


def test_runs_of_the_same_commit_tell_the_same(tiny: Tiny) -> None:
    first, second = (tiny.check({"tests/test_many.py": MANY}).tests for _ in range(2))
    assert [(test.id, test.outcome) for test in first] == [(test.id, test.outcome) for test in second]
    assert sys.executable not in first[0].id
