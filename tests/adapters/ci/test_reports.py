"""Reports of many runners, honest and hostile, and the lines of Python."""

from __future__ import annotations

import inspect
import string
import textwrap
from xml.sax.saxutils import quoteattr

import pytest
from coverage.parser import PythonParser
from hypothesis import given
from hypothesis import strategies as st

from keelway.adapters.ci.local.lines import python_lines
from keelway.clients import coverage_xml, junit
from keelway.clients.coverage_xml import read_coverage
from keelway.clients.junit import read_junit
from keelway.core.errors import TheirFault
from keelway.core.judge.tests import TestResult

BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
WORDS = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8)


def ids(cases: str, *paths: str, folder: str = "/w/tree") -> list[str]:
    data = f"<testsuites><testsuite>{cases}</testsuite></testsuites>".encode()
    return [test.id for test in read_junit(data, paths, folder)]


@pytest.mark.parametrize(
    ("case", "paths", "expected"),
    [
        ('classname="tests.test_a" name="test_x"', ["tests/test_a.py"], "tests/test_a.py::test_x"),
        ('classname="tests.test_a.A.B" name="x[1.5::2]"', ["tests/test_a.py"], "tests/test_a.py::A::B::x[1.5::2]"),
        ('classname="a.b.C" name="x"', ["a.py", "a/b.py"], "a/b.py::C::x"),
        ('classname="a.b.test_c" name="x"', ["a/b.test_c.py"], "a/b.test_c.py::x"),
        ('classname="a.b" name="x"', ["a/b.js", "a/b.py", "a/b.pyi"], "a/b.py::x"),
        ('classname="" name="tests.test_a"', ["tests/test_a.py"], "tests/test_a.py"),
        ('classname="" name="tests/test_a.py"', ["tests/test_a.py"], "tests/test_a.py"),
        ('classname="src/a.test.ts" name="adds &gt; one"', ["src/a.test.ts"], "src/a.test.ts::adds > one"),
        ('classname="example.com/mod/pkg" name="TestA/sub"', ["pkg/a_test.go"], "example.com/mod/pkg::TestA/sub"),
        ('file="/w/tree/tests/ATest.php" classname="Tests.ATest" name="t"', ["tests/ATest.php"],
         "tests/ATest.php::Tests.ATest::t"),
        ('file="./tests/test_a.py" classname="tests.test_a.K" name="t"', ["tests/test_a.py"], "tests/test_a.py::K::t"),
        ('file="/other/test_a.py" classname="k" name="t"', ["test_a.py"], "k::t"),
        ('name="alone"', [], "alone"),
        ("", [], "?"),
    ],
)  # fmt: skip
def test_ids_begin_with_the_file_where_it_is_known(case: str, paths: list[str], expected: str) -> None:
    assert ids(f"<testcase {case}/>", *paths) == [expected]


def test_of_a_repeated_test_the_worst_ending_counts() -> None:
    endings = ["", "<skipped/>", '<failure message="&#27;[31mno&#10;"/>', "<skipped/>", ""]
    data = "".join(f'<testcase classname="a" name="b">{ending}</testcase>' for ending in endings)
    assert read_junit(f"<testsuite>{data}</testsuite>".encode().replace(b"&#27;", b""), ()) == (
        TestResult("a::b", "failed", "[31mno\n"),
    )
    worse = f'<testsuite>{data}<testcase classname="a" name="b"><error>gone</error></testcase></testsuite>'
    assert read_junit(worse.encode().replace(b"&#27;", b""), ()) == (TestResult("a::b", "error", "gone"),)


def test_a_test_that_did_not_run_is_skipped() -> None:
    assert (
        read_junit(b'<testsuite><testcase name="b" status="notrun"/></testsuite>', ())[0].outcome == "skipped"
    )


def test_no_testcase_is_no_result() -> None:
    assert read_junit(b'<testsuites tests="7" failures="0"/>', ()) == ()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<a", b"<html/>", b"\xff\xfe\x00", b'<?xml version="1.0" encoding="no-such"?><testsuite/>',
        f"{BOMB}<testsuite>&c;</testsuite>".encode(), f"{OUTSIDE}<testsuite>&b;</testsuite>".encode(),
        b"<testsuite>" + b" " * junit.BYTES_MAX + b"</testsuite>",
        b"<testsuite>" + b"<testcase/>" * 100_001 + b"</testsuite>",
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_test_report_is_refused(data: bytes) -> None:
    with pytest.raises(TheirFault):
        read_junit(data, ())


@given(
    st.dictionaries(st.tuples(WORDS, WORDS), st.sampled_from(["", "<failure/>", "<error/>", "<skipped/>"]))
)
def test_every_case_comes_back_once_in_order(cases: dict[tuple[str, str], str]) -> None:
    text = "".join(
        f"<testcase classname={quoteattr(group)} name={quoteattr(name)}>{ending}</testcase>"
        for (group, name), ending in cases.items()
    )
    found = ids(text)
    assert found == sorted(f"{group}::{name}" for group, name in cases)


def cobertura(sources: list[str], *files: str) -> bytes:
    tops = "".join(f"<source>{source}</source>" for source in sources)
    lines = '<lines><line number="1" hits="2"/><line number="3" hits="0"/></lines>'
    found = "".join(f"<class filename={quoteattr(file)}>{lines}</class>" for file in files)
    return f"<coverage><sources>{tops}</sources><packages>{found}</packages></coverage>".encode()


@pytest.mark.parametrize(
    ("sources", "file", "expected"),
    [
        (["/w/tree/src/pkg"], "code.py", "src/pkg/code.py"),
        (["/w/tree"], "src/pkg/code.py", "src/pkg/code.py"),
        (["src"], "pkg/code.py", "src/pkg/code.py"),
        (["."], "src/pkg/code.py", "src/pkg/code.py"),
        ([], "/w/tree/src/pkg/code.py", "src/pkg/code.py"),
        ([""], "./src/pkg/code.py", "src/pkg/code.py"),
        (["/w/tree/src/pkg", "/w/tree/src/other"], "code.py", ""),
        (["/w/tree2/src/pkg", "/elsewhere"], "code.py", ""),
        (["/w/tree/src"], "../../../w/tree/no.py", ""),
        ([], "gone.py", ""),
    ],
)
def test_files_are_found_through_the_sources(sources: list[str], file: str, expected: str) -> None:
    paths = ("src/pkg/code.py", "src/other/code.py")
    found = read_coverage(cobertura(sources, file), paths, "/w/tree")
    assert found == ({expected: {1: 2, 3: 0}} if expected else {})


def test_a_line_told_twice_ran_as_often_as_the_best_says() -> None:
    more = b'<coverage><class filename="a.py"><line number="1" hits="0"/><line number="1" hits="5"/></class></coverage>'
    assert read_coverage(more, ["a.py"]) == {"a.py": {1: 5}}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<html/>", f"{BOMB}<coverage>&c;</coverage>".encode(),
        b'<coverage><class filename="a.py"><line number="x" hits="1"/></class></coverage>',
        b"<coverage>" + b" " * coverage_xml.BYTES_MAX + b"</coverage>",
    ],
    ids=range(5),
)  # fmt: skip
def test_what_is_no_coverage_report_is_refused(data: bytes) -> None:
    with pytest.raises(TheirFault):
        read_coverage(data, ["a.py"])


def test_an_outside_document_type_is_accepted_and_not_fetched() -> None:
    kind = b'<!DOCTYPE coverage SYSTEM "http://localhost:1/coverage-04.dtd">'
    assert read_coverage(kind + cobertura(["."], "a.py"), ["a.py"], "/w") == {"a.py": {1: 2, 3: 0}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        ("'''text'''\nx = (\n  1,\n)\n", {2}),
        ("x = 1  # pragma: no cover\n", {1}),
        ("@a\ndef f():\n    '''text'''\n    global z\n    x: int\n    return 1\n    y = 2\n", {2, 6}),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b\n", {4}),
        ("class A:\n    def f(self): ...\n    def g(self):\n        raise NotImplementedError('x')\n", {1}),
        ("if x:\n    pass\nelse:\n    assert_never(x)\n", {1, 2}),
        ("try:\n    import a\nexcept ImportError:\n    a = None\n", {1, 2, 3, 4}),
        ("match x:\n    case 1:\n        y = 1\n", {1, 3}),
    ],
)
def test_lines_that_a_test_has_to_run(text: str, expected: set[int]) -> None:
    assert python_lines(text) == expected


@pytest.mark.parametrize("text", ["def (", "\x00", "x = " + "(" * 5_000, "return 1"])
def test_what_is_not_python_has_no_lines(text: str) -> None:
    assert python_lines(text) is None


def test_no_line_is_asked_for_that_coverage_could_not_report() -> None:
    for module in (junit, coverage_xml, string, textwrap):
        text = inspect.getsource(module)
        parser = PythonParser(text=text, filename="module.py")
        parser.parse_source()
        lines = python_lines(text)
        assert lines
        assert lines <= parser.statements
