"""A CI in memory: it reads the tree of a fake forge, understands simple tests, or says what it was told."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace

from keelway.core.codec import digest
from keelway.core.judge.question import RUN, Answer, Question, steady
from keelway.core.judge.tests import ERROR, FAILED, PASSED, SKIPPED, TestResult
from keelway.core.model.project import CheckCommand, Project
from keelway.ports.ci import CheckJob, CheckReport, Ci, CommandResult
from keelway.testing.fakes.forge import FakeForge
from keelway.testing.fakes.history import Files

CHECKS = (CheckCommand("lint", ("lint",)), CheckCommand("tests", ("tests", "{junit}"), kind="tests"))
"""What a project without checks of its own is checked with."""

Rule = Callable[[CheckJob, Files], CheckReport]

_LOOK = re.compile(r"""(["'])(?P<text>.+?)\1 (?P<no>not )?in Path\((["'])(?P<path>.+?)\4\)\.read_text\(""")
_NOT_RUN, _REWRITES = "# not run", "pytest_runtest_makereport"
_RED = frozenset({FAILED, ERROR})


class FakeCi:
    """Check the trees of a fake forge; everything asked is in ``jobs`` and ``ended``.

    Tests are functions ``test_*`` in Python files that the project calls tests. One fails when an
    ``assert "text" in Path("path").read_text()`` in it does not hold for the tree, or when it says
    ``assert False``; with ``pytest.skip`` in it it is skipped; a file that is not Python is one error.
    A ``conftest.py`` that names ``pytest_runtest_makereport`` turns everything green, the canary
    included. A question is answered with the file that it names, as a server of files and a ``cat`` would. A check that is not of the kind ``tests`` fails when a file of the tree holds
    ``# fails <name of the check>``. Every line of a source counts as run unless ``# not run`` is on it.
    """

    def __init__(self, forge: FakeForge, project: Project | None = None, rule: Rule | None = None) -> None:
        self.project = project or Project("fake", checks=CHECKS)
        self.jobs: list[CheckJob] = []
        self.ended: list[str] = []
        self._forge = forge
        self._rule = rule or self._read
        self._answers: dict[str, list[CheckReport]] = {}

    def answer(self, sha_or_purpose: str, *reports: CheckReport) -> None:
        """Say what jobs on a commit or of a purpose find, in this order; the last report stays.

        A commit goes before a purpose; the report carries the commit of the job whatever it says.
        """
        self._answers[sha_or_purpose] = list(reports)

    def check(self, job: CheckJob) -> CheckReport:
        """Answer as told, else as the tree says."""
        self.jobs.append(job)
        for key in (job.sha, job.purpose):
            if waiting := self._answers.get(key):
                return replace(waiting.pop(0) if waiting[1:] else waiting[0], sha=job.sha)
        return self._rule(job, self._forge.history[job.sha].files)

    def check_all(self, jobs: tuple[CheckJob, ...]) -> tuple[CheckReport, ...]:
        """Answer one after the other."""
        return tuple(self.check(job) for job in jobs)

    def end(self, task: str) -> bool:
        """Find nothing: a fake answers at once."""
        self.ended.append(task)
        return False

    def _read(self, job: CheckJob, files: Files) -> CheckReport:
        known = {check.name: check for check in self.project.checks}
        rewritten = any(_REWRITES in text for path, text in files.items() if path.endswith("conftest.py"))
        tests = tuple(
            replace(test, outcome=PASSED, message="") if rewritten else test
            for path in sorted(files)
            if self.project.is_test(path) and path.endswith(".py")
            for test in _tests(path, files)
        )
        commands: list[CommandResult] = []
        for name in job.checks:
            if job.changed and not (name in known and known[name].related):
                continue
            commands.append(_command(name, known.get(name), tests, files))
            if job.stop_at_first and not commands[-1].passed:
                break
        ran = any(known[command.name].kind == "tests" for command in commands if command.name in known)
        lines = {path: _lines(files[path]) for path in job.coverage_of if path in files}
        return CheckReport(
            job.sha,
            tuple(commands),
            tests * max(1, job.repeat) if ran else (),
            lines,
            {path: _run(files[path], lines[path]) for path in lines} if ran else dict.fromkeys(lines, ()),
            canary_failed=not rewritten if job.canary and ran else None,
            answers=tuple(_answer(question, files, self.project) for question in job.questions),
        )


def _answer(question: Question, files: Files, project: Project) -> Answer:
    if question.box not in {box.name for box in project.black_boxes}:
        return Answer(wrong=f"no [[black_box]] is called {question.box!r}")
    if question.method == RUN:
        text = files.get(question.words[-1] if question.words else "")
        return _said(question, int(text is None), text or "")
    text = files.get(question.place.removeprefix("/"))
    return _said(question, 404 if text is None else 200, text or "not found")


def _said(question: Question, status: int, text: str) -> Answer:
    return Answer(status, text, digest(steady(text)), contained=question.contains in text)


def _command(
    name: str, check: CheckCommand | None, tests: tuple[TestResult, ...], files: Files
) -> CommandResult:
    if check is None:
        return CommandResult(name, None, 0.0, 0, could_not_start=f"No check is called {name!r}.")
    if check.kind == "tests":
        red = [test.id for test in tests if test.outcome in _RED]
        examined = sum(test.outcome != SKIPPED for test in tests)
        return CommandResult(name, int(bool(red)) if tests else 5, 0.1, examined, "\n".join(red))
    bad = sorted(path for path, text in files.items() if f"# fails {name}" in text)
    return CommandResult(name, int(bool(bad)), 0.1, 1, "\n".join(bad))


def _tests(path: str, files: Files) -> list[TestResult]:
    try:
        tree = ast.parse(files[path])
    except (SyntaxError, ValueError) as error:
        return [TestResult(path, ERROR, str(error))]
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test")]
    return [_test(f"{path}::{node.name}", ast.unparse(node), files) for node in found]


def _test(name: str, text: str, files: Files) -> TestResult:
    if ".skip" in text:
        return TestResult(name, SKIPPED, "skipped")
    wrong = [
        look[0]
        for look in _LOOK.finditer(text)
        if (look["text"] in files.get(look["path"], "")) == bool(look["no"])
    ]
    if wrong or "assert False" in text:
        return TestResult(name, FAILED, "; ".join(wrong) or "assert False")
    return TestResult(name, PASSED)


def _lines(text: str) -> tuple[int, ...]:
    try:
        nodes = ast.walk(ast.parse(text))
    except (SyntaxError, ValueError):
        return ()
    return tuple(sorted({node.lineno for node in nodes if isinstance(node, ast.stmt)}))


def _run(text: str, lines: tuple[int, ...]) -> tuple[int, ...]:
    shown = text.splitlines()
    return tuple(number for number in lines if _NOT_RUN not in shown[number - 1])


_check: type[Ci] = FakeCi
