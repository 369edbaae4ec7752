"""Node and Go projects."""

from __future__ import annotations

import json
import re
from typing import Any

from keelway.app.initialise.draft import Draft, FoundCheck, Repository

_HEALTH = re.compile(r"""["'`](/(?:healthz?|health-check|healthcheck|livez|readyz|ping|up))/?["'`]""")
_NO_COVERAGE = "Which lines the tests run is not measured for this language, so project.sources is empty."


def recognise_node(repository: Repository) -> Draft | None:
    """Return what a Node project looks like, ``None`` when it is none."""
    if not repository.has("package.json"):
        return None
    package = _package(repository)
    scripts = {name: str(text) for name, text in _table(package, "scripts").items()}
    packages = {*_table(package, "dependencies"), *_table(package, "devDependencies")}
    checks = [
        FoundCheck(name, kind, ("npm", "run", "--silent", script))
        for name, kind, script in (
            ("lint", "lint", "lint"),
            ("types", "types", "typecheck"),
            ("build", "build", "build"),
        )
        if script in scripts
    ]
    notes = [_NO_COVERAGE]
    test, note = _node_tests(scripts, packages)
    checks += test
    notes += note
    health = next(
        (
            found[1]
            for name in repository.files(".js") + repository.files(".ts")
            if (found := _HEALTH.search(repository.text(name)))
        ),
        "/healthz",
    )
    setup = (
        ("npm", "ci")
        if repository.has("package-lock.json")
        else ("npm", "install", "--no-audit", "--no-fund")
    )
    web = ("npm", "run", "--silent", "start") if "start" in scripts else ()
    tests = ("test/*", "tests/*", "*.test.*", "*.spec.*", "*/__tests__/*")
    return Draft(
        "Node",
        setup if packages else (),
        ("node_modules/.bin",),
        tuple(checks),
        web,
        health,
        tests,
        (),
        notes=tuple(notes),
    )


def recognise_go(repository: Repository) -> Draft | None:
    """Return what a Go project looks like, ``None`` when it is none."""
    if not repository.has("go.mod"):
        return None
    checks = (
        FoundCheck("vet", "lint", ("go", "vet", "./...")),
        FoundCheck("tests", "tests", ("gotestsum", "--junitfile", "{junit}", "./...")),
    )
    main = next((name for name in repository.files(".go") if "func main()" in repository.text(name)), "")
    folder = "./" + main.rpartition("/")[0] if main else ""
    health = next(
        (found[1] for name in repository.files(".go") if (found := _HEALTH.search(repository.text(name)))),
        "/healthz",
    )
    notes = (
        _NO_COVERAGE,
        "Tests have to be counted: install gotestsum, which writes the report from go test.",
    )
    return Draft(
        "Go",
        ("go", "build", "-o", "bin/app", folder) if folder else (),
        (),
        checks,
        ("./bin/app",) if folder else (),
        health,
        ("*_test.go",),
        (),
        notes=notes,
    )


def _node_tests(scripts: dict[str, str], packages: set[str]) -> tuple[list[FoundCheck], list[str]]:
    if "vitest" in packages:
        run = ("npx", "--no-install", "vitest", "run", "--reporter=junit", "--outputFile={junit}")
        return [FoundCheck("tests", "tests", run)], []
    if "test" not in scripts:
        return [], []
    if "node --test" in scripts["test"]:
        words = ("node", "--test", "--test-reporter=junit", "--test-reporter-destination={junit}")
        return [FoundCheck("tests", "tests", words)], []
    note = (
        "npm test has to write JUnit XML to the file that {junit} names; without it no test can be counted."
    )
    return [FoundCheck("tests", "tests", ("npm", "test", "--silent", "--", "--junit={junit}"))], [note]


def _package(repository: Repository) -> dict[str, Any]:
    try:
        plain = json.loads(repository.text("package.json"))
    except ValueError:
        return {}
    return plain if isinstance(plain, dict) else {}


def _table(package: dict[str, Any], name: str) -> dict[str, Any]:
    table = package.get(name)
    return table if isinstance(table, dict) else {}
