"""Settings of the runner are found wherever they hide, and nothing else is."""

from __future__ import annotations

import pytest

from keelway.core.judge.settings import holds_settings, judge_settings
from keelway.core.model.verdict import Ruling

TOML = '[project]\nname = "a"\n[tool.pytest.ini_options]\naddopts = "-q"\n[tool.ruff]\nline-length = 99\n'
INI = "[metadata]\nname = a\n[tool:pytest]\naddopts = -q\n"


def code(path: str, before: str | None, now: str | None, granted: tuple[str, ...] = ()) -> str:
    sides = ({path: text} if text is not None else {} for text in (before, now))
    (finding,) = judge_settings(*sides, granted)
    assert (finding.ruling is Ruling.FAIL) == (finding.code == "runner_settings_changed")
    return finding.code


@pytest.mark.parametrize(
    ("path", "before", "now"),
    [
        ("pyproject.toml", TOML, TOML.replace("-q", "-q -k one")),
        ("pyproject.toml", TOML, '[project]\nname = "a"\n'),
        ("pyproject.toml", TOML, None),
        ("pyproject.toml", None, TOML),
        ("pyproject.toml", TOML, TOML + "[tool.coverage.report]\nfail_under = 0\n"),
        ("pyproject.toml", TOML, TOML + '[project.entry-points.pytest11]\na = "a"\n'),
        ("pyproject.toml", TOML, TOML + '[tool.poetry.plugins.pytest11]\na = "a"\n'),
        ("pyproject.toml", TOML, "not = [toml"),
        ("sub/pyproject.toml", TOML, TOML.replace("-q", "-x")),
        ("setup.cfg", INI, INI.replace("-q", "-q -k one")),
        ("setup.cfg", INI, INI + "[coverage:run]\nomit = a.py\n"),
        ("setup.cfg", INI, INI + "[options.entry_points]\npytest11 =\n  a = a\n"),
        ("setup.cfg", INI, "no section"),
    ],
)
def test_what_alters_how_tests_run(path: str, before: str | None, now: str | None) -> None:
    assert holds_settings(path)
    assert code(path, before, now) == "runner_settings_changed"
    assert code(path, before, now, (path,)) == "runner_settings_kept"


@pytest.mark.parametrize(
    ("path", "before", "now"),
    [
        ("pyproject.toml", TOML, TOML.replace('"a"', '"b"').replace("99", "88")),
        ("pyproject.toml", None, '[project]\nname = "a"\n[project.scripts]\na = "a:b"\n'),
        ("pyproject.toml", "tool = 3\n", "tool = 4\n"),
        ("setup.cfg", INI, INI.replace("name = a", "name = b") + "[options]\npackages = a\n"),
        ("setup.cfg", None, "[metadata]\nname = a\n"),
    ],
)
def test_what_does_not(path: str, before: str | None, now: str | None) -> None:
    assert code(path, before, now) == "runner_settings_kept"


def test_other_files_hold_none() -> None:
    assert not holds_settings("src/app.py")


def test_altered_settings_stop_the_patch() -> None:
    (finding,) = judge_settings({}, {"setup.cfg": "no section"}, ())
    assert (finding.code, finding.ruling) == ("runner_settings_changed", Ruling.FAIL)
