"""Find settings of the test runner and of coverage in files that hold other things too."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from keelway.core.codec import canonical
from keelway.core.model.verdict import Finding, failed, passed

_PLUGINS = "pytest11"
_TOML_PLACES = (
    ("tool", "pytest"),
    ("tool", "coverage"),
    ("tool", "tox"),
    ("project", "entry-points", _PLUGINS),
    ("tool", "poetry", "plugins", _PLUGINS),
)
_INI_PREFIXES = ("tool:pytest", "pytest", "coverage:", "tox:", "testenv")
_BROKEN = "cannot be read"


def holds_settings(path: str) -> bool:
    """Tell whether a file can hold settings of the test runner beside other things."""
    return path.rpartition("/")[2].casefold() in {"pyproject.toml", "setup.cfg"}


def judge_settings(
    before: Mapping[str, str], now: Mapping[str, str], granted: Collection[str]
) -> tuple[Finding, ...]:
    """Refuse a patch that alters how tests are found, run or measured, unless the plan grants the file.

    Args:
        before: the files on the base by path; one that is not there had no settings.
        now: the files of the patch by path.
        granted: files that the plan lets the patch alter although they judge it.
    """
    paths = sorted(set(before) | set(now))
    altered = [
        path
        for path in paths
        if path not in granted and _settings(path, before.get(path, "")) != _settings(path, now.get(path, ""))
    ]
    if altered:
        said = f"The settings of the test runner are altered in {', '.join(altered)}; they judge the result."
        return (failed("runner_settings_changed", said, examined=len(paths), paths=", ".join(altered)),)
    return (
        passed(
            "runner_settings_kept", f"{len(paths)} file(s) keep their runner's settings.", examined=len(paths)
        ),
    )


def _settings(path: str, text: str) -> str:
    """Return the settings of a runner in one text, ``cannot be read`` for what no parser takes."""
    try:
        return canonical(_of_toml(text) if path.endswith(".toml") else _of_ini(text))
    except (tomllib.TOMLDecodeError, configparser.Error, ValueError, TypeError, RecursionError):
        return f"{_BROKEN}: {text}"


def _of_toml(text: str) -> dict[str, Any]:
    document = tomllib.loads(text)
    found = {".".join(place): _at(document, place) for place in _TOML_PLACES}
    return {name: str(value) for name, value in found.items() if value is not None}


def _at(document: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _of_ini(text: str) -> dict[str, Any]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return {
        name: dict(parser.items(name))
        for name in parser.sections()
        if name.casefold().startswith(_INI_PREFIXES) or parser.has_option(name, _PLUGINS)
    }
