"""Effects pass one door: a stage may name a port's verb, it may never call it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "keelway"
PORTS = {
    "agent",
    "sandbox",
    "forge",
    "ci",
    "target",
    "backup",
    "probe",
    "signal",
    "notifier",
    "ledger",
    "index",
    "scanner",
    "hook",
}
ROOMS = sorted([*(SOURCE / "stages").glob("*.py"), *(SOURCE / "routines").rglob("*.py")])
DOOR = SOURCE / "routines" / "context.py"


def direct_calls(text: str) -> list[str]:
    """Name every call of a port's verb that is not inside a function handed to the door."""
    tree = ast.parse(text)
    handed = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda | ast.FunctionDef) and _is_handed(node, tree)
        for inner in ast.walk(node)
    }
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node not in handed and _names_a_port(node.func)
    ]


def _is_handed(node: ast.Lambda | ast.FunctionDef, tree: ast.Module) -> bool:
    for call in ast.walk(tree):
        if not (
            isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "step"
        ):
            continue
        for argument in call.args:
            same_name = isinstance(argument, ast.Name) and argument.id == getattr(node, "name", None)
            if argument is node or same_name:
                return True
    return False


def _names_a_port(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Attribute)
        and function.value.attr in PORTS
    )


@pytest.mark.parametrize("path", [path for path in ROOMS if path != DOOR], ids=lambda path: path.stem)
def test_no_stage_calls_a_port(path: Path) -> None:
    assert direct_calls(path.read_text()) == []


def test_the_rule_sees_a_direct_call() -> None:
    assert direct_calls("def f(ctx):\n    ctx.forge.merge(1)\n") == ["ctx.forge.merge(1)"]
    assert direct_calls("def f(ctx):\n    ctx.act('m', ctx.forge.merge, 1)\n") == []


@pytest.mark.parametrize("path", [path for path in ROOMS if path != DOOR], ids=lambda path: path.stem)
def test_whoever_starts_an_agent_asks_first_what_fences_it(path: Path) -> None:
    text = path.read_text()
    others = {"recipe", "purse"}  # commands of the operator; what the rooms below start agents with
    starts_agents = (".agent.work" in text or "purse.work(" in text) and path.stem not in others
    assert not starts_agents or "insist_on_fence(" in text
