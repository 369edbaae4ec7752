"""The tables of protected paths, one example a row."""

from __future__ import annotations

import pytest

from keelway.core.rule.sensitive import (
    FORBIDDEN,
    OWNED_FILES,
    OWNED_WORDS,
    categories,
    colliding,
    forbidden_reason,
    instructs_agents,
    is_doc_path,
    is_shadow,
    is_test_path,
)


@pytest.mark.parametrize(
    "path",
    [
        "keelway.toml", "apps/keelway.toml", ".github/workflows/ci.yml", ".GitHub/x", ".gitlab-ci.yml", "Jenkinsfile",
        ".circleci/config.yml", "azure-pipelines.yml", "deploy/prod.sh", "deploy.sh", "ops/deploy-prod.sh", "rollback.py",
        "scripts/rollback.sh", "a/scripts/deploy_all.py", "scripts/autolab/start.sh", "docs/CODEOWNERS", "AGENTS.md",
        "sub/CLAUDE.md", ".cursorrules", ".cursor/rules/a", ".claude/settings.json", ".mcp.json", ".gitmodules",
        "x/.gitattributes", "x/.git/config", ".vscode/tasks.json", ".anything/x",
    ],
)  # fmt: skip
def test_forbidden(path: str) -> None:
    assert forbidden_reason(path) in FORBIDDEN


@pytest.mark.parametrize(
    "path",
    [
        "app/main.py",
        "src/deploy.py",
        "README.md",
        ".gitignore",
        "docs/agents/x.md",
        "app/.github/x",
        "city/a.py",
    ],
)
def test_not_forbidden(path: str) -> None:
    assert forbidden_reason(path) == ""


@pytest.mark.parametrize(
    ("path", "category"),
    [
        ("migrations/0002_x.sql", "migration"),
        ("app/db/migrations/a.py", "migration"),
        ("uv.lock", "dependency"),
        ("web/package.json", "dependency"),
        ("requirements-dev.txt", "dependency"),
        (".env", "environment"),
        ("web/.env.production", "environment"),
        ("Dockerfile", "build"),
        (".pre-commit-config.yaml", "build"),
        ("web/lefthook.yml", "build"),
        ("src/auth/views.py", "auth"),
        ("src/LoginController.php", "auth"),
        ("src/encrypt.py", "crypto"),
        ("src/payment_gateway.py", "payment"),
        ("src/models/user.py", "user data"),
        ("src/cors.py", "CORS"),
        ("src/rate_limit.py", "rate limit"),
        ("src/RateLimiter.ts", "rate limit"),
        ("src/\u0430uth.py", "auth"),
    ],
)
def test_owned(path: str, category: str) -> None:
    assert category in categories(path)
    assert category in {*OWNED_FILES, *OWNED_WORDS}


@pytest.mark.parametrize("path", ["src/author.py", "tests/test_login.py", "docs/login.md", "src/discord.py"])
def test_not_owned(path: str) -> None:
    assert categories(path) == ()


@pytest.mark.parametrize(
    "path",
    [
        "pytest.py", "a/b/pytest.py", "_pytest/x.py", "a/sitecustomize.py", "lib/usercustomize.py", "x/evil.pth",
        "json.py", "src/json.py", "tests/random.py", "json/__init__.py", "src/email/__init__.py", "coverage.py", "JSON.py",
    ],
)  # fmt: skip
def test_shadows(path: str) -> None:
    assert is_shadow(path)


@pytest.mark.parametrize(
    "path", ["app/json.py", "json.ts", "src/app/pytest_helpers.py", "email/template.txt", "__init__.py"]
)
def test_not_shadows(path: str) -> None:
    assert not is_shadow(path)


def test_an_old_file_with_a_standard_name_hides_nothing_new() -> None:
    assert not is_shadow("calendar.py", new=False)
    assert is_shadow("pytest.py", new=False)


@pytest.mark.parametrize(
    "path",
    ["tests/a.py", "a/test_b.py", "a/b_test.py", "x.spec.ts", "__tests__/x.js", "a_test.go", "UserTest.php"],
)
def test_tests(path: str) -> None:
    assert is_test_path(path)


def test_a_project_may_name_its_own_tests() -> None:
    assert is_test_path("checks/a.py", ("checks/",))
    assert not is_test_path("tests/a.py", ("checks/",))
    assert is_doc_path("a/b.md")


def test_confusable_paths_of_one_set() -> None:
    assert colliding({"a.py", "A.py", "b.py", "\u0430.py"}) == ("A.py", "a.py", "\u0430.py")
    assert colliding({"a.py", "b.py"}) == ()


def test_what_agents_take_orders_from_is_known() -> None:
    for path in (
        "AGENTS.md",
        "sub/claude.md",
        "web/.claude/settings.json",
        ".codex/config.toml",
        "opencode.json",
    ):
        assert instructs_agents(path), path
    assert not any(map(instructs_agents, ("agents.py", "docs/agents/x.md", "claude/x.md")))
