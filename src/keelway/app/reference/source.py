"""Read what a class says about its own fields and methods, from its source text."""

from __future__ import annotations

import ast
import inspect
import sys
from dataclasses import MISSING, dataclass, fields
from itertools import pairwise
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Setting:
    """Describe one field of a frozen dataclass."""

    name: str
    kind: str
    """The type as it is written in the source."""
    default: Any
    """Its default, ``MISSING`` when there is none."""
    sentence: str
    """The docstring under the field, on one line; empty when there is none."""


def one_line(text: str | None) -> str:
    """Return a docstring as one line of Markdown."""
    return " ".join((text or "").split()).replace("``", "`")


def cell(text: str) -> str:
    """Return text that fits into a cell of a Markdown table."""
    return one_line(text).replace("|", "\\|")


def settings_of(kind: type[Any]) -> tuple[Setting, ...]:
    """Return the fields of a dataclass with their defaults and the sentences under them."""
    body = class_body(kind)
    written = {
        node.target.id: ast.unparse(node.annotation)
        for node in body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    sentences = _sentences(body)
    return tuple(
        Setting(entry.name, written[entry.name], _default(entry), sentences.get(entry.name, ""))
        for entry in fields(kind)
    )


def class_body(kind: type[Any]) -> list[ast.stmt]:
    """Return the statements of a class.

    Raises:
        ValueError: its module does not define it by a class statement.
    """
    tree = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
            return node.body
    raise ValueError(f"{kind.__name__} is not defined in {kind.__module__}")


def classes_of(module: ModuleType) -> tuple[ast.ClassDef, ...]:
    """Return the class statements of a module in their order."""
    tree = ast.parse(inspect.getsource(module))
    return tuple(node for node in tree.body if isinstance(node, ast.ClassDef))


def _sentences(body: list[ast.stmt]) -> dict[str, str]:
    found = {}
    for node, after in pairwise(body):
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        text = after.value if isinstance(after, ast.Expr) else None
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            found[node.target.id] = one_line(text.value)
    return found


def _default(entry: Any) -> Any:
    if entry.default is not MISSING:
        return entry.default
    return entry.default_factory() if entry.default_factory is not MISSING else MISSING
