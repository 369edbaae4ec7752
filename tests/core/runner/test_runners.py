"""Runners are recognised, told to fail, and their tests are found in their files."""

from __future__ import annotations

import json

import pytest

from keelway.core.model.project import CheckCommand
from keelway.core.runner.expecting import JEST, VITEST
from keelway.core.runner.go import GO, modules_of
from keelway.core.runner.known import RUNNERS, measured_by, runner_of
from keelway.core.runner.node import NODE
from keelway.core.runner.php import PHPUNIT
from keelway.core.runner.pytest import PYTEST
from keelway.core.runner.runner import Case, Reach, Runner
from keelway.core.runner.script import way_of

SCRIPTS = {
    "package.json": json.dumps(
        {"scripts": {"test": "npm run unit", "unit": "vitest run", "loop": "npm run loop", "odd": 1}}
    ),
    "composer.json": json.dumps({"scripts": {"check": ["@php artisan test"]}}),
}


@pytest.mark.parametrize(
    ("run", "runner"),
    [
        (("env", "A=1", "python", "-m", "pytest", "-q"), PYTEST),
        ((".venv/bin/pytest",), PYTEST),
        (("npx", "--no-install", "vitest", "run"), VITEST),
        (("node_modules/.bin/jest", "--ci"), JEST),
        (("node", "--test", "test/"), NODE),
        (("node", "--import", "tsx", "--test"), NODE),
        (("go", "test", "./..."), GO),
        (("sh", "-c", 'go test -json ./... > "$0"', "{junit}"), GO),
        (("gotestsum", "--junitfile", "{junit}"), GO),
        (("php", "artisan", "test"), PHPUNIT),
        (("vendor/bin/pest",), PHPUNIT),
        (("npm", "test", "--silent"), VITEST),
        (("npm", "t"), VITEST),
        (("npm", "run", "--silent", "unit"), VITEST),
        (("npm", "run", "loop"), None),
        (("npm", "run", "odd"), None),
        (("npm", "run", "absent"), None),
        (("composer", "check"), PHPUNIT),
        (("node", "--check", "a.js"), None),
        (("make", "test"), None),
        (("echo", "nopytest"), None),
    ],
)
def test_which_runner_a_command_starts(run: tuple[str, ...], runner: Runner | None) -> None:
    assert runner_of(run, SCRIPTS) is runner


def test_tests_of_python_speak_for_pytest_when_nothing_else_speaks() -> None:
    assert (
        runner_of(("make", "test"), {"package.json": "{", "composer.json": "[]"}, ("tests/test_a.py",))
        is PYTEST
    )
    assert runner_of(("make", "test"), {}, ("a.test.js",)) is None


def test_lines_are_asked_of_the_languages_that_are_measured() -> None:
    quiet, loud = (
        CheckCommand("a", ("go", "test"), "tests"),
        CheckCommand("b", ("jest", "{coverage}"), "tests"),
    )
    assert measured_by([quiet, CheckCommand("c", ("x", "{coverage}"), "tests")]) == (".py",)
    assert ".ts" in measured_by([loud])
    assert ".go" not in measured_by([loud])


def test_every_runner_says_how_to_get_it() -> None:
    assert all(runner.install and runner.sources and runner.tests for runner in RUNNERS)


@pytest.mark.parametrize(
    ("runner", "path", "collected", "place"),
    [
        (PYTEST, "tests/test_a.py", True, "."),
        (PYTEST, "tests/conftest.py", False, "."),
        (NODE, "test/helper.js", True, "test/helper.js"),
        (NODE, "src/a.test.mjs", True, "src/a.test.mjs"),
        (NODE, "src/a.js", False, "src/a.js"),
        (VITEST, "src/a.spec.tsx", True, "src/a.spec.tsx"),
        (JEST, "test.js", True, "test.js"),
        (GO, "a/b_test.go", True, "a"),
        (GO, "b_test.go", True, "."),
        (PHPUNIT, "tests/ATest.php", True, "."),
    ],
)
def test_what_a_runner_collects(runner: Runner, path: str, collected: bool, place: str) -> None:
    assert (runner.collects(path), runner.place(path)) == (collected, place)


def test_one_failing_test_vouches_for_a_runner_with_one_process() -> None:
    (pytests,) = PYTEST.seed("canary_1", {"pkg/tests/test_a.py": "", "test_b.py": ""})
    assert (pytests.path, pytests.new) == ("pkg/tests/test_canary_1.py", True)
    assert f"def {pytests.name}()" in pytests.text
    (php,) = PHPUNIT.seed("canary_1", {"ATest.php": ""})
    assert (php.path, php.name in php.text) == ("Canary_1Test.php", True)
    assert {PYTEST.reach, PHPUNIT.reach} == {Reach.RUN}


def test_each_file_of_javascript_gets_a_failing_test() -> None:
    texts = {
        "a.test.ts": 'import { it } from "vitest";',
        "b.test.js": 'const { test } = require("node:test");',
        "c.test.js": "test('bare', () => {})",
    }
    for runner in (NODE, VITEST, JEST):
        seeds = runner.seed("canary_1", texts)
        assert [(seed.path, seed.new) for seed in seeds] == [(path, False) for path in texts]
        assert len({seed.name for seed in seeds}) == len(texts)
        assert all(f'"{seed.name}"' in seed.text and "{name}" not in seed.text for seed in seeds)
    assert ["import {" in seed.text for seed in NODE.seed("canary_1", texts)] == [True, False, False]
    assert ["import {" in seed.text for seed in JEST.seed("canary_1", texts)] == [True, False, False]
    assert all('from "vitest"' in seed.text for seed in VITEST.seed("canary_1", texts))
    assert 'import("node:test")' in NODE.seed("canary_1", texts)[2].text
    assert ": globalThis" in JEST.seed("canary_1", texts)[2].text


@pytest.mark.parametrize(
    ("path", "text", "way"),
    [
        ("a.mjs", "require('x')", "module"),
        ("a.cts", "import x from 'x'", "script"),
        ("a.js", "export {}", "module"),
        ("a.js", "require('x') // import", "script"),
        ("a.js", "", "bare"),
    ],
)
def test_modules_are_told_from_scripts(path: str, text: str, way: str) -> None:
    assert way_of(path, text) == way


def test_each_package_of_go_gets_a_failing_test() -> None:
    texts = {
        "a/a_test.go": "// package x\npackage a_test\n",
        "a/b_test.go": "package a\n",
        "c_test.go": "package c\n",
        "d/d_test.go": "no package",
        "e/e_test.go": "package ;",
    }
    one, two = GO.seed("canary_1", texts)
    assert one.path == "a/canary_1_00000_test.go"
    assert one.text.startswith("package a_test\n")
    assert f"func {one.name}(t *testing.T)" in one.text
    assert two.path == "canary_1_00001_test.go"
    assert GO.reach is Reach.FOLDER


JS = {
    "test/a.test.js": "test('one', f); describe.each([1])('table', f); describe('group', () => { it.only('two', f) }); test(name, f)",
    "test/b.test.js": "// it('one', f)\nit(`three`, f); suite('group', f); test.todo; it",
}


@pytest.mark.parametrize(
    ("case", "name"),
    [
        (Case((), "test", "one"), "test/a.test.js::one"),
        (Case(("group",), "test", "two"), "test/a.test.js::group > two"),
        (Case((), "", "three"), "test/b.test.js::three"),
        (Case((), "", "group"), "group"),
        (Case((), "", "made up"), "made up"),
        (Case((), "", "test/a.test.js"), "test/a.test.js"),
        (Case(("test/b.test.js",), "test", "made up"), "test/b.test.js::made up"),
        (Case(("test/a.test.js",), "test/a.test.js", "group > two"), "test/a.test.js::group > two"),
        (Case(("group",), "", "x", "test/b.test.js"), "test/b.test.js::group > x"),
    ],
)
def test_tests_of_javascript_are_found_by_their_names(case: Case, name: str) -> None:
    assert NODE.locate(JS)(case) == name


GO_TEXTS = {
    "go.mod": "module example.com/x\n",
    "deep/er/go.mod": 'module "example.com/y"\n',
    "broken/go.mod": "",
    "a/a_test.go": "package a\nfunc TestOne(t *testing.T) { func() { TestTwo() }() }\nfunc helper() {}\nfunc Testify() {}",
    "b_test.go": "package x\nfunc ExampleX() {}\n",
    "deep/er/in/c_test.go": "package c\nfunc TestOne(t *testing.T) {}\n",
}


@pytest.mark.parametrize(
    ("case", "name"),
    [
        (Case((), "example.com/x/a", "TestOne"), "a/a_test.go::TestOne"),
        (Case((), "example.com/x/a", "TestOne/part"), "a/a_test.go::TestOne/part"),
        (Case(("example.com/x",), "", "ExampleX"), "b_test.go::ExampleX"),
        (Case((), "example.com/y/in", "TestOne"), "deep/er/in/c_test.go::TestOne"),
        (Case((), "example.com/x/a", "TestTwo"), "example.com/x/a.TestTwo"),
        (Case((), "example.com/x/a", "Testify"), "example.com/x/a.Testify"),
        (Case((), "", "(package)"), ".(package)"),
    ],
)
def test_tests_of_go_are_found_by_package_and_name(case: Case, name: str) -> None:
    assert GO.locate(GO_TEXTS)(case) == name


def test_without_a_module_the_folder_is_the_package() -> None:
    texts = {
        "a/b/c_test.go": "package c\nfunc TestC(t *testing.T) {}",
        "d_test.go": "package d\nfunc TestD(t *testing.T) {}",
    }
    assert GO.locate(texts)(Case((), "a/b", "TestC")) == "a/b/c_test.go::TestC"
    assert GO.locate(texts)(Case((), ".", "TestD")) == "d_test.go::TestD"
    assert modules_of(GO_TEXTS) == {"example.com/x": ".", "example.com/y": "deep/er"}


def test_the_others_leave_names_to_the_ordinary_reading() -> None:
    assert PYTEST.locate({})(Case((), "a", "b")) == ""
    assert PYTEST.related(("pytest",), ("a.py",)) == ()


@pytest.mark.parametrize(
    ("runner", "run", "related"),
    [
        (JEST, ("npx", "jest"), ("npx", "jest", "--findRelatedTests", "--passWithNoTests", "src/a.ts")),
        (JEST, ("npm", "test"), ("npm", "test", "--", "--findRelatedTests", "--passWithNoTests", "src/a.ts")),
        (JEST, ("npm", "test", "--", "x"), ("npm", "test", "--", "x", "--findRelatedTests", "--passWithNoTests", "src/a.ts")),
        (JEST, ("sh", "-c", "jest"), ()),
        (VITEST, ("npx", "vitest", "run", "-x"), ("npx", "vitest", "related", "-x", "--run", "src/a.ts")),
        (VITEST, ("npm", "test"), ()),
        (GO, ("go", "test", "./..."), ()),
    ],
)  # fmt: skip
def test_the_tests_that_touch_a_source(
    runner: Runner, run: tuple[str, ...], related: tuple[str, ...]
) -> None:
    assert runner.related(run, ("src/a.ts",)) == related


def test_related_packages_of_go() -> None:
    sources = ("b c/x.go", "a.go", "a.md")
    assert GO.related(("go", "test", "./...", "-v"), sources) == ("go", "test", ".", "./b c", "-v")
    assert GO.related(("sh", "-c", "go test ./... >x"), sources) == ("sh", "-c", "go test . './b c' >x")
    assert GO.related(("go", "test"), sources) == ()
