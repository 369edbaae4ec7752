"""Say which lines of a source can run, whatever the project's coverage settings leave out."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from types import CodeType

__all__ = ["python_lines"]

_Statement = ast.stmt | ast.ExceptHandler
_EMPTY_CALLS = frozenset({"assert_never", "typing.assert_never"})
_NOT_IMPLEMENTED = frozenset({"NotImplementedError", "NotImplemented"})
_GUARDS = frozenset({"TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'"})


def python_lines(text: str) -> frozenset[int] | None:
    """Return the first line of every statement that a test has to run; None: this is not Python.

    Left out is what runs in type checkers only, what stands for an absent body, and the
    ``__main__`` guard. Comments such as ``pragma: no cover`` make no difference.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            code = compile(tree, "source", "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    statements = {node.lineno for node in _statements(tree) if not _is_constant(node)}
    excused = {line for node in _statements(tree) for line in _excused(node)}
    return frozenset(statements & set(_code_lines(code))) - excused


def _code_lines(code: CodeType) -> Iterator[int]:
    waiting = [code]
    while waiting:
        current = waiting.pop()
        yield from (line for _, _, line in current.co_lines() if line)
        waiting.extend(const for const in current.co_consts if isinstance(const, CodeType))


def _statements(*nodes: ast.AST) -> Iterator[_Statement]:
    return (part for node in nodes for part in ast.walk(node) if isinstance(part, _Statement))


def _excused(node: _Statement) -> list[int]:
    if isinstance(node, ast.If) and ast.unparse(node.test) in _GUARDS:
        # The other branch of such a test is ordinary code.
        return [node.lineno, *(part.lineno for part in _statements(*node.body))]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and all(map(_is_empty, node.body)):
        return [part.lineno for part in _statements(node)]
    return [node.lineno] if _is_empty(node) and not isinstance(node, ast.Pass) else []


def _is_empty(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(raised, ast.Name) and raised.id in _NOT_IMPLEMENTED
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ast.unparse(node.value.func) in _EMPTY_CALLS
    return isinstance(node, ast.Pass) or _is_constant(node)


def _is_constant(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
