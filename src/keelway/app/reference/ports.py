"""Write the page of the ports from their Protocols."""

from __future__ import annotations

import ast
import importlib
import pkgutil

import keelway.ports
from keelway.app.reference.source import classes_of, one_line
from keelway.app.registry import names

_INTRO = """# Ports

A port is a Protocol: the shape of one door to the world. Nothing has to be inherited; a class with these methods fits.
What each adapter has to promise beyond the signatures is held by its conformance tests.
How to write one: [extend](../extend/index.md).
"""


def page(_present: str) -> str:
    """Return the page."""
    modules = sorted(entry.name for entry in pkgutil.iter_modules(keelway.ports.__path__))
    return "\n".join([_INTRO, *[_port(name) for name in modules]])


def _port(name: str) -> str:
    module = importlib.import_module(f"keelway.ports.{name}")
    kinds = classes_of(module)
    protocols = [kind for kind in kinds if _is_protocol(kind)]
    values = [f"`{kind.name}`" for kind in kinds if not _is_protocol(kind)]
    adapters = ", ".join(f"`{adapter}`" for adapter in names(name))
    lines = [f"## {name}", "", one_line(module.__doc__), ""]
    lines += [f"Values: {', '.join(values)}.", ""] if values else []
    lines += [f"Adapters: {adapters}.", ""] if adapters else []
    return "\n".join([*lines, *[line for kind in protocols for line in _protocol(kind)]])


def _is_protocol(kind: ast.ClassDef) -> bool:
    return any(isinstance(parent, ast.Name) and parent.id == "Protocol" for parent in kind.bases)


def _protocol(kind: ast.ClassDef) -> list[str]:
    methods = [node for node in kind.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    docs = [line for method in methods for line in _method(method)]
    return [f"### {kind.name}", "", one_line(ast.get_docstring(kind)), "", *docs, ""]


def _method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = ast.unparse(node.args).removeprefix("self").removeprefix(", ")
    returned = ast.unparse(node.returns) if node.returns else "None"
    text = (ast.get_docstring(node) or "").split("Raises:")
    raised = f" Raises {one_line(text[1])}" if len(text) > 1 else ""
    return [f"- `{node.name}({arguments}) -> {returned}`: {one_line(text[0])}{raised}"]
