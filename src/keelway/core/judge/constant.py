"""Read the texts that a Python source holds, also those that are put together from pieces."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, TypeGuard

__all__ = ["texts_in"]


def texts_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return every constant text with its line; docstrings and other prose are left out."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr) or id(node) in prose:
            continue
        text = _folded(node)
        if text is not None:
            yield node.lineno, text


def _folded(node: ast.expr) -> str | None:
    """Return the text that an expression of constants stands for, also one put together from pieces."""
    parts: list[str | None] = [None]
    glue = ""
    if isinstance(node, ast.Constant):
        parts = [node.value if isinstance(node.value, str) else None]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_folded(node.left), _folded(node.right)]
    elif _is_join(node):
        parts = [_folded(item) for item in node.args[0].elts]
        glue = node.func.value.value
    return None if None in parts else glue.join(filter(None, parts))


def _is_join(node: ast.expr) -> TypeGuard[Any]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "join"
        and isinstance(node.func.value, ast.Constant)
        and isinstance(node.func.value.value, str)
        and len(node.args) == 1
        and isinstance(node.args[0], ast.List | ast.Tuple)
    )
