"""Which files of a patch concern which scanner."""

from __future__ import annotations

from keelway.core.package.lock import grammar_of
from keelway.core.package.manifest import is_manifest
from keelway.core.rule.glob import matches
from keelway.core.rule.sensitive import is_test_path

_WORKFLOWS = ("/.github/workflows/*.yml", "/.github/workflows/*.yaml", "action.yml", "action.yaml")
_PYTHON_LOCKS = ("uv.lock", "poetry.lock", "requirements*.txt")
_NODE_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
_SOURCES = (
    *("*.py", "*.js", "*.jsx", "*.ts", "*.tsx", "*.mjs", "*.cjs", "*.go", "*.php", "*.rb", "*.java", "*.kt"),
    *("*.c", "*.cc", "*.cpp", "*.h", "*.cs", "*.rs", "*.scala", "*.swift", "*.sh"),
)

TOOLS = ("known_secrets", "detect_secrets", "bandit", "semgrep", "zizmor", "pip_audit", "npm_audit")
"""Every scanner that Keelway knows."""


def concerns(tool: str, path: str) -> bool:
    """Tell whether a scanner has to look at a file when it changes."""
    match tool:
        case "bandit":
            return matches(path, ("*.py",)) and not is_test_path(path)
        case "semgrep":
            return matches(path, _SOURCES) and not is_test_path(path)
        case "zizmor":
            return matches(path, _WORKFLOWS)
        case "pip_audit":
            return matches(path, _PYTHON_LOCKS)
        case "npm_audit":
            return matches(path, _NODE_LOCKS)
        case "detect_secrets":
            return grammar_of(path) is None and not is_manifest(path)  # their hashes look like secrets
    return True
