"""Which runners there are, and which one a command starts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from keelway.core.model.project import CheckCommand
from keelway.core.runner.expecting import JEST, VITEST
from keelway.core.runner.go import GO
from keelway.core.runner.node import NODE
from keelway.core.runner.php import PHPUNIT
from keelway.core.runner.pytest import PYTEST
from keelway.core.runner.runner import Runner, words_of

RUNNERS = (PYTEST, VITEST, JEST, NODE, GO, PHPUNIT)
SCRIPT_FILES = ("package.json", "composer.json")
"""Files in which a project names its own commands."""
_SCRIPT = re.compile(
    r"(?:^|[\s/])(?:npm|pnpm|yarn|bun|composer)\s+(?:run(?:-script)?\s+)?(?:-\S+\s+)*([\w:.-]+)"
)
_SHORT = {"t": "test", "tst": "test"}
_HOPS_MAX = 3


def runner_of(run: tuple[str, ...], manifests: Mapping[str, str], files: Iterable[str] = ()) -> Runner | None:
    """Return the runner that a command starts, ``None`` when it is none that we know.

    Args:
        run: the command.
        manifests: texts of ``SCRIPT_FILES`` that there are; what ``npm test`` stands for is written there.
        files: paths of the project's tests; when the command says nothing, tests of Python speak for pytest.
    """
    scripts = _scripts(manifests)
    words = words_of(run)
    for _ in range(_HOPS_MAX):
        for runner in RUNNERS:
            if runner.command.search(words):
                return runner
        script = _SCRIPT.search(words)
        if script is None:
            break
        words = scripts.get(_SHORT.get(script[1], script[1]), "")
    return PYTEST if any(PYTEST.collects(path) for path in files) else None


def measured_by(checks: Iterable[CheckCommand]) -> tuple[str, ...]:
    """Return the ends of the names of sources whose lines the checks measure; Python's always."""
    ends = list(PYTEST.sources)
    for check in checks:
        runner = runner_of(check.run, {}) if any("{coverage}" in word for word in check.run) else None
        ends += runner.sources if runner else ()
    return tuple(dict.fromkeys(ends))


def _scripts(manifests: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in SCRIPT_FILES:
        try:
            plain = json.loads(manifests.get(name, "{}"))
        except (ValueError, RecursionError):
            continue
        scripts = plain.get("scripts") if isinstance(plain, dict) else None
        if isinstance(scripts, dict):
            found |= {
                key: words_of(tuple(map(str, said if isinstance(said, list) else [said])))
                for key, said in scripts.items()
            }
    return found
