"""The papers are true: paths exist, AGENTS.md is short, capabilities name real tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_agents_page_is_short_and_its_paths_exist() -> None:
    text = (ROOT / "AGENTS.md").read_text()
    assert len(text.splitlines()) <= 120
    paths = re.findall(r"`((?:src|tests|docs|examples|bench)/[^`\s*]*)`", text)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_capabilities_name_tests_that_exist() -> None:
    text = (ROOT / "docs" / "capabilities.md").read_text()
    rows = re.findall(r"^\| (S[0-4]-\d+) \|", text, re.MULTILINE)
    assert len(rows) == len(set(rows)) == 183
    for path in re.findall(r"`(tests/[^`:\s]+)", text):
        assert (ROOT / path).exists(), path


OURS = re.compile(r"\.\./shared|/work/|DEVELOPERS\.md|pypi\.org/simple/|deb\.debian\.org")
SKIPPED = {
    ".keelway-demo",
    ".releases",
    ".redteam",
    ".git",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".pytest_cache",
}


def _is_ours(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    hidden = SKIPPED.intersection(parts) or "__pycache__" in parts
    return (
        path.is_file()
        and not hidden
        and path != Path(__file__)
        and path.suffix in {".py", ".md", ".toml", ".json", ""}
    )


def test_the_repository_speaks_of_itself_alone() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*")
        if _is_ours(path) and OURS.search(path.read_text(errors="ignore"))
    ]
    assert found == []
