"""Which paths nobody but a person may alter, and which need a person's yes: tables.

The categories are those of the always-review and never-auto-deploy lists; a project's
policy can only lengthen them.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Collection, Iterable
from itertools import pairwise

from keelway.core.rule.glob import fold, matches

_INSTRUCTIONS = "agent instructions"

FORBIDDEN: dict[str, tuple[str, ...]] = {
    "keelway's own policy": ("keelway.toml", ".keelway.toml", "/.keelway/"),
    "CI definition": (
        "/.github/", ".gitlab-ci.yml", "*.gitlab-ci.yml", ".gitlab-ci/", "/.circleci/", "/.buildkite/",
        "jenkinsfile", "jenkinsfile.*", "azure-pipelines.y*ml", "bitbucket-pipelines.yml", ".travis.yml",
        ".drone.yml", ".woodpecker.y*ml", "appveyor.yml", ".appveyor.yml", "/ci/",
    ),
    "deploy or rollback script": (
        "/deploy/", "/deployment/", "/rollback/", "/deploy.*", "/rollback.*", "/deploy", "/rollback",
        "deploy*.sh", "rollback*.sh", "**/scripts/deploy*", "**/scripts/rollback*", "**/bin/deploy*",
        "**/bin/rollback*", "/scripts/autolab/", "/k8s/", "/helm/", "/terraform/",
    ),
    "owner list": ("codeowners",),
    _INSTRUCTIONS: (
        "agents.md", "agents.override.md", "claude.md", "claude.local.md", "gemini.md", "qwen.md", "copilot-instructions.md",
        "skill.md", ".cursorrules", ".windsurfrules", ".clinerules", ".roorules", ".goosehints", ".aider*",
        ".mcp.json", "mcp.json", "opencode.json", "opencode.jsonc", "codex.toml",
        ".opencode/", ".claude/", ".codex/", ".gemini/", ".qwen/", ".cursor/", ".windsurf/", ".continue/", ".pi/", ".kiro/",
        ".roo/", ".cline/", ".goose/", ".amp/", ".agents/",
    ),
    "git's own control file": (".gitmodules", ".gitattributes", ".git/", ".git", "git~1/", "git~1"),
    "top-level dot directory": ("/.*/",),
}  # fmt: skip
"""Reason to patterns; see ``glob.matches`` for their grammar."""

OWNED_FILES: dict[str, tuple[str, ...]] = {
    "migration": (
        "migrations/", "/db/migrate/", "/database/migrations/", "**/alembic/versions/**", "*.migration.sql",
        "schema.sql", "schema.prisma", "schema.rb",
    ),
    "dependency": (
        "*.lock", "uv.lock", "poetry.lock", "pdm.lock", "pipfile", "pipfile.lock", "requirements*.txt",
        "requirements*.in", "constraints*.txt", "/requirements/", "environment.y*ml", "pyproject.toml", "setup.py", "setup.cfg",
        "package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lockb",
        "composer.json", "composer.lock", "go.mod", "go.sum", "cargo.toml", "cargo.lock", "gemfile",
        "gemfile.lock", "pom.xml", "build.gradle*", "gradle.lockfile", "vendor/", "node_modules/",
    ),
    "environment": (".env", ".env.*", "*.env", ".envrc", ".npmrc", ".pypirc", "pip.conf", ".yarnrc*", "uv.toml", "poetry.toml", "bunfig.toml",
                    ".pnpmfile.*", "pnpmfile.*", "pnpm-workspace.yaml", "auth.json"),
    "build": ("dockerfile", "dockerfile.*", "*.dockerfile", "docker-compose*.y*ml", "compose*.y*ml", "makefile",
              "gnumakefile", "*.mk", "procfile", "justfile", "noxfile.py", ".pre-commit-config.y*ml", "lefthook.y*ml", ".lefthook.y*ml", "vite.config.*", "vercel.json", "fly.toml", "netlify.toml"),
}  # fmt: skip
"""Category to patterns of files that need a person's yes."""

_WORDS = {
    "auth": "auth authn authz authentication authorization authorisation authenticate authorize login logout "
    "signin signup session sessions oauth oauth2 oidc saml sso jwt permission permissions rbac acl role roles "
    "password passwords passwd credential credentials guard guards policies csrf",
    "crypto": "crypto cryptography cipher encrypt encryption decrypt decryption hashing signing keystore tls ssl "
    "certificate certificates secret secrets vault",
    "payment": "payment payments billing invoice invoices checkout stripe paypal refund refunds subscription "
    "subscriptions wallet charge charges",
    "user data": "userdata pii gdpr personal privacy profile profiles account accounts user users",
    "CORS": "cors",
    "rate limit": "ratelimit ratelimits ratelimiter throttle throttling throttles",
}
OWNED_WORDS: dict[str, frozenset[str]] = {name: frozenset(words.split()) for name, words in _WORDS.items()}
"""Category to words that, as a whole word of a path, need a person's yes."""

HIGH_CATEGORIES = frozenset({*OWNED_WORDS, "environment"})
"""Categories that always need a person, whatever the policy's line."""

TEST_PATTERNS = (
    "test_*.py", "*_test.py", "conftest.py", "tests/", "test/", "__tests__/", "spec/", "*_test.go", "*.test.*",
    "*.spec.*", "*test.php", "*tests.php", "*_spec.rb",
)  # fmt: skip
"""What counts as a test when the project says nothing else."""

_DOCS = ("*.md", "*.rst", "*.adoc")
_HIDING_ANYWHERE = frozenset({"pytest", "_pytest", "sitecustomize", "usercustomize"})
_HIDING_AT_ROOT = sys.stdlib_module_names | {
    "pluggy",
    "iniconfig",
    "coverage",
    "hypothesis",
    "pip",
    "setuptools",
}
_RUNNER_CONFIG = (
    "conftest.py",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "tox.ini",
    ".coveragerc",
    *(
        "vitest.config.*",
        "vitest.workspace.*",
        "vitest.setup.*",
        "jest.config.*",
        "jest.setup.*",
        "__mocks__/",
    ),
    *(".mocharc*", ".taprc", ".c8rc*", ".nycrc*", "babel.config.*", ".babelrc*", ".swcrc", "go.work"),
    *("phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"),
)
_IMPORT_ROOTS = frozenset({"", "src", "lib", "tests", "test"})


def is_test_path(path: str, patterns: Iterable[str] = TEST_PATTERNS) -> bool:
    """Tell whether ``path`` holds tests rather than source."""
    return matches(path, patterns)


def is_doc_path(path: str) -> bool:
    """Tell whether ``path`` is prose that no program reads."""
    return matches(path, _DOCS)


def forbidden_reason(path: str) -> str:
    """Return why nobody but a person may alter ``path``, empty when it is not forbidden."""
    return next((why for why, patterns in FORBIDDEN.items() if matches(path, patterns)), "")


def instructs_agents(path: str) -> bool:
    """Tell whether coding agents take orders or settings from ``path``."""
    return matches(path, FORBIDDEN[_INSTRUCTIONS])


def categories(path: str) -> tuple[str, ...]:
    """Return the categories for which ``path`` needs a person's yes."""
    by_file = [name for name, patterns in OWNED_FILES.items() if matches(path, patterns)]
    if is_test_path(path) or is_doc_path(path):
        return tuple(by_file)
    words = _words(path)
    return (*by_file, *(name for name, wanted in OWNED_WORDS.items() if words & wanted))


def is_runner_config(path: str) -> bool:
    """Tell whether ``path`` configures the test runner, which only a grant may alter."""
    return matches(path, _RUNNER_CONFIG)


def is_shadow(path: str, *, new: bool = True) -> bool:
    """Tell whether Python would load ``path`` instead of the runner or of its standard library.

    Args:
        path: the path in the repository.
        new: the file did not exist; only a new file can begin to hide a standard module.
    """
    *folders, name = fold(path).split("/")
    if name.endswith(".pth"):
        return True
    if not name.endswith(".py"):
        return False
    module = name.removesuffix(".py")
    if {module, *folders} & _HIDING_ANYWHERE:
        return True
    if module == "__init__" and folders:
        *folders, module = folders
    return new and "/".join(folders) in _IMPORT_ROOTS and module in _HIDING_AT_ROOT


def colliding(paths: Collection[str]) -> tuple[str, ...]:
    """Return the paths that a reader or a file system may take for another path of the same set."""
    seen: dict[str, list[str]] = {}
    for path in sorted(paths):
        seen.setdefault(fold(path), []).append(path)
    return tuple(path for group in seen.values() if len(group) > 1 for path in group)


def _words(path: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKC", path)
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    words = re.findall(r"[^\W_]+", fold(split))
    pairs = [left + right for left, right in pairwise(words)]
    return frozenset((*words, *pairs))
