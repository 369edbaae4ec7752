"""The pages are in step with the code: generated parts, settings, verbs, commands, snippets."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import pytest

import keelway.ports
from keelway.app import config
from keelway.app.reference.pages import PAGES, stale, write
from keelway.core.gate.plan import PlanFacts, judge_plan
from keelway.core.model.lifecycle import Status
from keelway.core.model.plan import parse_plan
from keelway.core.policy import Policy
from keelway.core.rule.risk import assess_plan
from keelway.programs.replay_agent.script.parse import parse

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES_OF_OURS = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
WHOLE_FILE = "<!-- whole file -->"


def snippets(language: str) -> list[tuple[str, str]]:
    """Return (where, text) of every fenced block of a language."""
    found = []
    for page in PAGES_OF_OURS:
        for match in re.finditer(
            rf"^( *)```{language}\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL
        ):
            lines = [line.removeprefix(match[1]) for line in match[2].splitlines(keepends=True)]
            line = page.read_text()[: match.start()].count("\n") + 1
            found.append((f"{page.relative_to(ROOT)}:{line}", "".join(lines)))
    return found


def cases(language: str) -> list:
    return [pytest.param(text, id=where) for where, text in snippets(language)]


def test_generated_pages_are_fresh():
    assert list(stale(REFERENCE)) == [], "run: make docs"


def test_a_stale_page_is_seen_and_written(tmp_path):
    (tmp_path / "store.md").write_text((REFERENCE / "store.md").read_text())
    assert set(write(tmp_path)) == PAGES.keys() - {"store.md"}
    assert write(tmp_path) == ()
    (tmp_path / "policy.md").write_text("old")
    assert write(tmp_path) == ("policy.md",)


def test_the_generator_is_a_command(tmp_path):
    (tmp_path / "store.md").write_text((REFERENCE / "store.md").read_text())
    argv = [sys.executable, "-m", "keelway.cli.reference", str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "written: policy.md" in done.stdout
    assert subprocess.run(argv[:-1], capture_output=True, timeout=60, check=False).returncode == 2


def test_every_threshold_has_its_sentence_and_place():
    page = (REFERENCE / "policy.md").read_text()
    for group in fields(Policy):
        section = page.split(f"## policy.{group.name}\n", 1)[1].split("\n## ", 1)[0]
        for entry in fields(type(getattr(Policy(), group.name))):
            assert re.search(rf"^\| `{entry.name}` \| `[^`]+` \| \S.* \|$", section, re.MULTILINE), entry.name


def settings(kind: type) -> set[str]:
    """Return every key of the configuration file below a dataclass, policy left out."""
    found = set()
    for name, hint in get_type_hints(kind).items():
        if name == "policy":
            continue
        inner = config._inner(hint)
        found |= {name} | (settings(inner) if is_dataclass(inner) else set())
    return found


def test_every_setting_is_documented():
    page = (REFERENCE / "config.md").read_text()
    assert [
        name
        for name in sorted(settings(config.ConfigFile))
        if f"`{name}`" not in page and f".{name}" not in page
    ] == []


def verbs() -> set[str]:
    """Return every verb of the command line, from the program itself."""
    import typer

    from keelway.cli.main import app

    return set(typer.main.get_command(app).commands)


def test_every_verb_is_documented():
    page = (REFERENCE / "cli.md").read_text()
    assert verbs()
    assert [verb for verb in sorted(verbs()) if f"keelway {verb}" not in page] == []


def test_pages_name_real_verbs_only():
    known = verbs()
    said = {
        (where, verb)
        for where, text in snippets("sh")
        for verb in re.findall(r"^keelway ([a-z]+)", text, re.MULTILINE)
    }
    assert said
    assert [pair for pair in sorted(said) if pair[1] not in known] == []


def test_commands_of_the_pages_are_targets_of_the_makefile():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    papers = [*PAGES_OF_OURS, ROOT / "AGENTS.md", ROOT / "CONTRIBUTING.md"]
    said = {
        target
        for page in papers
        for target in re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert {"demo", "test", "check", "docs", "bench"} <= said <= targets


@pytest.mark.parametrize("text", cases("sh"))
def test_shell_snippets_parse(text):
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", cases("toml"))
def test_toml_snippets_hold_known_keys(text):
    assert config.unknown_keys(config.ConfigFile, tomllib.loads(text), "") == []


def whole_files() -> list:
    return [
        pytest.param(text, id=page.name)
        for page in PAGES_OF_OURS
        for text in re.findall(rf"{WHOLE_FILE}\n+```toml\n(.*?)```", page.read_text(), re.DOTALL)
    ]


@pytest.mark.parametrize("text", whole_files())
def test_whole_files_load(text, tmp_path):
    path = tmp_path / "keelway.toml"
    path.write_text(text)
    assert config.load_config(path).project.checks


def test_there_is_a_whole_file():
    assert whole_files()


def test_the_rehearsal_of_the_first_task_is_a_plan_that_goes_on_alone():
    text = (DOCS / "start" / "first-task.md").read_text()
    script = re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0]
    parse(json.loads(script))
    plan = parse_plan(json.loads(script)["plays"][0]["steps"][0]["text"])
    facts = PlanFacts(plan=plan, risk=assess_plan(plan, Policy()), approval=None, known_files=("app.py",))
    assert judge_plan(facts, Policy()).passed


@pytest.mark.parametrize("text", cases("python"))
def test_python_snippets_run_and_fit_their_port(text, request, monkeypatch):
    module = ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", module)
    exec(compile(text, request.node.callspec.id, "exec"), module.__dict__)
    if "ADAPTER" in module.__dict__:
        port = Path(request.node.callspec.id.split(":")[0]).stem
        assert protocol_methods(port) <= set(dir(module.ADAPTER))


def protocol_methods(port: str) -> set[str]:
    """Return the methods of the Protocols of a port."""
    text = (Path(keelway.ports.__path__[0]) / f"{port}.py").read_text()
    protocols = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)
    ]
    return {item.name for node in protocols for item in node.body if isinstance(item, ast.FunctionDef)}


def test_capabilities_name_tests_by_their_right_name():
    text = (DOCS / "capabilities.md").read_text()
    wrong = [
        f"{path}::{name}"
        for path, name in re.findall(r"`(tests/[^`:\s]+)::([^`\s]+)`", text)
        if f"def {name}(" not in (ROOT / path).read_text()
    ]
    assert wrong == []


def test_a_capability_that_is_done_names_its_proof():
    text = (DOCS / "capabilities.md").read_text()
    rows = re.findall(r"^\| (S\d-\d+) \| [^|]+ \| ([^|]+) \| (.*) \|$", text, re.MULTILINE)
    assert {state for _, state, _ in rows} <= {"done", "partly", "later"}
    assert [row for row, state, shown in rows if state != "later" and "`" not in shown] == []


def test_the_glossary_and_the_lifecycle_page_hold_every_status():
    page = (REFERENCE / "lifecycle.md").read_text()
    assert [status for status in Status if f"| `{status.value}` |" not in page] == []


def test_decisions_are_numbered_without_a_gap_and_listed():
    pages = sorted((DOCS / "decisions").glob("0*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    index = (DOCS / "decisions" / "index.md").read_text()
    assert [page.name for page in pages if f"({page.name})" not in index] == []
    for page in pages:
        assert all(f"**{part}.**" in page.read_text() for part in ("Context", "Decision", "Consequences")), (
            page.name
        )


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
