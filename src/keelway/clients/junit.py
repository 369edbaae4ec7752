"""Read JUnit XML, the report that test runners of every language can write."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from keelway.core.errors import TheirFault
from keelway.core.judge.tests import ERROR, FAILED, PASSED, SKIPPED, TestResult
from keelway.core.runner.runner import Case, Locate, nowhere

__all__ = ["BYTES_MAX", "read_junit"]

BYTES_MAX = 16 * 1024 * 1024
_CASES_MAX = 100_000
_NAME_CHARS_MAX, _NAME_PARTS_MAX = 2_000, 50
_MESSAGE_CHARS_MAX = 2_000
_SUITES_MAX = 20
_WORST_FIRST = ((ERROR, "error"), (FAILED, "failure"), (SKIPPED, "skipped"))
_BADNESS = (PASSED, SKIPPED, FAILED, ERROR)
_UNREADABLE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|#x1B\[[0-9;]*m|[\x00-\x08\x0b-\x1f\x7f]")


def read_junit(
    data: bytes, paths: Collection[str], folder: str = "", locate: Locate = nowhere
) -> tuple[TestResult, ...]:
    """Return every test once, ordered by id; of a repeated id the worst ending counts.

    An id is ``file::class::name`` wherever the report or the dotted class name leads to one of
    ``paths``, and otherwise whatever of class and name there is.

    Args:
        data: the report, at most ``BYTES_MAX`` bytes.
        paths: files of the checkout, relative to it.
        folder: where the checkout was; file names below it are made relative.
        locate: tells the id of a test where the runner needs a reading of its own.

    Raises:
        TheirFault: it is not such a report (``junit_unreadable``) or too large (``junit_too_large``).
    """
    if len(data) > BYTES_MAX:
        raise TheirFault("junit_too_large", f"The test report is larger than {BYTES_MAX} bytes.")
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise TheirFault("junit_unreadable", f"The test report is not JUnit XML: {error}.") from error
    if root.tag not in {"testsuites", "testsuite"}:
        raise TheirFault(
            "junit_unreadable", f"The test report begins with <{root.tag[:40]}>, not <testsuites>."
        )
    known_paths, modules = set(paths), _modules(paths)
    found: dict[str, TestResult] = {}
    for suites, case in _cases(root):
        name = locate(_case(suites, case, folder)) or _id(case, known_paths, modules, folder)
        result = TestResult(name, *_ending(case))
        known = found.setdefault(result.id, result)
        if _BADNESS.index(result.outcome) > _BADNESS.index(known.outcome):
            found[result.id] = result
    if not found and root.get("errors", "0") not in {"", "0"}:
        return (TestResult("(report)", ERROR, "The report has no test, and says that there were errors."),)
    return tuple(found[name] for name in sorted(found))


def _cases(root: Element) -> Iterator[tuple[tuple[str, ...], Element]]:
    """Yield every test with the names of the suites around it."""
    waiting: list[tuple[tuple[str, ...], Element]] = [((), root)]
    count = 0
    while waiting:
        suites, element = waiting.pop()
        if element.tag == "testcase":
            count += 1
            if count > _CASES_MAX:
                raise TheirFault("junit_too_large", f"The test report has more than {_CASES_MAX} tests.")
            yield suites, element
        else:
            name = element.get("name", "")[:_NAME_CHARS_MAX] if element.tag == "testsuite" else ""
            inner = (*suites, name)[-_SUITES_MAX:] if name else suites
            waiting.extend((inner, child) for child in reversed(element))


def _case(suites: tuple[str, ...], case: Element, folder: str) -> Case:
    group, name, file = (case.get(key, "")[:_NAME_CHARS_MAX] for key in ("classname", "name", "file"))
    around = tuple(_relative(suite, folder) for suite in suites)
    return Case(around, _relative(group, folder), _relative(name, folder), _relative(file, folder))


def _relative(file: str, folder: str) -> str:
    return (file.removeprefix(f"{folder}/") if folder else file).removeprefix("./")


def _modules(paths: Collection[str]) -> dict[str, str]:
    modules: dict[str, str] = {}
    # Python goes first: its reports name modules, those of other languages mostly name files.
    for path in sorted(paths, key=lambda path: (not path.endswith(".py"), path)):
        modules.setdefault(str(PurePosixPath(path).with_suffix("")).replace("/", "."), path)
    return modules


def _id(case: Element, paths: Collection[str], modules: Mapping[str, str], folder: str) -> str:
    group, name = (case.get(key, "")[:_NAME_CHARS_MAX] for key in ("classname", "name"))
    file = _relative(case.get("file", "")[:_NAME_CHARS_MAX], folder)
    if not group and (name in paths or name in modules):
        return name if name in paths else modules[name]
    module, rest = _split(group, paths, modules)
    if file in paths:
        # The class name repeats the file in most reports, but some have a name of their own there.
        rest = rest if modules.get(module) == file or module == file else group
    else:
        file = module if module in paths else modules.get(module, "")
    return "::".join(part for part in (file, *_classes(file, rest), name) if part) or "?"


def _split(group: str, paths: Collection[str], modules: Mapping[str, str]) -> tuple[str, str]:
    """Cut the longest leading part off a class name that names a file."""
    if group in paths:
        return group, ""
    parts = group.split(".", _NAME_PARTS_MAX)
    for count in range(len(parts), 0, -1):
        if (module := ".".join(parts[:count])) in modules:
            return module, ".".join(parts[count:])
    return "", group


def _classes(file: str, rest: str) -> list[str]:
    return rest.split(".") if file.endswith(".py") else [rest]


def _ending(case: Element) -> tuple[str, str]:
    for outcome, tag in _WORST_FIRST:
        if (child := case.find(tag)) is not None:
            text = child.get("message", "") or child.text or ""
            return outcome, _UNREADABLE.sub("", text)[:_MESSAGE_CHARS_MAX]
    ran = case.get("status", "run") not in {"notrun", "skipped", "disabled"}
    return (PASSED if ran else SKIPPED), ""
