"""Read what a Python file offers to others from its syntax tree; nothing of it is run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from keelway.core.research.facts import MEMBERS_MAX, NAMES_MAX, Name, Outline

TEXT_CHARS_MAX = 200_000
_DEPTH_MAX = 150
_DOC_CHARS_MAX = 120
_DETAIL_CHARS_MAX = 100
_BRACKETS = re.compile(r"[()\[\]{}]")
_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "route", "websocket"})
_CONTRACT_BASES = frozenset({"Protocol", "ABC"})
_ENTRIES_MIN = 2

Function = ast.FunctionDef | ast.AsyncFunctionDef


def outline_python(path: str, text: str) -> Outline:
    """Return the outline of a file; of one that cannot be read only its path."""
    tree = _tree(text)
    if tree is None:
        return Outline(path, "Python")
    names = [name for node in tree.body for name in _names(node)]
    functions = list(_functions(tree))
    return Outline(
        path,
        "Python",
        first_sentence(ast.get_docstring(tree) or ""),
        tuple(names[:NAMES_MAX]),
        tuple(_checks(tree)),
        sum(ast.get_docstring(node) is not None for node in functions),
        sum(map(_is_annotated, functions)),
        len(functions),
        max(map(len, text.splitlines()), default=0),
    )


def first_sentence(text: str) -> str:
    """Return the first sentence of a text on one line, bounded."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".")[:_DOC_CHARS_MAX]


def _tree(text: str) -> ast.Module | None:
    if len(text) > TEXT_CHARS_MAX or _depth(text) > _DEPTH_MAX:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _depth(text: str) -> int:
    """Bound how deep brackets can be nested: a tree that is too deep can end the interpreter."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(text):
        depth = depth + 1 if bracket in "([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _names(node: ast.stmt) -> Iterator[Name]:
    if isinstance(node, Function):
        yield from _routes(node)
        if not node.name.startswith("_"):
            yield Name("function", node.name, node.lineno, _arguments(node))
    elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
        yield _class(node)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        yield from _registry(node)


def _class(node: ast.ClassDef) -> Name:
    bases = tuple(name for base in node.bases if (name := _last(base)))
    methods = [item for item in node.body if isinstance(item, Function) and not item.name.startswith("_")]
    members = tuple(item.name for item in methods)[:MEMBERS_MAX]
    metaclass = any(word.arg == "metaclass" and _last(word.value) == "ABCMeta" for word in node.keywords)
    abstract = any(_last(mark) == "abstractmethod" for item in methods for mark in item.decorator_list)
    contract = bool(_CONTRACT_BASES & set(bases)) or metaclass or abstract
    return Name("contract" if contract else "class", node.name, node.lineno, "", bases, members)


def _routes(node: Function) -> Iterator[Name]:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr in _VERBS:
            where = mark.args[0] if mark.args else None
            if isinstance(where, ast.Constant) and isinstance(where.value, str):
                detail = f"{mark.func.attr.upper()} {where.value}"[:_DETAIL_CHARS_MAX]
                yield Name("route", node.name, node.lineno, detail, (_last(mark.func.value),))


def _registry(node: ast.Assign | ast.AnnAssign) -> Iterator[Name]:
    """Take a table of names for a place where things are registered."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if not isinstance(target, ast.Name) or target.id.startswith("_") or node.value is None:
        return
    entries = tuple(dict.fromkeys(_entries(node.value)))
    if len(entries) >= _ENTRIES_MIN:
        yield Name("registry", target.id, node.lineno, "", (), entries[:MEMBERS_MAX])


def _entries(value: ast.expr) -> list[str]:
    """Return what a table names: things that are defined elsewhere, by their keys where there are any."""
    if isinstance(value, ast.Dict):
        pairs = [(key, each) for key, each in zip(value.keys, value.values, strict=True) if key is not None]
        if not all(isinstance(each, ast.Name | ast.Attribute | ast.Call) for _, each in pairs):
            return []
        return [str(key.value) if isinstance(key, ast.Constant) else _last(key) for key, _ in pairs]
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        if not all(isinstance(each, ast.Name | ast.Attribute | ast.Call) for each in value.elts):
            return []
        return [_last(each) for each in value.elts]
    return []


def _checks(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Find ``_check: type[Contract] = Class``."""
    for node in tree.body:
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.annotation, ast.Subscript)
            and _last(node.annotation.value) == "type"
            and isinstance(node.value, ast.Name)
        ):
            yield node.value.id, _last(node.annotation.slice)


def _functions(tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node


def _is_annotated(node: Function) -> bool:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    open_ = [each for each in given if each.annotation is None and each.arg not in {"self", "cls"}]
    return node.returns is not None and not open_


def _arguments(node: Function) -> str:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return ("(" + ", ".join(each.arg for each in given) + ")")[:_DETAIL_CHARS_MAX]


def _last(node: ast.expr) -> str:
    """Return the last name of an expression, such as ``Protocol`` of ``typing.Protocol[T]``."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Subscript():
            return _last(node.value)
        case ast.Call():
            return _last(node.func)
        case _:
            return ""
