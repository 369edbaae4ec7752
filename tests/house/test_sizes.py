"""Rooms stay small: files, functions and folders."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "keelway"
FILES = sorted(path for path in SOURCE.rglob("*.py") if "migrations/versions" not in path.as_posix())
FILE_LINES_MAX, FUNCTION_LINES_MAX, FOLDER_FILES_MAX, DEPTH_MAX = 300, 60, 10, 3
WIDE_FOLDERS = {
    "testing/fakes": 20,
    "testing/conformance": 22,
    "ports": 19,
    "core/model": 12,
    "core/rule": 12,
    "routines": 21,
    "programs/front": 16,
    "clients/git": 12,
    "clients": 14,
    "app": 14,
    "app/doctor": 13,
    "cli": 17,
    "cli/show": 13,
}
"""Folders that may hold more, each for a reason given in docs/decisions/0003-room-sizes.md."""


def test_there_is_something_to_measure() -> None:
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_a_file_and_its_functions_are_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= FILE_LINES_MAX
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert not long


def test_folders_are_not_crowded() -> None:
    crowded = {}
    for folder in {path.parent for path in FILES}:
        name = folder.relative_to(SOURCE).as_posix()
        count = sum(1 for path in folder.glob("*.py") if path.name != "__init__.py")
        if count > WIDE_FOLDERS.get(name, FOLDER_FILES_MAX):
            crowded[name] = count
    assert not crowded


def test_the_house_is_not_deep() -> None:
    deep = [path for path in FILES if len(path.relative_to(SOURCE).parts) - 1 > DEPTH_MAX]
    assert not deep
