"""A first configuration is detected, valid and never written over another one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from keelway.app.config import load_config
from keelway.app.initialise.detect import AGENTS, detect, project_name
from keelway.app.initialise.draft import Draft, Repository
from keelway.app.initialise.write import Answers, document, save
from keelway.core.errors import YourFault

PYTHON = {
    "pyproject.toml": '[project]\nname = "x"\ndependencies = ["fastapi"]\n[dependency-groups]\ndev = ["pytest", "pytest-cov", "ruff", "mypy"]\n',
    "uv.lock": "",
    "src/shop/__init__.py": "",
    "src/shop/web.py": 'from fastapi import FastAPI\n\napp = FastAPI()\n\n@app.get("/health")\ndef health(): ...\n',
    "tests/test_web.py": "def test_it(): ...\n",
}


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def runs(draft: Draft) -> dict[str, tuple[str, ...]]:
    return {check.name: check.run for check in draft.checks}


def test_a_python_project(tmp_path):
    draft = detect(plant(tmp_path, PYTHON), {})
    assert draft.language == "Python"
    assert draft.setup == ("uv", "sync", "--frozen")
    assert draft.path == (".venv/bin",)
    assert set(runs(draft)) == {"lint", "types", "tests"}
    assert "--cov-report=xml:{coverage}" in runs(draft)["tests"]
    assert draft.web == ("uvicorn", "shop.web:app", "--port", "{port}")
    assert draft.health == "/health"
    assert draft.sources == ("src/*.py",)


def test_a_flask_project_with_pip(tmp_path):
    files = {
        "requirements.txt": "flask\npytest\n",
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        "test_app.py": "def test_it(): ...\n",
    }
    draft = detect(plant(tmp_path, files), {})
    assert draft.setup[:2] == ("sh", "-c")
    assert draft.web == ("flask", "--app", "app:app", "run", "--port", "{port}")
    assert not draft.coverage
    assert any("pytest-cov" in note for note in draft.notes)


def test_a_node_project(tmp_path):
    package = {
        "scripts": {"start": "node server.js", "lint": "eslint .", "test": "node --test"},
        "dependencies": {"express": "5"},
    }
    files = {
        "package.json": json.dumps(package),
        "package-lock.json": "{}",
        "server.js": "app.get('/ping', f)\n",
    }
    draft = detect(plant(tmp_path, files), {})
    assert (draft.language, draft.setup) == ("Node", ("npm", "ci"))
    assert runs(draft)["tests"][:2] == ("node", "--test")
    assert (draft.health, draft.web) == ("/ping", ("npm", "run", "--silent", "start"))


def test_a_node_project_with_vitest(tmp_path):
    package = {"devDependencies": {"vitest": "3"}, "scripts": {"test": "vitest"}}
    draft = detect(plant(tmp_path, {"package.json": json.dumps(package)}), {})
    assert "--outputFile={junit}" in runs(draft)["tests"]


def test_a_go_project(tmp_path):
    files = {"go.mod": "module x\n", "cmd/web/main.go": 'package main\nfunc main() { h("/livez") }\n'}
    draft = detect(plant(tmp_path, files), {})
    assert draft.language == "Go"
    assert draft.setup == ("go", "build", "-o", "bin/app", "./cmd/web")
    assert (draft.web, draft.health) == (("./bin/app",), "/livez")


VITEST = ("npx", "--no-install", "vitest")


def test_a_typescript_project_with_everything(tmp_path):
    packages = {"vitest": "3", "@vitest/coverage-v8": "3", "typescript": "5", "eslint": "9"}
    package = {"devDependencies": packages, "scripts": {"build": "tsc", "test": "true"}}
    files = {"package.json": json.dumps(package), "tsconfig.json": "{}", "pnpm-lock.yaml": "", "src/a.ts": ""}
    draft = detect(plant(tmp_path, files), {})
    assert set(runs(draft)) == {"lint", "types", "tests", "build"}
    assert runs(draft)["types"] == ("npx", "--no-install", "tsc", "--noEmit")
    assert runs(draft)["tests"][:4] == (*VITEST, "run")
    assert "--coverage.reportsDirectory={coverage}" in runs(draft)["tests"]
    assert draft.checks[2].related[:4] == (*VITEST, "related")
    assert "{coverage}" not in " ".join(draft.checks[2].related)
    assert draft.setup == ("pnpm", "install", "--frozen-lockfile")
    assert (draft.coverage, draft.sources[0]) == (True, "src/*.js")
    assert not any("npm install" in note for note in draft.notes)


def test_a_project_with_jest(tmp_path):
    package = {"devDependencies": {"jest": "30"}}
    draft = detect(plant(tmp_path, {"package.json": json.dumps(package), "yarn.lock": ""}), {})
    assert {"--json", "--outputFile={junit}", "--coverageDirectory={coverage}"} <= set(runs(draft)["tests"])
    assert "--findRelatedTests" in draft.checks[0].related
    assert draft.sources[0] == "*.js"
    assert [note for note in draft.notes if "eslint" in note]
    assert [note for note in draft.notes if "typescript" in note]


def test_what_a_node_project_lacks_is_said(tmp_path):
    draft = detect(
        plant(tmp_path, {"package.json": '{"dependencies": {"x": "1"}, "scripts": {"test": "make"}}'}), {}
    )
    assert runs(draft) == {}
    assert [note for note in draft.notes if "No test runner was recognised" in note]


def programs(folder: Path, *names: str) -> dict[str, str]:
    folder.mkdir()
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("there", "first", "race"),
    [(("gotestsum", "gcc"), "gotestsum", True), (("cc",), "sh", True), ((), "sh", False)],
)
def test_go_projects_take_what_the_machine_has(tmp_path, there, first, race):
    root = plant(
        tmp_path / "shop",
        {"go.mod": "module x\n", ".golangci.yml": "", "main.go": "package main\nfunc main() {}\n"},
    )
    draft = detect(root, programs(tmp_path / "bin", *there))
    assert set(runs(draft)) == {"lint", "vet", "build", "tests"}
    words = " ".join(runs(draft)["tests"])
    assert words.startswith(first)
    assert ("-race" in words, "{coverage}" in words, draft.coverage) == (race, True, True)
    assert any("race detector" in note for note in draft.notes) is not race
    assert draft.setup[-1] == "./"


LARAVEL = {
    "require": {"laravel/framework": "^12"},
    "require-dev": {"laravel/pint": "^1", "larastan/larastan": "^3", "pestphp/pest": "^3"},
}


def test_a_laravel_project(tmp_path):
    files = {
        "composer.json": json.dumps(LARAVEL),
        "artisan": "",
        "bootstrap/app.php": "->withRouting(health: '/up')",
    }
    draft = detect(plant(tmp_path, {**files, "package.json": "{}"}), {})
    assert draft.language == "Laravel"
    assert runs(draft) == {
        "lint": ("vendor/bin/pint", "--test"),
        "types": ("vendor/bin/phpstan", "analyse", "--no-progress"),
        "tests": ("php", "artisan", "test", "--log-junit", "{junit}"),
    }
    assert (draft.health, draft.web[:3]) == ("/up", ("php", "artisan", "serve"))
    assert [note for note in draft.notes if note.startswith("Node was found as well")]
    assert [note for note in draft.notes if "pcov" in note]


def test_a_php_project(tmp_path):
    files = {
        "composer.json": '{"require-dev": {"phpunit/phpunit": "^12"}}',
        "public/index.php": "<?php // '/healthz'",
    }
    draft = detect(plant(tmp_path, files), {})
    assert (draft.language, draft.web[:2]) == ("PHP", ("php", "-S"))
    assert runs(draft) == {"tests": ("vendor/bin/phpunit", "--log-junit", "{junit}")}
    assert [note for note in draft.notes if "laravel/pint" in note]
    assert detect(plant(tmp_path / "empty", {"composer.json": "["}), {}).web == ()


def test_an_unknown_project_says_what_to_do(tmp_path):
    draft = detect(tmp_path, {})
    assert draft.language == "unknown"
    assert any("tests" in note for note in draft.notes)


def test_the_first_agent_on_the_path_is_taken(tmp_path):
    for name in ("pi", "codex-acp"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    environ = {"PATH": str(tmp_path), "KEELWAY_AGENTS": str(tmp_path / "none")}
    assert detect(tmp_path, environ).agent == "codex"


@pytest.mark.parametrize(
    "files",
    [
        PYTHON,
        {},
        {"package.json": '{"scripts": {"start": "x"}}'},
        {"package.json": '{"devDependencies": {"jest": "30"}}'},
        {"go.mod": "module x"},
        {"composer.json": json.dumps(LARAVEL), "artisan": ""},
    ],
)
def test_what_is_written_is_a_valid_configuration(tmp_path, files):
    draft = detect(plant(tmp_path, files), {})
    web = draft.web or ("serve", "{port}")
    config = load_config(save(tmp_path, document(draft, Answers("shop", web, 9000, draft.health, "trunk"))))
    assert config.project.name == "shop"
    assert config.project.branches.production == "trunk"
    assert [spec.port for spec in config.project.environments] == [9100, 9000]
    assert config.project.probes[0].path == draft.health
    assert config.file.agent.use in AGENTS
    minimum = config.policy.development.diff_coverage_min
    assert minimum == (0.0 if draft.sources and not draft.coverage else 1.0)


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "keelway.toml").write_text("mine")
    with pytest.raises(YourFault, match="was left as it is"):
        save(tmp_path, "other")
    assert (tmp_path / "keelway.toml").read_text() == "mine"


def test_links_and_large_trees_are_bounded(tmp_path):
    (tmp_path / "repo" / "node_modules").mkdir(parents=True)
    (tmp_path / "repo" / "node_modules" / "a.py").write_text("")
    (tmp_path / "repo" / "loop").symlink_to(tmp_path / "repo")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "repo" / "requirements.txt").symlink_to(tmp_path / "secret.txt")
    repository = Repository(tmp_path / "repo")
    assert repository.files(".py") == ()
    assert repository.text("requirements.txt") == ""


@pytest.mark.parametrize(
    ("name", "plain"), [("My Shop!", "My-Shop"), ("...", "project"), ("a" * 99, "a" * 63)]
)
def test_names_are_plain(tmp_path, name, plain):
    assert project_name(tmp_path / name) == plain


def test_scanners_that_are_here_and_fit_are_written_down(tmp_path):
    flow = {".github/workflows/ci.yml": "on: push\n", "package-lock.json": "{}"}
    draft = detect(plant(tmp_path, {**PYTHON, **flow}), {})
    assert set(draft.scanners) >= {"known_secrets", "detect_secrets", "bandit", "zizmor", "pip_audit"}
    assert ("npm_audit" in draft.scanners) == bool(shutil.which("npm"))
    path = save(tmp_path, document(draft, Answers("shop", draft.web)))
    assert load_config(path).policy.scan.tools == draft.scanners


def test_scanners_of_other_languages_are_left_out(tmp_path):
    draft = detect(plant(tmp_path, {"go.mod": "module x\n", "main.go": "package main\n"}), {})
    assert draft.scanners == ("known_secrets", "detect_secrets")
