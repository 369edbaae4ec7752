"""Know how the report of a check is to be read, from the commit and never from the checkout."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from keelway.adapters.ci.local.place import Place
from keelway.clients.git import Git
from keelway.core.judge.tests import PASSED, TestResult
from keelway.core.model.project import CheckCommand, Project
from keelway.core.rule.sensitive import is_runner_config
from keelway.core.runner.go import modules_of
from keelway.core.runner.known import SCRIPT_FILES, runner_of
from keelway.core.runner.pytest import PYTEST
from keelway.core.runner.runner import Locate, Runner, Texts, nowhere

__all__ = ["PLAIN", "Reading", "readings_of", "restore_tests"]

_TEXT_BYTES_MAX, _TEXTS_BYTES_MAX = 1024 * 1024, 64 * 1024 * 1024


@dataclass(frozen=True)
class Reading:
    """Hold what is known about the runner of one check."""

    runner: Runner | None = None
    texts: Texts = field(default_factory=dict)
    """The project's test files."""
    locate: Locate = nowhere
    modules: dict[str, str] = field(default_factory=dict)
    """Folders of Go modules by their names."""

    def counted(self, tests: tuple[TestResult, ...]) -> tuple[TestResult, ...]:
        """Leave out files that a runner calls passed because there was no test in them."""
        return tuple(test for test in tests if test.outcome != PASSED or test.id not in self.texts)


PLAIN = Reading()


def restore_tests(project: Project, git: Git, sha: str, place: Place) -> str:
    """Put back what a set-up did to the tests, and return what it made that would configure their runner.

    The commands of a set-up run scripts of the patch; the tests that judge the patch are not theirs to write.
    """
    judging = [path for path in place.files if project.is_test(path) or is_runner_config(path)]
    git.put_back(sha, str(place.tree), judging)
    folders = {str(parent) for path in judging for parent in PurePosixPath(path).parents} | {"."}
    made = (
        str(PurePosixPath(folder) / name)
        for folder in sorted(folders)
        for name in sorted(os.listdir(place.tree / folder))  # noqa: PTH208 - only names are needed
    )
    return next((path for path in made if is_runner_config(path) and path not in set(place.files)), "")


def readings_of(
    project: Project, git: Git, sha: str, files: Sequence[str], checks: Sequence[CheckCommand]
) -> dict[str, Reading]:
    """Return for each check of tests how its report is to be read, by the name of the check.

    Args:
        project: whose tests they are.
        git: has the commit.
        sha: the commit.
        files: every path of the commit.
        checks: the checks that will run.
    """
    tests = sorted((path for path in files if project.is_test(path)), key=lambda path: _rank(project, path))
    manifests: dict[str, str] | None = None
    found: dict[str, Reading] = {}
    for check in checks:
        if check.kind != "tests":
            continue
        runner = runner_of(check.run, {})
        if runner is None:
            if manifests is None:
                manifests = git.texts(sha, SCRIPT_FILES, _TEXT_BYTES_MAX, _TEXTS_BYTES_MAX)
            runner = runner_of(check.run, manifests, tests)
        found[check.name] = _reading(runner, git, sha, tests, files)
    return found


def _reading(
    runner: Runner | None, git: Git, sha: str, tests: Sequence[str], files: Sequence[str]
) -> Reading:
    if runner is None:
        return PLAIN
    collected = [path for path in tests if runner.collects(path)]
    if runner is PYTEST or not collected:
        return Reading(runner, dict.fromkeys(collected, ""))
    more = [path for path in files if PurePosixPath(path).name in runner.manifests]
    said = git.texts(sha, [*collected, *more], _TEXT_BYTES_MAX, _TEXTS_BYTES_MAX)
    texts = {path: said[path] for path in collected if path in said}
    manifests = {path: said[path] for path in more if path in said}
    return Reading(runner, texts, runner.locate({**texts, **manifests}), modules_of(manifests))


def _rank(project: Project, path: str) -> tuple[int, int, str, str]:
    """Order test files as the project's patterns name them, and below that the shallow folders first."""
    order = next(number for number, shape in enumerate(project.test_paths) if fnmatchcase(path, shape))
    folder = str(PurePosixPath(path).parent)
    return order, folder.count("/"), folder, path
