"""What the judge has to know about a test runner."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

Texts = Mapping[str, str]
"""Contents by path, in the order in which the project's test patterns name them."""


def folder_of(path: str) -> str:
    """Return the folder of a path, ``.`` at the top."""
    return path.rpartition("/")[0] or "."


def name_of(path: str) -> str:
    """Return the last part of a path."""
    return path.rpartition("/")[2]


def below(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return name if folder == "." else f"{folder}/{name}"


class Reach(StrEnum):
    """Say what one process of the runner holds: a test that fails there vouches for that much."""

    RUN = "run"
    """All tests."""
    FOLDER = "folder"
    """The tests of one folder."""
    FILE = "file"
    """The tests of one file."""


@dataclass(frozen=True)
class Seed:
    """Describe a test that has to fail, before it is planted."""

    name: str
    """The random name under which the runner reports it."""
    path: str
    text: str
    new: bool = True
    """A file of its own; otherwise the text goes to the end of a test file that is there."""


@dataclass(frozen=True)
class Case:
    """Hold what a report says about where a test is."""

    suites: tuple[str, ...]
    """Names of the suites around it, the outermost first."""
    group: str
    name: str
    file: str = ""
    """Relative to the checkout, empty when the report does not say."""


Locate = Callable[[Case], str]
"""Return ``file::name`` of a reported test, empty when the ordinary reading has to do."""


def nowhere(case: Case) -> str:  # noqa: ARG001
    """Leave every test to the ordinary reading."""
    return ""


@dataclass(frozen=True)
class Runner:
    """Describe one test runner."""

    name: str
    command: re.Pattern[str]
    """Fits the words of a command that starts it, joined by blanks."""
    tests: tuple[str, ...]
    """Names of the files in which it looks for tests; with a slash, whole paths."""
    sources: tuple[str, ...]
    """Ends of the names of sources whose lines it can measure."""
    reach: Reach
    seed: Callable[[str, Texts], tuple[Seed, ...]]
    """Make the tests that have to fail, from their common name and the project's test files."""
    locate: Callable[[Texts], Locate] = lambda _: nowhere
    """Prepare to tell the files of reported tests, from the texts of test files and manifests."""
    manifests: tuple[str, ...] = ()
    """Names of further files that ``locate`` has to see."""
    related: Callable[[tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = lambda _run, _sources: ()
    """Turn the command into one for the tests that touch some sources; empty when it cannot."""
    install: str = ""
    """How to get it."""

    def collects(self, path: str) -> bool:
        """Tell whether the runner looks for tests in a file of this name."""
        name = name_of(path)
        return any(fnmatchcase(path if "/" in shape else name, shape) for shape in self.tests)

    def place(self, path: str) -> str:
        """Return what shares a process with the tests of a file."""
        if self.reach is Reach.RUN:
            return "."
        return path if self.reach is Reach.FILE else folder_of(path)


def words_of(run: tuple[str, ...]) -> str:
    """Return a command as the text in which runners are recognised."""
    return " ".join(run)


def program(pattern: str) -> re.Pattern[str]:
    """Return a pattern for a program by its name, in whatever folder and behind whatever launcher."""
    return re.compile(rf"(?:^|[\s/;&|(\"'])(?:{pattern})(?=$|[\s;&|)\"'])")
