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
    "files", [PYTHON, {}, {"package.json": '{"scripts": {"start": "x"}}'}, {"go.mod": "module x"}]
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
