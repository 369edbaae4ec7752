"""Find everything in the core that can say no: gates, rules, and each single reason."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType

ROOMS = ("gate", "rule", "judge", "package", "review")
SINGLE = ("keelway.core.model.plan", "keelway.core.model.diff", "keelway.core.answer")
_CODE_WORD = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


@dataclass(frozen=True, order=True)
class Rule:
    """Name one function that can say no."""

    module: str
    name: str
    returns: str
    """Its annotation, as written."""

    @property
    def id(self) -> str:
        """Return its short name."""
        return f"{self.module.removeprefix('keelway.core.')}.{self.name}"

    def function(self) -> FunctionType:
        """Return the function itself."""
        found = getattr(importlib.import_module(self.module), self.name)
        assert isinstance(found, FunctionType)
        return found


def modules() -> tuple[str, ...]:
    """Return the modules in which decisions are made."""
    found = [name for room in ROOMS for name in _below(importlib.import_module(f"keelway.core.{room}"))]
    return (*sorted(found), *SINGLE)


def _below(package: ModuleType) -> Iterator[str]:
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not info.ispkg:
            yield info.name


def rules() -> tuple[Rule, ...]:
    """Return every function whose answer can keep a gate shut, gates first."""
    found = [
        Rule(module, node.name, ast.unparse(node.returns))
        for module in modules()
        for node in _tree(module).body
        if isinstance(node, ast.FunctionDef) and node.returns is not None and _decides(module, node)
    ]
    return tuple(sorted(found, key=lambda rule: (rule.returns != "Verdict", rule)))


def _decides(module: str, node: ast.FunctionDef) -> bool:
    returns = ast.unparse(node.returns) if node.returns is not None else ""
    if node.name in {"passed", "failed", "held", "combine", "_all_clear"}:
        return False
    if returns in {"Verdict", "Iterator[Hit]", "list[tuple[str, str]]"} or "Finding" in returns:
        return True
    return module in SINGLE and returns == "Iterator[str]"


def codes() -> tuple[str, ...]:
    """Return every reason that stands in the text of a rule; ``*`` is for a part that is filled in."""
    found: set[str] = set()
    for module in modules():
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.Call):
                found |= _codes_of(node)
    return tuple(sorted(found))


def _codes_of(call: ast.Call) -> set[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    place = {"failed": 0, "held": 0, "_complain": 0, "_all_clear": 1, "_scan": 1}.get(name)
    if name == "Finding":
        place = 0
    if place is None or len(call.args) <= place:
        return set()
    said = call.args[place]
    if isinstance(said, ast.Constant) and isinstance(said.value, str) and _CODE_WORD.fullmatch(said.value):
        return {said.value}
    if isinstance(said, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "*" for part in said.values]
        return {"".join(str(part) for part in parts)}
    return set()


def words_of(rule: Rule) -> set[str]:
    """Return every quoted word that could be a reason in a function, or for a gate in its file."""
    tree: ast.AST = _tree(rule.module)
    if rule.returns != "Verdict":
        tree = next(
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == rule.name
        )
    said = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {word for word in said if _CODE_WORD.fullmatch(word)}


def is_written(code: str) -> bool:
    """Tell whether a reason stands in the text of some rule."""
    return any(f'"{code}"' in _text(module) for module in modules())


def _tree(module: str) -> ast.Module:
    return ast.parse(_text(module))


@cache
def _text(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def version() -> str:
    """Return a digest of everything that is looked at."""
    texts = [ast.dump(_tree(module)) for module in modules()]
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:16]
