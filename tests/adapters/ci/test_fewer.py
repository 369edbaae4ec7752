"""Jobs that ask for fewer tests run what they name, and are not remembered as if they had run all."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from tests.adapters.ci.conftest import TESTS, Tiny

from keelway.adapters.ci.local.command import chosen
from keelway.core.model.project import CheckCommand
from keelway.ports.ci import CheckJob

FILES = {
    "tests/test_a.py": "import pytest\n\n\n@pytest.mark.parametrize('x', ['a b', '[c]'])\ndef test_a(x):\n    assert x\n",
    "tests/test_b.py": "class TestB:\n    def test_b(self):\n        assert False\n",
}


def test_pytest_is_given_the_names_of_the_tests(tiny: Tiny) -> None:
    wanted = ("tests/test_a.py::test_a[a b]", "tests/test_b.py::TestB::test_b")
    report = tiny.check(FILES, only=wanted)
    assert {test.id: test.outcome for test in report.tests} == dict(
        zip(wanted, ("passed", "failed"), strict=True)
    )


def test_a_base_is_run_whole_after_a_green_job_that_asked_for_fewer(tiny: Tiny) -> None:
    green = {"tests/test_a.py": FILES["tests/test_a.py"]}
    sha = tiny.commit(green)
    tiny.ci.check(CheckJob(sha, ("tests",), only=("tests/test_a.py::test_a[a b]",)))
    base = tiny.ci.check(CheckJob(sha, ("tests",), purpose="base"))
    assert len(base.tests) == 2
    again = tiny.ci.check(CheckJob(sha, ("tests",), purpose="base", only=("tests/test_a.py::test_a[a b]",)))
    assert len(again.tests) == 1, "what is run again is really run"


def test_related_tests_have_a_command_of_their_own(tiny: Tiny) -> None:
    related = (*TESTS.run, "{changed}")
    with_related = tiny.having(replace(TESTS, related=related), CheckCommand("lint", ("false",)))
    report = with_related.check(FILES, changed=("tests/test_a.py",))
    assert [command.name for command in report.commands] == ["tests"]
    assert report.commands[0].examined == 2


@pytest.mark.parametrize(
    ("check", "job", "run"),
    [
        (
            CheckCommand("t", ("x",), "tests", only=("y", "{tests}", "-k={tests}")),
            {"only": ("a", "b c")},
            ("y", "a", "b c", "-k=a b c"),
        ),
        (CheckCommand("t", ("go", "test"), "tests"), {"only": ("a",)}, ("go", "test")),
        (CheckCommand("l", ("pytest",)), {"only": ("a",)}, ("pytest",)),
        (
            CheckCommand("t", ("python", "-m", "pytest"), "tests"),
            {"only": ("a",)},
            ("python", "-m", "pytest", "a"),
        ),
        (
            CheckCommand("t", ("x",), related=("r", "{changed}")),
            {"changed": ("-p", "a.py")},
            ("r", "./-p", "a.py"),
        ),
    ],
)
def test_which_command_is_run(
    check: CheckCommand, job: dict[str, tuple[str, ...]], run: tuple[str, ...]
) -> None:
    found = chosen(check, CheckJob("sha", (), **job))  # type: ignore[arg-type]
    assert found is not None
    assert found.run == run


def test_a_check_without_a_command_for_related_files_is_left_out() -> None:
    assert (
        chosen(CheckCommand("t", (sys.executable,), "tests"), CheckJob("sha", (), changed=("a.py",))) is None
    )
