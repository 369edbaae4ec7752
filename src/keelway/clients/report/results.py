"""Read a test report by what it is: JUnit XML, the JSON of jest and vitest, or the lines of ``go test -json``."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from keelway.clients.junit import BYTES_MAX, read_junit
from keelway.core.errors import TheirFault
from keelway.core.judge.tests import ERROR, FAILED, PASSED, SKIPPED, TestResult
from keelway.core.runner.runner import Case, Locate, nowhere

__all__ = ["BYTES_MAX", "read_results"]

_TESTS_MAX = 100_000
_TEXT_CHARS_MAX, _OUTPUT_LINES_MAX = 2_000, 40
_BADNESS = (PASSED, SKIPPED, FAILED, ERROR)
_JEST = {
    "passed": PASSED,
    "failed": FAILED,
    "skipped": SKIPPED,
    "pending": SKIPPED,
    "todo": SKIPPED,
    "disabled": SKIPPED,
}
_BROKEN = re.compile(rb"FAIL\t(?P<package>\S{1,500})(?: \[(?:build|setup) failed\])")
"""What older versions of go write between their events."""
_GO = {"pass": PASSED, "fail": FAILED, "skip": SKIPPED}


def read_results(
    data: bytes, paths: Collection[str], folder: str = "", locate: Locate = nowhere
) -> tuple[TestResult, ...]:
    """Return every test once, ordered by id; of a repeated id the worst ending counts.

    Args:
        data: the report, at most ``BYTES_MAX`` bytes.
        paths: files of the checkout, relative to it.
        folder: where the checkout was; file names below it are made relative.
        locate: tells the id of a test where the runner needs a reading of its own.

    Raises:
        TheirFault: it is none of these reports, or too large.
    """
    if not _is_events(data):
        return read_junit(data, paths, folder, locate)
    if len(data) > BYTES_MAX:
        raise TheirFault("report_too_large", f"The test report is larger than {BYTES_MAX} bytes.")
    found: dict[str, TestResult] = {}
    for number, (case, outcome, message) in enumerate(_told(data, folder)):
        if number >= _TESTS_MAX:
            raise TheirFault("report_too_large", f"The test report has more than {_TESTS_MAX} tests.")
        name = locate(case) or "::".join(
            part for part in (case.file or case.group, *case.suites, case.name) if part
        )
        result = TestResult(name or "?", outcome, message[-_TEXT_CHARS_MAX:])
        known = found.setdefault(result.id, result)
        if _BADNESS.index(result.outcome) > _BADNESS.index(known.outcome):
            found[result.id] = result
    return tuple(found[name] for name in sorted(found))


def _is_events(data: bytes) -> bool:
    """Tell whether a report is JSON, or the events of a package that could not be built."""
    return data.lstrip()[:1] == b"{" or _BROKEN.match(data) is not None


def _told(data: bytes, folder: str) -> Iterator[tuple[Case, str, str]]:
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError):
        yield from _go(data)
        return
    if isinstance(plain, dict) and isinstance(plain.get("testResults"), list):
        yield from _jest(plain["testResults"], folder)
    elif isinstance(plain, dict) and "Action" in plain:
        yield from _go(data)
    else:
        raise TheirFault("report_unreadable", "The test report is JSON, but neither of jest nor of go test.")


def _jest(files: list[Any], folder: str) -> Iterator[tuple[Case, str, str]]:
    for file in files:
        if not isinstance(file, dict):
            continue
        path = _text(file.get("name")).removeprefix(f"{folder}/")
        tests = file.get("assertionResults")
        listed = [test for test in tests if isinstance(test, dict)] if isinstance(tests, list) else []
        if not listed and file.get("status") != "passed":
            yield Case((), "", path, path), ERROR, _text(file.get("message"))
        for test in listed:
            titles = test.get("ancestorTitles")
            suites = tuple(map(_text, titles)) if isinstance(titles, list) else ()
            said = test.get("failureMessages")
            message = "\n".join(map(_text, said)) if isinstance(said, list) else ""
            outcome = _JEST.get(_text(test.get("status")), ERROR)
            yield Case(suites, "", _text(test.get("title")), path), outcome, message


def _go(data: bytes) -> Iterator[tuple[Case, str, str]]:
    """Read one event a line; a test that began and never ended is an error, so is a package that failed alone."""
    ended: dict[tuple[str, str], str] = {}
    output: dict[tuple[str, str], list[str]] = {}
    for event in _events(data):
        key, action = (_text(event.get("Package")), _text(event.get("Test"))), _text(event["Action"])
        if action == "output":
            output[key] = [*output.get(key, [])[-_OUTPUT_LINES_MAX:], _text(event.get("Output"))]
        elif action in _GO:
            ended[key] = _worse(ended.get(key, PASSED), _GO[action])
        elif action == "run":
            ended.setdefault(key, "")
    red = {package for (package, test), end in ended.items() if test and end != PASSED}
    for (package, test), outcome in ended.items():
        if test or (outcome == FAILED and package not in red):
            ending = (outcome or ERROR) if test else ERROR
            said = "".join(output.get((package, test), []))
            yield Case((), package, test or "(package)"), ending, said if ending != PASSED else ""


def _events(data: bytes) -> Iterator[dict[str, Any]]:
    count = 0
    for line in data.split(b"\n"):
        event, broken = _event(line), _BROKEN.match(line)
        if event is None and broken is not None:
            event = {"Action": "fail", "Package": broken["package"].decode("utf-8", "replace")}
        if event is not None:
            count += 1
            yield event
    if not count:
        raise TheirFault("report_unreadable", "The test report has no event of go test in it.")


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line) if line.startswith(b"{") else None
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and "Action" in event else None


def _worse(one: str, other: str) -> str:
    return max(one or PASSED, other, key=_BADNESS.index)


def _text(value: object) -> str:
    return value[:_TEXT_CHARS_MAX] if isinstance(value, str) else ""
