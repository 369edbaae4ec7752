"""Plant a test that has to fail; the way of pytest, the only runner whose files we know how to write."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from keelway.adapters.ci.local.place import Place
from keelway.core.errors import OurFault
from keelway.core.judge.tests import FAILED, TestResult
from keelway.core.model.project import Project

__all__ = ["canary_failed", "plant", "without"]

_NAME = re.compile(r"[A-Za-z0-9_]{1,80}")
_PYTHON_TESTS = ("test_*.py", "*_test.py")


def plant(project: Project, place: Place, name: str) -> str:
    """Write the canary beside the project's tests and return its path, or "" when there are no Python tests.

    Raises:
        OurFault: the name cannot be part of a Python name, or the tests are not inside the checkout.
        OSError: the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise OurFault(
            "canary_name", f"The canary name {name!r} has other characters than letters, digits and _."
        )
    home = _home(project, place.files)
    if home is None:
        return ""
    path = str(PurePosixPath(home) / f"test_{name}.py")
    folder = (place.tree / home).resolve()
    if not folder.is_relative_to(place.tree.resolve()):
        raise OurFault(
            "canary_outside", f"The tests in {home} lie outside the checkout, so nothing was planted."
        )
    text = f'def test_{name}():\n    raise AssertionError("this test has to fail")\n'
    with open(folder / f"test_{name}.py", "x", encoding="utf-8", opener=_opener) as file:
        file.write(text)
    return path


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o644)


def without(path: str, tests: Iterable[TestResult]) -> tuple[TestResult, ...]:
    """Return the tests that are not the canary."""
    return tuple(test for test in tests if not _is(path, test))


def canary_failed(path: str, tests: Iterable[TestResult]) -> bool | None:
    """Tell whether the canary failed, as it has to; None when these tests do not have it."""
    outcomes = {test.outcome for test in tests if _is(path, test)}
    return outcomes == {FAILED} if outcomes else None


def _is(path: str, test: TestResult) -> bool:
    return bool(path) and (test.id == path or test.id.startswith(f"{path}::"))


def _home(project: Project, files: Iterable[str]) -> str | None:
    tests = [path for path in files if any(fnmatchcase(Path(path).name, shape) for shape in _PYTHON_TESTS)]
    for pattern in project.test_paths:
        fitting = [str(PurePosixPath(path).parent) for path in tests if fnmatchcase(path, pattern)]
        if fitting:
            return min(fitting, key=lambda folder: (folder.count("/"), folder))
    return None
