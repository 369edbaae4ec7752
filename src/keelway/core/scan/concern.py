"""Which files of a patch concern which scanner."""

from __future__ import annotations

from keelway.core.package.lock import grammar_of
from keelway.core.package.manifest import is_manifest
from keelway.core.rule.glob import matches
from keelway.core.rule.sensitive import is_test_path

_WORKFLOWS = ("/.github/workflows/*.yml", "/.github/workflows/*.yaml", "action.yml", "action.yaml")
_PYTHON_LOCKS = ("uv.lock", "poetry.lock", "requirements*.txt", "requirements/*.txt", "**/requirements/*.txt")
_NODE_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
_SOURCES = (
    *("*.py", "*.js", "*.jsx", "*.ts", "*.tsx", "*.mjs", "*.cjs", "*.go", "*.php", "*.rb", "*.java", "*.kt"),
    *("*.c", "*.cc", "*.cpp", "*.h", "*.cs", "*.rs", "*.scala", "*.swift", "*.sh"),
)

_KINDS = {
    "bandit": ("*.py",),
    "semgrep": _SOURCES,
    "zizmor": _WORKFLOWS,
    "pip_audit": _PYTHON_LOCKS,
    "npm_audit": _NODE_LOCKS,
}
_CODE_ONLY = frozenset({"bandit", "semgrep"})
"""Scanners that leave tests out."""

TOOLS = ("known_secrets", "detect_secrets", "bandit", "semgrep", "zizmor", "pip_audit", "npm_audit")
"""Every scanner that Keelway knows."""


def concerns(tool: str, path: str) -> bool:
    """Tell whether a scanner has to look at a file when it changes."""
    if tool == "detect_secrets":
        return grammar_of(path) is None and not is_manifest(path)  # their hashes look like secrets
    kinds = _KINDS.get(tool)
    if kinds is None:
        return True
    return matches(path, kinds) and not (tool in _CODE_ONLY and is_test_path(path))
