"""Node and TypeScript projects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from keelway.app.initialise.draft import Draft, FoundCheck, Repository
from keelway.app.initialise.preset import Facts, Tool, choose, health_of

_RUN = ("npx", "--no-install")
_ENDS = ("js", "mjs", "cjs", "jsx", "ts", "tsx", "mts", "cts")
_SETUPS = (
    ("package-lock.json", ("npm", "ci")),
    ("npm-shrinkwrap.json", ("npm", "ci")),
    ("pnpm-lock.yaml", ("pnpm", "install", "--frozen-lockfile")),
    ("yarn.lock", ("yarn", "install", "--frozen-lockfile")),
)
TOOLS = (
    Tool("lint", "lint", (*_RUN, "eslint", "."), packages=("eslint",)),
    Tool("lint", "lint", (*_RUN, "biome", "ci", "."), packages=("@biomejs/biome",)),
    Tool("types", "types", (*_RUN, "tsc", "--noEmit"), packages=("typescript",), files=("tsconfig.json",)),
    Tool(
        "tests",
        "tests",
        (*_RUN, "vitest", "run", "--reporter=junit", "--outputFile={junit}"),
        packages=("vitest",),
        measure=(
            *("--coverage.enabled", "--coverage.reporter=cobertura"),
            "--coverage.reportsDirectory={coverage}",
        ),
        measured_with=("@vitest/coverage-v8", "@vitest/coverage-istanbul"),
    ),
    Tool(
        "tests",
        "tests",
        (*_RUN, "jest", "--ci", "--json", "--outputFile={junit}"),
        packages=("jest",),
        measure=("--coverage", "--coverageReporters=cobertura", "--coverageDirectory={coverage}"),
    ),
    Tool(
        "tests",
        "tests",
        ("node", "--test", "--test-reporter=junit", "--test-reporter-destination={junit}"),
        script="node --test",
        measure=(
            "--experimental-test-coverage",
            *("--test-reporter=lcov", "--test-reporter-destination={coverage}"),
        ),
    ),
)
MISSED = {
    "lint": "No linter is among the packages: npm install --save-dev eslint.",
    "types": "Types are not checked: npm install --save-dev typescript, and write tsconfig.json.",
    "tests": "No test runner was recognised: use node --test, or npm install --save-dev vitest.",
}
_UNMEASURED = "Which lines the tests run is not measured, so project.sources is empty: npm install --save-dev @vitest/coverage-v8."


def recognise_node(repository: Repository, environ: Mapping[str, str]) -> Draft | None:
    """Return what a Node project looks like, ``None`` when it is none."""
    if not repository.has("package.json"):
        return None
    package = _package(repository)
    scripts = {name: str(text) for name, text in _table(package, "scripts").items()}
    packages = {*_table(package, "dependencies"), *_table(package, "devDependencies")}
    checks, notes, measured = choose(
        TOOLS, MISSED, Facts(repository, packages, scripts.get("test", ""), environ)
    )
    if "build" in scripts:
        checks.append(FoundCheck("build", "build", ("npm", "run", "--silent", "build")))
    if not measured and any(check.name == "tests" for check in checks):
        notes.append(_UNMEASURED)
    setup = next(
        (words for lock, words in _SETUPS if repository.has(lock)),
        ("npm", "install", "--no-audit", "--no-fund"),
    )
    folder = "src/" if (repository.root / "src").is_dir() else ""
    return Draft(
        "Node",
        setup if packages else (),
        ("node_modules/.bin",),
        tuple(checks),
        ("npm", "run", "--silent", "start") if "start" in scripts else (),
        health_of(repository, ".js", ".ts", ".mjs"),
        ("test/*", "tests/*", "*.test.*", "*.spec.*", "*/__tests__/*"),
        tuple(f"{folder}*.{end}" for end in _ENDS) if measured else (),
        coverage=measured,
        notes=tuple(notes),
    )


def _package(repository: Repository) -> dict[str, Any]:
    try:
        plain = json.loads(repository.text("package.json"))
    except ValueError:
        return {}
    return plain if isinstance(plain, dict) else {}


def _table(package: dict[str, Any], name: str) -> dict[str, Any]:
    table = package.get(name)
    return table if isinstance(table, dict) else {}
