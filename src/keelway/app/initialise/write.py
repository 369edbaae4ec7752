"""Turn a draft and a person's answers into ``keelway.toml``, with the reason beside each line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.items import AoT, Array, Table

from keelway.app.config import FILE_NAME
from keelway.app.initialise.draft import Draft
from keelway.core.errors import YourFault

STAGING_PORT_STEP = 100
DEFAULT_PORT = 8000


@dataclass(frozen=True)
class Answers:
    """Hold what a person said, or the detected defaults."""

    name: str
    web: tuple[str, ...]
    port: int = DEFAULT_PORT
    """Port of production; staging takes the one a hundred above."""
    health: str = "/healthz"
    branch: str = "main"


def document(draft: Draft, answers: Answers) -> str:
    """Return the text of the file."""
    text = tomlkit.document()
    text.add(tomlkit.comment(f"How Keelway delivers {answers.name}. What is not named has its default."))
    text.add(tomlkit.comment("Commands are lists of words, run without a shell in a clean checkout."))
    for note in draft.notes:
        text.add(tomlkit.comment(f"NOTE: {note}"))
    text.add(tomlkit.nl())
    text.add("project", _project(draft, answers))
    text.add("branches", _branches(answers))
    text.add("check", _checks(draft))
    text.add("process", _processes(answers))
    text.add("probe", _probes(answers))
    for name, port in (("staging", answers.port + STAGING_PORT_STEP), ("production", answers.port)):
        place = tomlkit.table()
        place.add("port", port)
        text.add(name, place)
    text.add("agent", _agent(draft))
    policy = _policy(draft)
    if policy:
        text.add("policy", policy)
    return tomlkit.dumps(text)


def save(root: Path, text: str) -> Path:
    """Write the file, never over another one.

    Raises:
        YourFault: there is one already, or the directory cannot be written.
    """
    path = root / FILE_NAME
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise YourFault(
            "config_there", f"{path} is there already and was left as it is.", "keelway doctor"
        ) from None
    except OSError as error:
        path.unlink(missing_ok=True)
        raise YourFault(
            "config_unwritable", f"{path} cannot be written: {error.strerror}.", "free space, check rights"
        ) from error
    return path


def _words(words: Iterable[str]) -> Array:
    array = tomlkit.array()
    array.extend(list(words))
    return array


def _said(table: Table, key: str, value: object, why: str) -> None:
    table.add(key, value)
    table[key].comment(why)


def _project(draft: Draft, answers: Answers) -> Table:
    table = tomlkit.table()
    table.add("name", answers.name)
    if draft.setup:
        _said(table, "setup", _words(draft.setup), "makes a fresh checkout runnable")
    if draft.path:
        _said(table, "path", _words(draft.path), "goes before PATH")
    if draft.tests:
        _said(table, "tests", _words(draft.tests), "existing ones are never altered by an agent")
    if draft.tests:
        _said(table, "sources", _words(draft.sources), "changed lines of these have to be run by a test")
    return table


def _branches(answers: Answers) -> Table:
    table = tomlkit.table()
    _said(table, "integration", "develop", "what staging runs; made by Keelway in its own copy")
    _said(table, "production", answers.branch, "what production runs")
    return table


def _checks(draft: Draft) -> AoT:
    checks = tomlkit.aot()
    for check in draft.checks:
        table = tomlkit.table()
        table.add("name", check.name)
        table.add("kind", check.kind)
        table.add("run", _words(check.run))
        if check.related:
            _said(table, "related", _words(check.related), "asked first while an agent iterates")
        checks.append(table)
    if not any(check.kind == "tests" for check in draft.checks):
        table = tomlkit.table()
        table.add("name", "tests")
        table.add("kind", "tests")
        _said(table, "run", _words(("replace-me", "{junit}")), "has to write JUnit XML to the file {junit}")
        checks.append(table)
    return checks


def _processes(answers: Answers) -> AoT:
    processes, table = tomlkit.aot(), tomlkit.table()
    table.add("name", "web")
    _said(table, "run", _words(answers.web), "listens on $PORT, which is {port} here")
    processes.append(table)
    return processes


def _probes(answers: Answers) -> AoT:
    probes, table = tomlkit.aot(), tomlkit.table()
    table.add("name", "health")
    _said(table, "path", answers.health, "has to answer 200 when all is well")
    probes.append(table)
    return probes


def _agent(draft: Draft) -> Table:
    table = tomlkit.table()
    why = "found on this machine" if draft.agent else "not installed yet: keelway agents install opencode"
    _said(table, "use", draft.agent or "opencode", f"{why}; keelway agents list shows the others")
    table.add(tomlkit.comment('provider = "..."  # name of a [[provider]], which has the key'))
    table.add(tomlkit.comment('model = "..."  # as the provider calls it'))
    return table


def _policy(draft: Draft) -> Table:
    policy = tomlkit.table(is_super_table=True)
    if not draft.coverage and draft.sources:
        development = tomlkit.table()
        why = "install pytest-cov, add --cov to the tests, and set 1.0"
        _said(development, "diff_coverage_min", 0.0, why)
        policy.add("development", development)
    if len(draft.scanners) > 1:
        scan = tomlkit.table()
        _said(scan, "tools", _words(draft.scanners), "found on this machine; each looks at every patch")
        policy.add("scan", scan)
    return policy
