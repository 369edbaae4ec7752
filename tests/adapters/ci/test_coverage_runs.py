"""Which lines count as run, measured by real coverage runs and told by hand-made reports."""

from __future__ import annotations

import sys

from tests.adapters.ci.conftest import PYTEST, TESTS, Tiny

from keelway.core.model.project import CheckCommand

COVERED = CheckCommand(
    "tests",
    (*PYTEST, "-p", "pytest_cov", "--junitxml={junit}", "--cov", "--cov-report=xml:{coverage}"),
    "tests",
    seconds_max=60,
)
CODE = '''"""What it does."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elsewhere import Thing


def half(number):
    """Halve."""
    if number > 100:
        return number / 2  # pragma: no cover
    try:
        return number // 2
    except TypeError:
        return os.devnull


def open_end(thing):
    raise NotImplementedError


if __name__ == "__main__":
    print(half(2))
'''
TEST = "from pkg.code import half\n\n\ndef test_half():\n    assert half(4) == 2\n"
SETTINGS = "[tool.pytest.ini_options]\npythonpath = ['src']\n"
FILES = {
    "pyproject.toml": SETTINGS + "[tool.coverage.run]\nsource = ['src']\n",
    "src/pkg/code.py": CODE,
    "src/pkg/never.py": "one = 1\n\n\ndef two():\n    return 2\n",
    "tests/test_code.py": TEST,
}
PATHS = ("src/pkg/code.py", "src/pkg/never.py")


def test_lines_are_counted_whatever_the_source_excuses(tiny: Tiny) -> None:
    report = tiny.having(COVERED).check(FILES, coverage_of=PATHS)
    assert report.commands[0].passed
    code, never = (report.executable[path] for path in PATHS)
    assert set(code) >= {3, 4, 10, 12, 13, 14, 15, 16, 17}
    assert {13, 16, 17}.isdisjoint(report.executed[PATHS[0]])
    assert {3, 4, 10, 12, 14, 15} <= set(report.executed[PATHS[0]])
    assert (never, report.executed[PATHS[1]]) == ((1, 4, 5), ())


def test_settings_that_leave_a_file_out_leave_its_lines_not_run(tiny: Tiny) -> None:
    hidden = SETTINGS + "[tool.coverage.run]\nsource = ['src']\nomit = ['*/code.py']\nrelative_files = true\n"
    report = tiny.having(COVERED).check({**FILES, "pyproject.toml": hidden}, coverage_of=PATHS)
    assert {3, 10, 12, 13} <= set(report.executable[PATHS[0]])
    assert report.executed[PATHS[0]] == ()


def test_settings_that_excuse_every_line_change_nothing(tiny: Tiny) -> None:
    hidden = (
        SETTINGS + "[tool.coverage.run]\nsource = ['src']\n[tool.coverage.report]\nexclude_also = ['.*']\n"
    )
    report = tiny.having(COVERED).check({**FILES, "pyproject.toml": hidden}, coverage_of=PATHS)
    assert {3, 4, 10, 12, 13, 14, 15, 16, 17} == set(report.executable[PATHS[0]])
    assert report.executed[PATHS[0]] == ()


def test_without_a_coverage_report_nothing_is_measured(tiny: Tiny) -> None:
    report = tiny.having(TESTS).check(FILES, coverage_of=PATHS)
    assert report.executable == report.executed == {}


def test_a_coverage_report_that_is_not_written_measures_no_line_as_run(tiny: Tiny) -> None:
    early = {**FILES, "tests/test_code.py": "import os\n\n\ndef test_exit():\n    os._exit(0)\n"}
    report = tiny.having(COVERED).check(early, coverage_of=PATHS)
    assert report.executed == {PATHS[0]: (), PATHS[1]: ()}
    assert "no coverage report" in report.commands[0].output


def test_only_what_was_asked_for_and_can_be_read_is_measured(tiny: Tiny) -> None:
    files = {**FILES, "src/pkg/broken.py": "def (\n", "src/page.js": "let a = 1\n"}
    asked = ("src/pkg/never.py", "src/pkg/broken.py", "src/page.js", "src/gone.py")
    report = tiny.having(COVERED).check(files, coverage_of=asked)
    assert set(report.executable) == {"src/pkg/never.py"}


def test_several_reports_add_up(tiny: Tiny) -> None:
    write = (
        "import sys\n"
        "junit, coverage, line = sys.argv[1:]\n"
        "open(junit, 'w').write('<testsuite><testcase name=\"' + line + '\"/></testsuite>')\n"
        "lines = ''.join(f'<line number=\"{n}\" hits=\"{int(str(n) == line)}\"/>' for n in (1, 2, 3))\n"
        "open(coverage, 'w').write('<coverage><class filename=\"a.js\">' + lines + '</class></coverage>')\n"
    )
    run = (sys.executable, "write.py", "{junit}", "{coverage}")
    both = tiny.having(CheckCommand("one", (*run, "1"), "tests"), CheckCommand("two", (*run, "3"), "tests"))
    report = both.check({"write.py": write, "a.js": "1\n2\n3\n"}, coverage_of=("a.js",))
    assert report.executable == {"a.js": (1, 2, 3)}
    assert report.executed == {"a.js": (1, 3)}
    assert [test.id for test in report.tests] == ["1", "3"]


def test_a_coverage_report_that_is_none_is_said_and_measures_nothing_as_run(tiny: Tiny) -> None:
    write = 'echo "<testsuite><testcase name=\'a\'/></testsuite>" > "$0"; echo nonsense > "$1"'
    check = CheckCommand("tests", ("sh", "-c", write, "{junit}", "{coverage}"), "tests", seconds_max=20)
    report = tiny.having(check).check({"one.py": "one = 1\n"}, coverage_of=("one.py",))
    assert (report.executable, report.executed) == ({"one.py": (1,)}, {"one.py": ()})
    assert "coverage_unreadable" in report.commands[0].output
