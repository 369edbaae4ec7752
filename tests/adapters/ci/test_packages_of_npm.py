"""vitest and jest, installed at pinned versions, judged as ``keelway init`` sets them up."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.adapters.ci.conftest import Tiny

from keelway.app.initialise.draft import Repository
from keelway.app.initialise.node import recognise_node
from keelway.core.model.project import CheckCommand
from keelway.ports.ci import CheckJob, CheckReport

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

PINNED = ("vitest@3.2.4", "@vitest/coverage-v8@3.2.4", "jest@30.2.0", "typescript@5.9.3")
CANARY = "keelcanary_0a1b2c"
SOURCE = "export function half(n{type}) {{\n  if (n > 9) {{\n    return 0;\n  }}\n  return n / 2;\n}}\n"
BODY = """describe("half", () => {
  it("halves", () => expect(half(4)).toBe(2));
  it.skip("later", () => {});
});
test.each([1])("table %i", () => {});
test("lies", () => expect(half(4)).toBe(3));
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("npm") is None:
        pytest.skip("npm: not installed. Next: apt-get install npm")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", *PINNED]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400, check=False)
    if done.returncode:
        pytest.skip(f"npm: the registry gave no packages. Next: {' '.join(command)}")
    return folder / "node_modules"


def drafted(folder: Path, *packages: str) -> CheckCommand:
    folder.mkdir()
    listed = ", ".join(f'"{name}": "1"' for name in packages)
    (folder / "package.json").write_text(f'{{"devDependencies": {{{listed}}}}}')
    draft = recognise_node(Repository(folder), {})
    assert draft is not None
    (found,) = [check for check in draft.checks if check.name == "tests"]
    return CheckCommand("tests", found.run, "tests", seconds_max=120, related=found.related)


def outcomes(report: CheckReport) -> dict[str, str]:
    return {test.id: test.outcome for test in report.tests}


def having(tiny: Tiny, installed: Path, check: CheckCommand) -> Tiny:
    return tiny.having(
        check,
        setup=("ln", "-s", str(installed), "node_modules"),
        test_paths=("test/*",),
        source_paths=("src/*",),
    )


def expected(file: str) -> dict[str, str]:
    return {
        f"{file}::half > halves": "passed",
        f"{file}::half > later": "skipped",
        f"{file}::table 1": "passed",
        f"{file}::lies": "failed",
    }


def test_vitest_tells_tests_files_and_lines(tiny: Tiny, installed: Path, tmp_path: Path) -> None:
    check = drafted(tmp_path / "draft", "vitest", "@vitest/coverage-v8")
    files = {
        "package.json": "{}",
        "src/a.ts": SOURCE.format(type=": number"),
        "src/b.ts": "export const other = 1;\n",
        "test/a.test.ts": f'import {{ describe, expect, it, test }} from "vitest";\nimport {{ half }} from "../src/a";\n{BODY}',
        "test/b.test.ts": 'import { expect, test } from "vitest";\nimport { other } from "../src/b";\ntest("other", () => expect(other).toBe(1));\n',
    }
    project = having(tiny, installed, check)
    report = project.check(files, canary=CANARY, coverage_of=("src/a.ts",))
    assert {name.replace("half::", "half > "): end for name, end in outcomes(report).items()} == {
        **expected("test/a.test.ts"),
        "test/b.test.ts::other": "passed",
    }
    assert report.canary_failed is True
    right = {"test/a.test.ts": files["test/a.test.ts"].replace("toBe(3)", "toBe(2)")}
    report = project.check(right, coverage_of=("src/a.ts",))
    assert report.commands[0].passed
    assert set(report.executable["src/a.ts"]) > set(report.executed["src/a.ts"])
    sha = project.commit({})
    part = project.ci.check(CheckJob(sha, ("tests",), purpose="related", changed=("src/b.ts",)))
    assert outcomes(part) == {"test/b.test.ts::other": "passed"}


def test_jest_tells_tests_files_and_lines(tiny: Tiny, installed: Path, tmp_path: Path) -> None:
    check = drafted(tmp_path / "draft", "jest")
    files = {
        "package.json": "{}",
        "src/a.js": SOURCE.format(type="").replace("export function", "module.exports.half = function"),
        "src/b.js": "module.exports.other = 1;\n",
        "test/a.test.js": f'const {{ half }} = require("../src/a");\n{BODY}',
        "test/b.test.js": 'test("other", () => expect(require("../src/b").other).toBe(1));\n',
        "test/c.test.js": 'test("alone", () => {});\n',
    }
    project = having(tiny, installed, check)
    report = project.check(files, canary=CANARY, coverage_of=("src/a.js",))
    assert outcomes(report) == {
        **expected("test/a.test.js"),
        "test/b.test.js::other": "passed",
        "test/c.test.js::alone": "passed",
    }
    assert report.canary_failed is True
    assert set(report.executable["src/a.js"]) > set(report.executed["src/a.js"])
    sha = project.commit({})
    part = project.ci.check(CheckJob(sha, ("tests",), purpose="related", changed=("src/b.js",)))
    assert outcomes(part) == {"test/b.test.js::other": "passed"}


@pytest.mark.parametrize("tool", ["vitest", "jest"])
def test_a_source_that_bends_the_assertions_is_noticed(
    tiny: Tiny, installed: Path, tmp_path: Path, tool: str
) -> None:
    check = drafted(tmp_path / "draft", tool)
    globals_of = 'import { expect, test } from "vitest";\n' if tool == "vitest" else ""
    name = "src/a.mjs" if tool == "vitest" else "src/a.js"
    own = 'import { expect } from "vitest";\n' if tool == "vitest" else ""
    bent = "const all = Object.getPrototypeOf(expect(1));\nfor (const key of ['toBe', 'toEqual']) Object.defineProperty(all, key, { value: () => {}, configurable: true });\n"
    if tool == "jest":
        bent = "const made = expect;\nglobalThis.expect = (...said) => { const one = made(...said); one.toBe = () => {}; return one; };\nrequire('@jest/globals').expect.extend({ toBe: () => ({ pass: true, message: () => '' }) });\n"
    test = {
        "vitest": f'{globals_of}import "../{name}";\ntest("lies", () => expect(1).toBe(2));\n',
        "jest": f'require("../{name}");\ntest("lies", () => expect(1).toBe(2));\n',
    }[tool]
    ending = "ts" if tool == "vitest" else "js"
    files = {
        "package.json": "{}",
        name: own + bent,
        f"test/a.test.{ending}": test,
        f"test/b.test.{ending}": f'{globals_of}test("b", () => {{}});\n',
    }
    report = having(tiny, installed, check).check(files, canary=CANARY)
    assert outcomes(report)[f"test/a.test.{ending}::lies"] == "passed"
    assert report.canary_failed is False
