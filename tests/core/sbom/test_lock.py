"""Lock files of every kind name packages in exact versions; one that cannot be read is said to be so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.sbom import lock
from keelway.core.sbom.lock import Component, is_lock, locked

UV = """
version = 1
[[package]]
name = "harbour"
version = "1.0"
source = { editable = "." }
[[package]]
name = "Jinja_2"
version = "3.1"
source = { registry = "https://example.org" }
sdist = { url = "x", hash = "sha256:aa" }
[[package]]
name = "two-files"
version = "1"
sdist = { url = "x", hash = "sha256:aa" }
wheels = [{ url = "y", hash = "sha256:bb" }, { url = "z" }]
"""
POETRY = '[[package]]\nname = "a"\nversion = "1"\nfiles = [{file = "x", hash = "sha256:cc"}]\n'
PINS = (
    "a==1.0 --hash=sha256:"
    + "0" * 64
    + "\nb[x]===2 \\\n  --hash=sha256:"
    + "1" * 64
    + "\n# c==3\nd>=4\n-r other.txt\n"
)
NPM = """{"lockfileVersion": 3, "packages": {"": {"name": "root", "version": "1"},
 "node_modules/@scope/a": {"version": "1.2.3", "integrity": "sha512-AAEC"},
 "node_modules/b/node_modules/c": {"version": "2.0.0", "integrity": "md5-AA"},
 "node_modules/d": {"name": "real-d", "version": "3", "integrity": "sha256-!!"},
 "node_modules/e": {"link": true, "resolved": "e"}, "node_modules/f": {}}}"""
COMPOSER = '{"packages": [{"name": "laravel/pint", "version": "v1.2"}], "packages-dev": [{"name": "x/y", "version": "1"}]}'
GO = "github.com/a/b v1.2.3 h1:AAAA=\ngithub.com/a/b v1.2.3/go.mod h1:BBBB=\n"
CARGO = """
[[package]]
name = "own"
version = "0.1.0"
[[package]]
name = "serde"
version = "1.0"
source = "registry"
checksum = "dd"
[[package]]
name = "git-one"
version = "2.0"
source = "git"
"""


def purls(path: str, text: str) -> list[str]:
    found = locked([path], {path: text})
    assert (found.read, found.unread) == ((path,), ())
    return [each.purl for each in found.components]


def test_uv():
    found = locked(["uv.lock"], {"uv.lock": UV})
    assert found.components == (
        Component("pkg:pypi/jinja-2@3.1", "Jinja_2", "3.1", (("SHA-256", "aa"),)),
        Component("pkg:pypi/two-files@1", "two-files", "1"),
    )


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("poetry.lock", POETRY, ["pkg:pypi/a@1"]),
        ("deep/requirements-prod.txt", PINS, ["pkg:pypi/a@1.0", "pkg:pypi/b@2"]),
        (
            "package-lock.json",
            NPM,
            ["pkg:npm/%40scope/a@1.2.3", "pkg:npm/c@2.0.0", "pkg:npm/real-d@3"],
        ),
        ("composer.lock", COMPOSER, ["pkg:composer/laravel/pint@v1.2", "pkg:composer/x/y@1"]),
        ("go.sum", GO, ["pkg:golang/github.com/a/b@v1.2.3"]),
        ("Cargo.lock", CARGO, ["pkg:cargo/git-one@2.0", "pkg:cargo/serde@1.0"]),
    ],
)
def test_each_kind(path, text, expected):
    assert is_lock(path)
    assert purls(path, text) == expected


def test_hashes_are_kept_where_they_are_those_of_the_package():
    found = locked(["package-lock.json"], {"package-lock.json": NPM}).components
    assert [each.hashes for each in found] == [(("SHA-512", "000102"),), (), ()]
    (cargo,) = [each for each in locked(["Cargo.lock"], {"Cargo.lock": CARGO}).components if each.hashes]
    assert cargo.hashes == (("SHA-256", "dd"),)


@pytest.mark.parametrize("path", ["package.json", "requirements.in", "my-uv.lock", "uv.lock/x"])
def test_what_is_no_lock_file(path):
    assert not is_lock(path)


def test_what_cannot_be_read_is_named():
    texts = {"uv.lock": "[", "package-lock.json": '{"dependencies": {}}', "composer.lock": "[]"}
    found = locked([*texts, "go.sum"], texts)
    assert (found.components, found.read) == ((), ())
    assert found.unread == ("composer.lock", "go.sum", "package-lock.json", "uv.lock")


def test_a_flood_of_packages_is_cut_and_said(monkeypatch):
    monkeypatch.setattr(lock, "COMPONENTS_MAX", 2)
    found = locked(["requirements.txt"], {"requirements.txt": "a==1\nb==1\nc==1\n"})
    assert (len(found.components), found.unread) == (2, ("(the rest)",))


@given(
    st.sampled_from(
        [
            "uv.lock",
            "poetry.lock",
            "package-lock.json",
            "composer.lock",
            "go.sum",
            "Cargo.lock",
            "requirements.txt",
        ]
    ),
    st.text(max_size=80),
)
def test_any_text_is_read_or_named(path, text):
    found = locked([path], {path: text})
    assert len(found.read) + len(found.unread) == 1
