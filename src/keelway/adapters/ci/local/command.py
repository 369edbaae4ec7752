"""Run one check and take in what it reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from keelway.adapters.ci.local.canary import NO_CANARY, Canary
from keelway.adapters.ci.local.place import Place
from keelway.adapters.ci.local.reading import PLAIN, Reading
from keelway.adapters.ci.local.text import readable
from keelway.clients import coverage_xml
from keelway.clients.files import read_bounded
from keelway.clients.report import BYTES_MAX, read_hits, read_results
from keelway.clients.shell import Done
from keelway.core.errors import KeelwayError
from keelway.core.judge.tests import ERROR, FAILED, SKIPPED, TestResult
from keelway.core.model.project import CheckCommand
from keelway.ports.ci import CheckJob, CommandResult

__all__ = ["Told", "chosen", "refused", "run_check"]

_JUNIT, _COVERAGE, _TESTS = "{junit}", "{coverage}", "tests"
_ONLY, _CHANGED = "{tests}", "{changed}"
_PYTEST = frozenset({"pytest", "py.test"})
_RED = frozenset({FAILED, ERROR})
_IN_FOLDERS = ("cobertura-coverage.xml", "lcov.info")
"""What vitest and jest call their reports in the folder that they are given."""


@dataclass(frozen=True)
class Told:
    """Hold what one check told."""

    result: CommandResult
    tests: tuple[TestResult, ...] = ()
    hits: coverage_xml.Hits | None = None
    """None when the command writes no coverage report at all."""
    canary_failed: bool | None = None
    """None when the planted test did not come up at all."""


def chosen(check: CheckCommand, job: CheckJob) -> CheckCommand | None:
    """Return a check with the command that a job asks for; None when it has none for that."""
    if job.changed:
        paths = tuple(f"./{path}" if path.startswith("-") else path for path in job.changed)
        return replace(check, run=_filled(check.related, _CHANGED, paths)) if check.related else None
    if not job.only or check.kind != _TESTS:
        return check
    if check.only:
        return replace(check, run=_filled(check.only, _ONLY, job.only))
    is_pytest = any(Path(word).name in _PYTEST for word in check.run)
    return replace(check, run=(*check.run, *job.only)) if is_pytest else check


def _filled(argv: tuple[str, ...], slot: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Put words into the place of a slot: one argument each where it stands alone."""
    filled: list[str] = []
    for word in argv:
        filled += words if word == slot else (word.replace(slot, " ".join(words)),)
    return tuple(filled)


def refused(name: str, why: str) -> Told:
    """Return the result of a check that was not even tried."""
    return Told(CommandResult(name, None, 0.0, 0, could_not_start=why))


def run_check(
    check: CheckCommand, place: Place, canary: Canary = NO_CANARY, reading: Reading = PLAIN
) -> Told:
    """Run a check to its end or its timeout, and take out of its report what was planted."""
    tests_kind = check.kind == _TESTS
    if tests_kind and not any(_JUNIT in word for word in check.run):
        why = f"The tests check {check.name!r} has no {_JUNIT} in its command, so nothing would tell which tests ran."
        return refused(
            check.name, f"{why} Next: let it write JUnit XML there, for example --junitxml={_JUNIT}."
        )
    folder = place.new_reports()
    report, coverage = folder / "junit.xml", folder / "coverage.xml"
    argv = tuple(word.replace(_JUNIT, str(report)).replace(_COVERAGE, str(coverage)) for word in check.run)
    done = place.run(argv, check.seconds_max, fenced=check.fenced)
    result = _result(check, done, place)
    if not tests_kind or done.could_not_start:
        return Told(result)
    tests, complaint = _tests(report, place, canary, reading)
    own = canary.without(tests)
    told = Told(_judged(result, own, complaint, tests), own, canary_failed=canary.failed(tests))
    if any(_COVERAGE in word for word in check.run):
        hits, complaint = _hits(coverage, place, reading)
        told = replace(told, hits=hits, result=_noted(told.result, complaint))
    return told


def _result(check: CheckCommand, done: Done, place: Place) -> CommandResult:
    return CommandResult(
        check.name,
        done.exit_code,
        done.seconds,
        int(done.exit_code is not None),
        readable(done.stdout, done.stderr, str(place.tree)),
        done.timed_out,
        done.could_not_start,
    )


def _judged(
    result: CommandResult, tests: tuple[TestResult, ...], complaint: str, with_canary: tuple[TestResult, ...]
) -> CommandResult:
    """Let the tests speak where the exit code cannot: after a canary 1 says nothing, and 0 may lie."""
    red = any(test.outcome in _RED for test in tests)
    examined = sum(test.outcome != SKIPPED for test in tests)
    code, notes = result.exit_code, [complaint]
    if code == 1 and not red and any(test.outcome == FAILED for test in set(with_canary) - set(tests)):
        code = 0
    if code == 0 and red:
        code = 1
        notes.append("The command ended with 0 although its report names tests that failed.")
    if not examined and not complaint:
        notes.append("No test was executed.")
    return _noted(replace(result, exit_code=code, examined=examined), *notes)


def _noted(result: CommandResult, *notes: str) -> CommandResult:
    said = [text for text in (result.output, *notes) if text]
    return replace(result, output="\n".join(said))


def _tests(
    report: Path, place: Place, canary: Canary, reading: Reading
) -> tuple[tuple[TestResult, ...], str]:
    try:
        data = read_bounded(report, BYTES_MAX)
        tests = read_results(data, (*place.files, *canary.paths), str(place.tree), reading.locate)
        return reading.counted(tests), ""
    except FileNotFoundError:
        return (), "The command wrote no test report, so no test counts."
    except (KeelwayError, OSError) as error:
        return (), str(error)


def _hits(report: Path, place: Place, reading: Reading) -> tuple[coverage_xml.Hits, str]:
    try:
        data = read_bounded(_coverage_file(report), coverage_xml.BYTES_MAX)
        return read_hits(data, place.files, str(place.tree), reading.modules), ""
    except FileNotFoundError:
        return {}, "The command wrote no coverage report, so no line counts as run."
    except (KeelwayError, OSError) as error:
        return {}, str(error)


def _coverage_file(report: Path) -> Path:
    """Return the report, or the one inside when a tool took its name for a folder's."""
    if report.is_symlink() or not report.is_dir():
        return report
    return next((report / name for name in _IN_FOLDERS if (report / name).exists()), report / _IN_FOLDERS[0])
