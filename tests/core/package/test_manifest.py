"""What applications declare is read from every kind of manifest, and a broken one declares nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.package.manifest import addresses_in, declared_in, entry_points_in, is_manifest, runtimes_in

PYPROJECT = """\
[project]
requires-python = ">=3.11"
dependencies = ["aiohttp>=3.14,<4", "uvicorn[standard] ~= 0.5 ; python_version > '3'", 7, "not a requirement!"]
[project.optional-dependencies]
fast = ["uvloop"]
[project.entry-points."harbour.channel"]
irc = "app:Irc"
[dependency-groups]
dev = ["pytest==9.2", {include-group = "fast"}]
[tool.poetry.dependencies]
python = "^3.12"
rich = "^14"
extra = {version = "1"}
"""
MANIFESTS = {
    "pyproject.toml": (
        PYPROJECT,
        [("aiohttp", ">=3.14,<4"), ("uvicorn", "~= 0.5"), ("uvloop", ""), ("pytest", "==9.2"), ("rich", "^14"), ("extra", "")],
        ("Python >=3.11",),
    ),
    "web/package.json": (
        json.dumps({"engines": {"node": ">=20"}, "dependencies": {"left-pad": "^1.3"}, "devDependencies": {"vitest": 7}}),
        [("left-pad", "^1.3"), ("vitest", "")],
        ("Node >=20",),
    ),
    "composer.json": (
        json.dumps({"require": {"php": "^8.4", "ext-json": "*", "norgul/xmpp-php": "^2"}, "require-dev": {"pest/pest": "^3"}}),
        [("norgul/xmpp-php", "^2"), ("pest/pest", "^3")],
        ("PHP ^8.4",),
    ),
    "go.mod": (
        "module x\n\ngo 1.22\n\nrequire github.com/a/b v1.2.3\nrequire (\n\tgolang.org/x/net v0.1.0 // indirect\n)\n",
        [("github.com/a/b", "v1.2.3"), ("golang.org/x/net", "v0.1.0")],
        ("Go 1.22",),
    ),
    "requirements-dev.txt": (
        "# tools\npytest==9.2  # runner\n-r other.txt\nhttps://example.org/x.whl\n\nrich\n",
        [("pytest", "==9.2"), ("rich", "")],
        (),
    ),
    "setup.py": ("setup()", [], ()),
    "poetry/pyproject.toml": ('[tool.poetry.dependencies]\npython = "^3.12"\n', [], ("Python ^3.12",)),
}  # fmt: skip


@pytest.mark.parametrize("path", MANIFESTS)
def test_a_manifest_is_read(path: str) -> None:
    text, declared, runtimes = MANIFESTS[path]
    assert is_manifest(path)
    assert [(each.name, each.asks) for each in declared_in(path, text)] == declared
    assert runtimes_in(path, text) == runtimes


def test_plug_in_points_are_read() -> None:
    assert entry_points_in("pyproject.toml", PYPROJECT) == ("harbour.channel",)
    assert entry_points_in("package.json", "{}") == ()


@pytest.mark.parametrize("path", ["app.py", "package-lock.json", "requirements.md"])
def test_other_files_are_no_manifests(path: str) -> None:
    assert not is_manifest(path)


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "!null", '{"dependencies": [1], "engines": 3, "require": "x"}', "[" * 9_000]
)
@pytest.mark.parametrize("path", MANIFESTS)
def test_a_broken_manifest_declares_nothing(path: str, text: str) -> None:
    assert declared_in(path, text) == ()
    assert runtimes_in(path, text) == ()
    assert entry_points_in(path, text) == ()


@given(st.text(max_size=100))
def test_no_text_breaks_the_reader(text: str) -> None:
    for path in MANIFESTS:
        declared_in(path, text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("line", ["require " + "0.b" * 20_000, "require" + "re" * 30_000, "0-0.b " * 10_000])
def test_a_line_without_end_costs_no_time(line: str) -> None:
    assert declared_in("go.mod", f"{line}\nrequire example.org/x v1.2.0\n")[-1].name == "example.org/x"


def test_words_that_are_no_modules() -> None:
    assert (
        declared_in("go.mod", "module shop\ngo 1.22\nlocal/x v1\n.org/x v1\nexample.org v1\nexample.9/x v1\n")
        == ()
    )


@pytest.mark.timeout(20)
def test_a_long_line_that_replaces_nothing_costs_no_time() -> None:
    assert addresses_in("go.mod", "re" + "qu" * 30_000 + "\nreplace a.b/c => ../c\n=> x\n") == (
        "a.b/c => ../c",
    )
