"""The runners of other languages, run for real: ids, outcomes, lines, and tests that have to fail."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.adapters.ci.conftest import Tiny

from keelway.app.initialise.draft import Repository
from keelway.app.initialise.go import recognise_go
from keelway.core.model.project import CheckCommand
from keelway.ports.ci import CheckReport

pytestmark = pytest.mark.long

CANARY = "keelcanary_0a1b2c"
NODE = (
    *("node", "--test", "--experimental-test-coverage"),
    *("--test-reporter=junit", "--test-reporter-destination={junit}"),
    *("--test-reporter=lcov", "--test-reporter-destination={coverage}", "test/"),
)
JS = {
    "src/a.js": "export function half(n) {\n  if (n > 9) {\n    return 0;\n  }\n  return n / 2;\n}\n",
    "test/a.test.js": 'import assert from "node:assert";\nimport { describe, it, test } from "node:test";\nimport { half } from "../src/a.js";\n'
    'describe("half", () => {\n  it("halves", () => assert.equal(half(4), 2));\n  it.skip("later", () => {});\n});\n'
    'test("lies", () => assert.equal(half(4), 3));\n',
    "test/b.test.cjs": 'const { test } = require("node:test");\ntest("old", () => {});\n',
    "test/helper.js": "globalThis.helps = true;\n",
    "test/broken.test.js": 'import { nothing } from "../src/a.js";\n',
    "package.json": '{"type": "module"}',
}
GO_MOD = "module example.com/x\n\ngo 1.19\n"
GO = {
    "go.mod": GO_MOD,
    "a/a.go": "package a\n\n// Half halves.\nfunc Half(n int) int {\n\tif n > 9 {\n\t\treturn 0\n\t}\n\treturn n / 2\n}\n",
    "a/a_test.go": 'package a\n\nimport "testing"\n\nfunc TestHalf(t *testing.T) {\n\tt.Run("four", func(t *testing.T) {\n\t\tif Half(4) != 2 {\n\t\t\tt.Fatal()\n\t\t}\n\t})\n}\n'
    '\nfunc TestLies(t *testing.T) { t.Error("lies") }\n\nfunc TestLater(t *testing.T) { t.Skip("later") }\n',
    "b/b.go": "package b\n",
    "b/b_test.go": 'package b_test\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestEnd(t *testing.T) { os.Exit(3) }\n',
    "c/c.go": "package c\n\ntype C struct{}\n",
    "c/c_test.go": 'package c\n\nimport "testing"\n\nfunc TestC(t *testing.T) { Absent() }\n',
    "d/d.go": "package d\n",
    "d/d_test.go": 'package d\n\nimport "testing"\n\nfunc TestD(t *testing.T) {}\n',
}


def need(program: str, package: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program}: not installed. Next: apt-get install {package}")


def outcomes(report: CheckReport) -> dict[str, str]:
    return {test.id: test.outcome for test in report.tests}


def go_env(folder: Path) -> tuple[str, ...]:
    return ("env", f"GOCACHE={folder / 'go-cache'}", "GOFLAGS=-mod=mod")


def test_node_tells_tests_files_and_lines(tiny: Tiny) -> None:
    need("node", "nodejs")
    check = CheckCommand("tests", NODE, "tests", seconds_max=60)
    report = tiny.having(check, test_paths=("test/*",)).check(
        JS, canary=CANARY, coverage_of=("src/a.js", "src/b.js")
    )
    assert outcomes(report) == {
        "test/a.test.js::half > halves": "passed",
        "test/a.test.js::half > later": "skipped",
        "test/a.test.js::lies": "failed",
        "test/b.test.cjs::old": "passed",
        "test/broken.test.js": "failed",
    }
    assert report.canary_failed is True
    assert (report.commands[0].examined, report.commands[0].passed) == (4, False)
    assert outcomes(tiny.having(check, test_paths=("test/*",)).check(JS)) == outcomes(report)
    assert set(report.executable) == {"src/a.js"}
    assert set(report.executable["src/a.js"]) - set(report.executed["src/a.js"]) <= {2, 3, 4}
    assert {2, 3} & (set(report.executable["src/a.js"]) - set(report.executed["src/a.js"]))


@pytest.mark.parametrize(
    "lie",
    [
        "import assert from 'node:assert'; assert.strict.equal = () => {};",
        "process.exit(0);",
        "import assert from 'node:assert'; assert.throws = () => {};",
        "process.on('exit', () => process.reallyExit(0));",
    ],
)
def test_a_node_process_that_lies_about_its_own_file_is_noticed(tiny: Tiny, lie: str) -> None:
    need("node", "nodejs")
    files = {
        "package.json": '{"type": "module"}',
        "src/a.js": f"{lie}\nexport const a = 1;\n",
        "test/a.test.js": 'import assert from "node:assert/strict";\nimport { test } from "node:test";\nimport { a } from "../src/a.js";\ntest("a", () => assert.equal(a, 2));\n',
        "test/b.test.js": 'import { test } from "node:test";\ntest("b", () => {});\n',
    }
    check = CheckCommand("tests", (*NODE[:2], *NODE[3:5], "test/"), "tests", seconds_max=60)
    report = tiny.having(check, test_paths=("test/*",)).check(files, canary=CANARY)
    assert report.canary_failed is False or outcomes(report).get("test/a.test.js::a") != "passed"


@pytest.mark.parametrize("reader", ["json", "gotestsum"])
def test_go_tells_tests_files_and_lines(tiny: Tiny, tmp_path: Path, reader: str) -> None:
    need("go", "golang")
    need("gotestsum", "gotestsum")
    words = "go test -vet=off -coverprofile={coverage} -json ./... > {junit}"
    run = {
        "json": (
            "sh",
            "-c",
            words.replace("{junit}", '"$0"').replace("{coverage}", '"$1"'),
            "{junit}",
            "{coverage}",
        ),
        "gotestsum": (
            "gotestsum",
            "--junitfile",
            "{junit}",
            "--",
            "-vet=off",
            "-coverprofile={coverage}",
            "./...",
        ),
    }[reader]
    check = CheckCommand("tests", (*go_env(tmp_path), *run), "tests", seconds_max=110)
    report = tiny.having(check, test_paths=("*_test.go",)).check(
        GO, canary=CANARY, coverage_of=("a/a.go", "c/c.go", "d/e.go")
    )
    told = {name: outcome for name, outcome in outcomes(report).items() if not name.startswith("example.com")}
    assert told == {
        "a/a_test.go::TestHalf": "passed",
        "a/a_test.go::TestHalf/four": "passed",
        "a/a_test.go::TestLater": "skipped",
        "a/a_test.go::TestLies": "failed",
        "b/b_test.go::TestEnd": "error" if reader == "json" else told["b/b_test.go::TestEnd"],
        "d/d_test.go::TestD": "passed",
    }
    assert told["b/b_test.go::TestEnd"] in {"error", "failed"}
    assert report.canary_failed is True
    assert not report.commands[0].passed
    assert set(report.executable) == {"a/a.go", "c/c.go"}
    assert report.executable["c/c.go"] == ()
    assert set(report.executable["a/a.go"]) - set(report.executed["a/a.go"]) == {6, 7}


def test_a_go_package_that_forges_its_report_is_noticed_beside_an_honest_one(
    tiny: Tiny, tmp_path: Path
) -> None:
    need("go", "golang")
    files = {
        "go.mod": GO_MOD,
        "a/a.go": 'package a\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc init() {\n\tfmt.Print("=== RUN   TestA\\n--- PASS: TestA (0.00s)\\nPASS\\n")\n\tos.Exit(0)\n}\n',
        "a/a_test.go": 'package a\n\nimport "testing"\n\nfunc TestA(t *testing.T) { t.Fatal() }\n',
        "d/d.go": GO["d/d.go"],
        "d/d_test.go": GO["d/d_test.go"],
    }
    run = (*go_env(tmp_path), "sh", "-c", 'go test -vet=off -json ./... > "$0"', "{junit}")
    check = CheckCommand("tests", run, "tests", seconds_max=110)
    report = tiny.having(check, test_paths=("*_test.go",)).check(files, canary=CANARY)
    assert outcomes(report) == {"a/a_test.go::TestA": "passed", "d/d_test.go::TestD": "passed"}
    assert report.canary_failed is False


RACE = """package a

// Count counts in two places at once.
func Count() int {
	n := 0
	done := make(chan bool)
	for i := 0; i < 2; i++ {
		go func() { n++; done <- true }()
	}
	<-done
	<-done
	return n
}
"""


@pytest.mark.long
def test_the_checks_of_a_go_project_as_init_writes_them(tiny: Tiny, tmp_path: Path) -> None:
    need("go", "golang")
    need("gotestsum", "gotestsum")
    need("gcc", "gcc")
    files = {
        "go.mod": GO_MOD,
        "a/a.go": RACE,
        "a/a_test.go": 'package a\n\nimport "testing"\n\nfunc TestCount(t *testing.T) { Count() }\n\nfunc TestFine(t *testing.T) {}\n',
    }
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "go.mod").write_text(GO_MOD)
    draft = recognise_go(Repository(tmp_path / "draft"), dict(os.environ))
    assert draft is not None
    cache = ("env", f"GOCACHE={tmp_path / 'go-cache'}")
    checks = [
        CheckCommand(check.name, (*cache, *check.run), check.kind, seconds_max=110) for check in draft.checks
    ]
    report = tiny.having(*checks, test_paths=draft.tests, source_paths=draft.sources).check(
        files, canary=CANARY
    )
    assert [(command.name, command.passed) for command in report.commands] == [
        ("vet", True),
        ("build", True),
        ("tests", False),
    ]
    assert outcomes(report) == {"a/a_test.go::TestCount": "failed", "a/a_test.go::TestFine": "passed"}
    assert "DATA RACE" in report.commands[2].output
    assert report.canary_failed is True


def test_two_runners_have_to_fail_a_canary_each(tiny: Tiny) -> None:
    need("node", "nodejs")
    node = CheckCommand("node", (*NODE[:2], *NODE[3:5], "test/"), "tests", seconds_max=60)
    files = {
        "tests/test_a.py": "def test_a(): pass\n",
        "test/b.test.js": 'require("node:test").test("b", () => {});\n',
    }
    python = tiny.ci.project.checks[0]
    paths = ("tests/*", "test/*")
    assert tiny.having(python, node, test_paths=paths).check(files, canary=CANARY).canary_failed is True
    silent = CheckCommand(
        "node", ("sh", "-c", "echo node --test >/dev/null; echo '<testsuite/>' > $0", "{junit}"), "tests"
    )
    assert tiny.having(python, silent, test_paths=paths).check(files, canary=CANARY).canary_failed is False
    unknown = CheckCommand("other", ("sh", "-c", "echo '<testsuite/>' > $0", "{junit}"), "tests")
    assert tiny.having(unknown, test_paths=("test/*",)).check(files, canary=CANARY).canary_failed is None
