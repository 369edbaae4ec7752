"""Reports of tests and of lines that are not JUnit XML or Cobertura, and those that are none at all."""

from __future__ import annotations

import json

import pytest

from keelway.clients.report import read_hits, read_results
from keelway.core.errors import TheirFault

JEST = {
    "testResults": [
        {
            "name": "/tree/src/a.test.js",
            "status": "failed",
            "assertionResults": [
                {"ancestorTitles": ["group"], "title": "one", "status": "passed"},
                {
                    "ancestorTitles": None,
                    "title": "two",
                    "status": "failed",
                    "failureMessages": ["no", "never"],
                },
                {"title": "three", "status": "todo"},
                {"title": "four", "status": "odd", "failureMessages": "no list"},
                "no test",
            ],
        },
        {
            "name": "/tree/src/b.test.js",
            "status": "failed",
            "message": "cannot be loaded",
            "assertionResults": None,
        },
        {"name": "/tree/src/c.test.js", "status": "passed", "assertionResults": []},
        "no file",
    ]
}


def told(data: bytes) -> dict[str, tuple[str, str]]:
    return {test.id: (test.outcome, test.message) for test in read_results(data, (), "/tree")}


def test_jest_and_vitest() -> None:
    assert told(json.dumps(JEST).encode()) == {
        "src/a.test.js::group::one": ("passed", ""),
        "src/a.test.js::two": ("failed", "no\nnever"),
        "src/a.test.js::three": ("skipped", ""),
        "src/a.test.js::four": ("error", ""),
        "src/b.test.js::src/b.test.js": ("error", "cannot be loaded"),
    }


def line(action: str, test: str = "", package: str = "p", **more: str) -> str:
    return json.dumps({"Action": action, "Package": package, **({"Test": test} if test else {}), **more})


def test_go() -> None:
    lines = [
        "FAIL\texample.com/broken [build failed]",
        "FAIL\texample.com/other",
        "{ no json",
        line("run", "TestA"),
        line("output", "TestA", Output="why\n"),
        line("fail", "TestA"),
        line("pass", "TestA"),
        line("run", "TestB"),
        line("skip", "TestB"),
        line("run", "TestC"),
        line("fail"),
        line("fail", package="q"),
        line("skip", package="r"),
    ]
    assert told("\n".join(lines).encode()) == {
        "p::TestA": ("failed", "why\n"),
        "p::TestB": ("skipped", ""),
        "p::TestC": ("error", ""),
        "q::(package)": ("error", ""),
        "example.com/broken::(package)": ("error", ""),
    }
    assert told(line("pass", "TestA").encode()) == {"p::TestA": ("passed", "")}


@pytest.mark.parametrize("data", [b"{}", b'{"testResults": 1}', b"{ nothing", b"[]", b"", b"{" * 100_000])
def test_what_is_no_report(data: bytes) -> None:
    with pytest.raises(TheirFault, match="report"):
        read_results(data, ())


def test_reports_are_bounded() -> None:
    with pytest.raises(TheirFault, match="larger"):
        read_results(b"{" + b" " * (16 * 1024 * 1024), ())
    with pytest.raises(TheirFault, match="more than"):
        read_results("\n".join(line("pass", f"T{number}") for number in range(100_001)).encode(), ())


def test_a_report_without_tests_that_speaks_of_errors_is_an_error() -> None:
    assert told(b'<testsuites tests="0" errors="1"/>') == {
        "(report)": ("error", "The report has no test, and says that there were errors.")
    }
    assert told(b'<testsuites tests="0" errors="0"/>') == {}


LCOV = b"""TN:
SF:/tree/src/a.js
DA:1,2
DA:2,0
DA:x,1
DA:3,1,checksum
DA:0,1
DA:2,1
end_of_record
SF:elsewhere.js
DA:1,1
"""


def test_lcov() -> None:
    assert read_hits(LCOV, ("src/a.js",), "/tree") == {"src/a.js": {1: 2, 2: 1, 3: 1}}
    assert read_hits(b"SF:src/a.js\nDA:1,1\n", ("src/a.js",)) == {"src/a.js": {1: 1}}


PROFILE = b"""mode: atomic
example.com/x/a/a.go:3.14,5.2 1 7
example.com/x/a/a.go:5.2,6.3 1 0
example.com/x/sub/b.go:1.1,1.9 1 0
example.com/y/c.go:1.1,1.9 1 1
nonsense
"""


def test_profiles_of_go() -> None:
    modules = {"example.com/x": ".", "example.com/x/sub": "deep"}
    hits = read_hits(PROFILE, ("a/a.go", "deep/b.go"), "/tree", modules)
    assert hits == {"a/a.go": {3: 1, 4: 1, 5: 1, 6: 0}, "deep/b.go": {1: 0}}
    assert read_hits(PROFILE, ("a/a.go",)) == {}


def test_lines_are_bounded() -> None:
    with pytest.raises(TheirFault, match="larger"):
        read_hits(b"mode: set\n" + b" " * (32 * 1024 * 1024), ())
    with pytest.raises(TheirFault, match="Cobertura"):
        read_hits(b"nothing", ())
