"""A patch brings in the packages that its plan names, from an index, and no others."""

from __future__ import annotations

import json

import pytest

from keelway.core.model.verdict import Ruling
from keelway.core.package.added import judge_added
from keelway.core.package.package import Ecosystem

WORLDS = tuple(Ecosystem)


def project(*dependencies: str, more: str = "") -> str:
    return f"[project]\ndependencies = {json.dumps(dependencies)}\n{more}"


def package(**dependencies: str) -> str:
    return json.dumps({"dependencies": dependencies})


def codes(path: str, before: str, now: str, *planned: str) -> list[str]:
    base = {path: before} if before else {}
    return [finding.code for finding in judge_added(planned, WORLDS, base, {path: now})]


GOOD = ["dependencies_planned"]


@pytest.mark.parametrize(
    ("path", "before", "now", "planned", "found"),
    [
        ("pyproject.toml", project("rich"), project("rich>=14"), (), GOOD),
        ("pyproject.toml", project("rich"), project("rich", "Slix_MPP>=1"), ("pypi:slix-mpp",), GOOD),
        (
            "pyproject.toml",
            project("rich"),
            project("rich", "evil"),
            ("pypi:slixmpp",),
            ["dependency_not_planned"],
        ),
        ("pyproject.toml", "", project("rich"), (), ["dependency_not_planned"]),
        ("pyproject.toml", project(), project("x @ https://e.org/x"), ("pypi:x",), ["dependency_by_address"]),
        ("pyproject.toml", project("x @ ./x"), project("x @ ./x"), (), GOOD),
        (
            "pyproject.toml",
            project("x"),
            project("x", more='[tool.uv.sources]\nx = {git = "https://e.org"}\n'),
            (),
            ["dependency_by_address"],
        ),
        ("web/package.json", package(a="1"), package(a="1", b="2"), ("npm:b",), GOOD),
        ("web/package.json", package(a="1"), package(a="1", b="2"), (), ["dependency_not_planned"]),
        ("web/package.json", package(a="1"), package(a="ann/a#main"), (), ["dependency_by_address"]),
        ("web/package.json", package(a="1"), package(a="git+ssh://e.org/a"), (), ["dependency_by_address"]),
        ("requirements.txt", "rich\n", "rich==14\n# why\n", (), GOOD),
        (
            "requirements.txt",
            "rich\n",
            "--extra-index-url https://e.org\nrich\n",
            (),
            ["dependency_by_address"],
        ),
        ("requirements.txt", "rich\n", "rich\ngit+https://e.org/x\n", (), ["dependency_by_address"]),
        ("go.mod", "", "require github.com/a/b v1.0.0\n", (), ["dependency_not_planned"]),
        ("setup.py", "", "setup()", (), GOOD),
    ],
)
def test_what_a_manifest_adds(
    path: str, before: str, now: str, planned: tuple[str, ...], found: list[str]
) -> None:
    assert codes(path, before, now, *planned) == found


def test_the_place_is_named_and_what_was_read_is_counted() -> None:
    (finding,) = judge_added((), WORLDS, {}, {"pyproject.toml": project("evil")})
    assert (finding.ruling, finding.evidence) == (Ruling.FAIL, {"path": "pyproject.toml"})
    (good,) = judge_added((), WORLDS, {}, {"setup.py": "", "a/setup.py": ""})
    assert (good.ruling, good.examined) == (Ruling.PASS, 2)


@pytest.mark.parametrize(
    ("path", "before", "now", "found"),
    [
        ("requirements.txt", "", "rich==14 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n", GOOD),
        ("requirements.txt", "", "--extra-index-url https://e.org\nrich\n", ["dependency_by_address"]),
        ("requirements.txt", "", "rich @ git+https://e.org/x\n", ["dependency_by_address"]),
        ("pyproject.toml", "", '[[tool.uv.index]]\nurl = "https://e.org"\n', ["dependency_by_address"]),
        ("pyproject.toml", "", '[tool.uv]\nextra-index-url = ["https://e.org"]\n', ["dependency_by_address"]),
        ("pyproject.toml", "", '[tool.uv]\nindex-url = "https://e.org"\n', ["dependency_by_address"]),
        ("pyproject.toml", "", '[[tool.poetry.source]]\nurl = "https://e.org"\n', ["dependency_by_address"]),
        ("pyproject.toml", "", '[tool.poetry]\nsource = ["x"]\n', ["dependency_by_address"]),
        ("package.json", "", '{"overrides": {"a": {"b": "git+ssh://e.org/b"}}}', ["dependency_by_address"]),
        ("package.json", "", '{"overrides": {"a": "1.2.3", "b": [1]}}', GOOD),
        (
            "composer.json",
            "",
            '{"repositories": [{"type": "vcs", "url": "https://e.org/x"}]}',
            ["dependency_by_address"],
        ),
        ("go.mod", "", "module x\nreplace e.org/a => ../a\n", ["dependency_by_address"]),
        (
            "go.mod",
            "",
            "replace (\n\te.org/a v1 => e.org/b v2\n)\n",
            ["dependency_not_planned", "dependency_by_address"],
        ),
        ("go.mod", "module x\n", "module x\n\ngo 1.24\n", GOOD),
    ],
)
def test_other_places_to_fetch_from_are_addresses(path, before, now, found):
    assert codes(path, before, now, "pypi:rich") == found


def test_overrides_that_are_too_many_to_read_are_refused():
    deep = '{"overrides": ' + '{"a":' * 400 + '"https://e.org"' + "}" * 400 + "}"
    assert codes("package.json", "", deep) == ["dependency_by_address"]


def test_what_is_no_plain_name_stops_the_patch() -> None:
    (finding,) = judge_added((), (), {}, {"requirements.txt": "-e ../elsewhere\n"})
    assert (finding.code, finding.ruling) == ("dependency_by_address", Ruling.FAIL)
