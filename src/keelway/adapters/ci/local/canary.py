"""Plant tests that have to fail, wherever a process of the runner could lie about its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from keelway.adapters.ci.local.place import Place
from keelway.core.errors import OurFault
from keelway.core.judge.tests import FAILED, PASSED, TestResult
from keelway.core.runner.runner import Reach, Runner, Seed, Texts

__all__ = ["NO_CANARY", "Canary", "plant"]

_NAME = re.compile(r"[A-Za-z0-9_]{1,80}")


@dataclass(frozen=True)
class Canary:
    """Know the planted tests of one runner."""

    runner: Runner | None = None
    seeds: tuple[Seed, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the files that were made for it."""
        return tuple(seed.path for seed in self.seeds if seed.new)

    def without(self, tests: Iterable[TestResult]) -> tuple[TestResult, ...]:
        """Return the tests that are not planted."""
        return tuple(test for test in tests if not any(seed.name in test.id for seed in self.seeds))

    def failed(self, tests: Iterable[TestResult]) -> bool | None:
        """Tell whether the planted tests failed, as they have to, beside all tests that passed.

        ``None`` when none of them came up. A test whose file the report does not tell is vouched for
        only when every planted test came up.
        """
        results = tuple(tests)
        heard = [(seed, {test.outcome for test in results if seed.name in test.id}) for seed in self.seeds]
        heard = [(seed, outcomes) for seed, outcomes in heard if outcomes]
        if not heard or self.runner is None:
            return None
        if any(outcomes != {FAILED} for _, outcomes in heard):
            return False
        vouched = {self.runner.place(seed.path) for seed, _ in heard}
        green = [test.id for test in self.without(results) if test.outcome == PASSED]
        places = {self._place(name) for name in green}
        return places <= vouched or (len(heard) == len(self.seeds) and places - {""} <= vouched)

    def _place(self, test: str) -> str:
        path = test.partition("::")[0]
        if self.runner is None or (self.runner.reach is not Reach.RUN and not self.runner.collects(path)):
            return ""
        return self.runner.place(path)


NO_CANARY = Canary()


def plant(runner: Runner, texts: Texts, place: Place, name: str) -> Canary:
    """Write the tests that have to fail into the checkout.

    Args:
        runner: which will run them.
        texts: the project's test files as the commit has them.
        place: where the checkout is.
        name: what their names have in common; nobody else knows it.

    Raises:
        OurFault: the name cannot be part of a name in a program, or the tests are not inside the checkout.
        OSError: a file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise OurFault(
            "canary_name", f"The canary name {name!r} has other characters than letters, digits and _."
        )
    tests = {path: text for path, text in texts.items() if runner.collects(path)}
    seeds = runner.seed(name, tests) if tests else ()
    for seed in seeds:
        _write(place.tree, seed)
    return Canary(runner, seeds) if seeds else NO_CANARY


def _write(tree: Path, seed: Seed) -> None:
    path = tree / seed.path
    folder = path.parent.resolve()
    if not folder.is_relative_to(tree.resolve()):
        raise OurFault(
            "canary_outside", f"The tests in {seed.path} lie outside the checkout, so nothing was planted."
        )
    with open(folder / path.name, "x" if seed.new else "a", encoding="utf-8", opener=_opener) as file:
        file.write(seed.text)


def _opener(path: str, flags: int) -> int:
    created = flags if flags & os.O_EXCL else flags & ~os.O_CREAT
    return os.open(path, created | os.O_NOFOLLOW, 0o644)
