"""Cheats in Node and Go projects are refused by the real judge with the real runners, and honest work is not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from tests.redteam.judge import go_cheats, node_cheats
from tests.redteam.judge.harness import Bench, Judged, planned, reasons, table

from keelway.core.policy import Policy

pytestmark = pytest.mark.long

QUICK = replace(Policy(), development=replace(Policy().development, diff_coverage_min=0.0))
CHEATS_MIN = 10
NODE_MISSING = "node: not installed. Next: apt-get install nodejs"
GO_MISSING = "go: not installed. Next: apt-get install golang"

EVERY_DAY = frozenset(
    {"test file deleted", "assertion weakened", "TestMain decides", "exit at import", "the feature"}
)
"""Tried by make test; make long, which CI runs as well, tries all."""


def named(cases: Mapping[str, object]) -> list[ParameterSet]:
    return [pytest.param(name, marks=() if name in EVERY_DAY else (pytest.mark.long,)) for name in cases]


def node_bench(folder: Path) -> Bench:
    if shutil.which("node") is None:
        pytest.skip(NODE_MISSING)
    return Bench(folder / "node", node_cheats.BASE, node_cheats.PROJECT, QUICK)


def go_bench(folder: Path) -> Bench:
    if shutil.which("go") is None:
        pytest.skip(GO_MISSING)
    project = go_cheats.project(str(folder / "go-cache"))
    return Bench(folder / "go", go_cheats.BASE, project, QUICK)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = node_bench(tmp_path_factory.mktemp("node"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = go_bench(tmp_path_factory.mktemp("go"))
    yield made
    made.close()


def test_there_are_enough_of_them() -> None:
    for cheats in (node_cheats.CHEATS, go_cheats.CHEATS):
        assert len(cheats) >= CHEATS_MIN
        assert EVERY_DAY & cheats.keys()


@pytest.mark.parametrize("name", named(node_cheats.CHEATS))
def test_a_cheat_in_node_is_not_accepted(node: Bench, name: str) -> None:
    judged = node.judge(node_cheats.CHEATS[name])
    assert not judged.accepted
    assert judged.codes


@pytest.mark.parametrize("name", named(node_cheats.HONEST))
def test_honest_work_in_node_is_accepted(node: Bench, name: str) -> None:
    edits, more = node_cheats.HONEST[name]
    judged = node.judge(edits, planned(edits, node_cheats.BASE, **more))
    assert judged.accepted, reasons(judged)


@pytest.mark.parametrize("name", named(go_cheats.CHEATS))
def test_a_cheat_in_go_is_not_accepted(go: Bench, name: str) -> None:
    judged = go.judge(go_cheats.CHEATS[name])
    assert not judged.accepted
    assert judged.codes


@pytest.mark.parametrize("name", named(go_cheats.HONEST))
def test_honest_work_in_go_is_accepted(go: Bench, name: str) -> None:
    edits, more = go_cheats.HONEST[name]
    judged = go.judge(edits, planned(edits, go_cheats.BASE, **more))
    assert judged.accepted, reasons(judged)


@pytest.mark.redteam_long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("language", ["node", "go"])
def test_the_layers_one_by_one(tmp_path: Path, language: str) -> None:
    """Let every layer look at every cheat, and print the table of docs/explain/languages.md."""
    made, cheats = {
        "node": lambda: (node_bench(tmp_path), node_cheats.CHEATS),
        "go": lambda: (go_bench(tmp_path), go_cheats.CHEATS),
    }[language]()
    try:
        judged: dict[str, Judged] = {name: made.judge(edits, thorough=True) for name, edits in cheats.items()}
    finally:
        made.close()
    print("\n" + table(judged))
    for name, one in judged.items():
        print(f"{name}: {', '.join(sorted(one.layers))} ({', '.join(sorted(one.codes))})")
    assert [name for name, one in judged.items() if one.accepted] == []
