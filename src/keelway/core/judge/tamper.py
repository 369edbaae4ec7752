"""Find source that behaves for its judge: it looks at the test runner, leaves early, or equals everything.

Static rules over the syntax tree of changed Python files that are not tests. They raise the
price of cheating; the replay and the black box are the proof.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from keelway.core.judge.constant import texts_in
from keelway.core.model.verdict import Finding, failed, passed

_RUNNER_MODULES = frozenset(
    {
        "pytest", "_pytest", "pluggy", "unittest", "doctest", "mock", "nose", "nose2", "hypothesis", "coverage", "xdist",
    }
)  # fmt: skip
_RUNNER_NAME = re.compile(
    r"\bPYTEST_\w+|\b_pytest\b|\bKEELWAY_\w+|^(?:pytest|unittest|py\.test|pytest\.exe)$"
)
_PEEKING = frozenset(
    {
        "sys._getframe", "sys._current_frames", "sys.settrace", "sys.setprofile", "sys.monitoring", "threading.settrace",
        "threading.setprofile", "inspect.stack", "inspect.currentframe", "inspect.trace", "inspect.getouterframes",
        "traceback.extract_stack", "traceback.walk_stack", "traceback.format_stack", "traceback.print_stack",
        "gc.get_objects", "gc.get_referrers",
    }
)  # fmt: skip
_HARD_EXITS = frozenset({"os._exit", "os.abort"})
_SOFT_EXITS = frozenset({"sys.exit", "exit", "quit", "SystemExit", "builtins.exit", "builtins.quit"})
_IMPORTERS = frozenset({"__import__", "importlib.import_module", "builtins.__import__"})
_HOOKS = frozenset(
    {
        "sys.argv", "sys.breakpointhook", "sys.displayhook", "sys.dont_write_bytecode", "sys.excepthook", "sys.path", "sys.ps1",
        "sys.ps2", "sys.stderr", "sys.stdin", "sys.stdout", "sys.tracebacklimit", "sys.unraisablehook", "threading.excepthook",
        "logging.lastResort", "logging.logThreads", "logging.logProcesses", "logging.raiseExceptions", "tempfile.tempdir",
        "warnings.formatwarning", "warnings.showwarning",
    }
)  # fmt: skip
"""Parts of the standard library that are there to be replaced."""
_TEST_FILE = re.compile(r"(?:^|/)(?:test_\w+\.py|\w+_test\.py|conftest\.py)$|--junit|\bjunit\.xml\b")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)

Hit = tuple[str, int, str]
"""Code, line number and what was found."""


def is_python(path: str) -> bool:
    """Tell whether a file is Python."""
    return path.endswith((".py", ".pyi", ".pyw"))


def judge_sources(
    sources: Collection[str], texts: Mapping[str, str], before: Mapping[str, str] | None = None
) -> tuple[Finding, ...]:
    """Judge every changed Python source, wherever it lies: what is imported counts, not where it is kept.

    Args:
        sources: all changed Python files that still exist on the head commit and are no tests of the project.
        texts: their contents by path, read from the head commit; an absent one is a failure.
        before: their contents on the base; what was suspicious there already is no fault of the patch.
    """
    findings: list[Finding] = []
    for path in sorted(sources):
        if path in texts:
            findings.extend(judge_source(path, texts[path], (before or {}).get(path, "")))
        else:
            findings.append(failed("source_unread", f"{path} was not read, so it is not passed.", examined=0))
    clear = f"{len(sources)} Python source(s) read."
    return tuple(findings) or (passed("no_tampering", clear, examined=len(sources)),)


def judge_source(path: str, text: str, before: str = "") -> tuple[Finding, ...]:
    """Return a failure for each suspicious place of one Python source that was not there before, none when it is clean."""
    try:
        hits = _hits(text)
    except _UNREADABLE as error:
        return (failed("source_unreadable", f"{path} cannot be read as Python: {error}."),)
    known = Counter((code, what) for code, _, what in _known(before)) if hits else Counter()
    findings = []
    for code, number, what in hits:
        known[code, what] -= 1
        if known[code, what] < 0:
            said = f"{path}:{number} {what}."
            findings.append(failed(code, said, path=path, line=str(number)))
    return tuple(findings)


def _hits(text: str) -> list[Hit]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
        return sorted({hit for rule in _RULES for hit in rule(tree)}, key=lambda hit: (hit[1], hit[0]))


def _known(before: str) -> list[Hit]:
    try:
        return _hits(before)
    except _UNREADABLE:
        return []


def _aliases(tree: ast.AST) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _dotted(node: ast.AST, aliases: Mapping[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([aliases.get(node.id, node.id), *reversed(parts)])


def _runner_imports(tree: ast.AST) -> Iterator[Hit]:
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and _dotted(node.func, aliases) in _IMPORTERS:
            names = [
                arg.value
                for arg in node.args[:1]
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            ]
        for name in names:
            if name.split(".")[0] in _RUNNER_MODULES:
                yield "tamper_runner_import", getattr(node, "lineno", 0), f"imports the test tool {name}"


def _runner_names(tree: ast.AST) -> Iterator[Hit]:
    for line, text in texts_in(tree):
        found = _RUNNER_NAME.search(text)
        if found:
            yield "tamper_runner_name", line, f"names the test runner ({found[0]})"


def _peeking(tree: ast.AST) -> Iterator[Hit]:
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = _dotted(node, aliases)
            if name in _PEEKING:
                yield "tamper_frames", node.lineno, f"looks at its callers or traces them ({name})"
            if name in _HARD_EXITS:
                yield "tamper_exit", node.lineno, f"can end the process without cleaning up ({name})"


def _import_time_exits(tree: ast.AST) -> Iterator[Hit]:
    aliases = _aliases(tree)
    for node in _at_import(tree):
        if isinstance(node, ast.Name | ast.Attribute) and _dotted(node, aliases) in _SOFT_EXITS:
            yield "tamper_exit", node.lineno, "can end the process when it is imported"


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS) or (isinstance(child, ast.If) and _is_main_guard(child.test)):
            continue
        yield child
        yield from _at_import(child)


def _is_main_guard(test: ast.expr) -> bool:
    return ast.unparse(test) in {"__name__ == '__main__'", "'__main__' == __name__"}


def _equal_to_all(tree: ast.AST) -> Iterator[Hit]:
    what = "is equal to everything"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in _COMPARISONS:
            returns = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)]
            if returns and all(_is_constant(value, equal=_COMPARISONS[node.name]) for value in returns):
                yield "tamper_equality", node.lineno, what
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            names = {
                target.id for target in node.targets if isinstance(target, ast.Name)
            } & _COMPARISONS.keys()
            if any(_is_constant(node.value.body, equal=_COMPARISONS[name]) for name in names):
                yield "tamper_equality", node.lineno, what


_COMPARISONS = {"__eq__": True, "__ne__": False}


def _is_constant(value: ast.expr | None, *, equal: bool) -> bool:
    return (
        isinstance(value, ast.Constant) and value.value is not NotImplemented and bool(value.value) is equal
    )


def _patched_builtins(tree: ast.AST) -> Iterator[Hit]:
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            owner = _dotted(node.value, aliases)
            if owner in {"builtins", "__builtins__", "sys.modules", "builtins.__dict__"}:
                yield "tamper_builtins", node.lineno, f"replaces a part of {owner}"


def _patched_modules(tree: ast.AST) -> Iterator[Hit]:
    aliases = {alias.asname or alias.name.split(".")[0]: alias.name for alias in _imported(tree)}
    for node in ast.walk(tree):
        name = ""
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            name = _dotted(node, aliases) if _root(node) in aliases else ""
        elif isinstance(node, ast.Call) and _dotted(node.func, {}) in {"setattr", "delattr"} and node.args:
            owner = _dotted(node.args[0], aliases) if _root(node.args[0]) in aliases else ""
            name = f"{owner}.{ast.unparse(node.args[1])}" if owner and node.args[1:] else ""
        module = name.split(".")[0]
        if module in sys.stdlib_module_names - {"builtins"} and name not in _HOOKS:
            yield (
                "tamper_module",
                getattr(node, "lineno", 0),
                f"replaces a part of the standard library ({name})",
            )


def _imported(tree: ast.AST) -> Iterator[ast.alias]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                alias if alias.asname else ast.alias(alias.name.split(".")[0]) for alias in node.names
            )


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _test_files(tree: ast.AST) -> Iterator[Hit]:
    for line, text in texts_in(tree):
        found = _TEST_FILE.search(text)
        if found:
            yield "tamper_test_file", line, f"names files or reports of its tests ({found[0]})"


def _named_comparisons(tree: ast.AST) -> Iterator[Hit]:
    what = "sets a comparison by its name"
    for node in ast.walk(tree):
        keys: list[ast.expr | None] = []
        if isinstance(node, ast.Dict):
            keys = list(node.keys)
        elif isinstance(node, ast.Call) and _dotted(node.func, {}) == "setattr":
            keys = list(node.args[1:2])
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in _COMPARISONS
        ):
            yield "tamper_equality", node.lineno, what
        names = {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
        if names & _COMPARISONS.keys():
            yield "tamper_equality", getattr(node, "lineno", 0), what


_RULES = (
    _runner_imports,
    _runner_names,
    _peeking,
    _import_time_exits,
    _equal_to_all,
    _patched_builtins,
    _patched_modules,
    _test_files,
    _named_comparisons,
)
