"""Lock files of six tools, read as facts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.package.lock import (
    GRAMMARS,
    Locked,
    grammar_of,
    host_of,
    is_lock,
    logical_lines,
    read_lock,
    requirements_of,
)

FILES = "https://files.pythonhosted.org/packages/aa"
INDEX = "https://pypi.org/simple"

UV = f"""version = 1
[[package]]
name = "shop"
version = "0.1.0"
source = {{ virtual = "." }}

[[package]]
name = "Rich_Text"
version = "14.0"
source = {{ registry = "{INDEX}" }}
sdist = {{ url = "{FILES}/rich_text-14.0.tar.gz", hash = "sha256:aa" }}
wheels = [{{ url = "{FILES}/rich_text-14.0-py3-none-any.whl", hash = "sha256:bb" }}]

[[package]]
name = "old"
version = "1"
source = {{ registry = "{INDEX}" }}
sdist = {{ url = "{FILES}/old-1.tar.gz", hash = "sha256:cc" }}

[[package]]
name = "away"
version = "1"
source = {{ git = "https://example.org/away?rev=1" }}

[[package]]
name = "lost"
version = "1"
"""

POETRY = """[[package]]
name = "rich"
version = "14.0"
files = [{file = "rich-14.0-py3-none-any.whl", hash = "sha256:aa"}, {file = "rich-14.0.tar.gz", hash = "sha256:bb"}]

[[package]]
name = "old"
version = "1"
files = [{file = "old-1.tar.gz", hash = "sha256:cc"}]

[package.source]
type = "legacy"
url = "https://mirror.example.org/simple"

[[package]]
name = "away"
version = "1"
files = []

[package.source]
type = "git"
url = "https://example.org/away"

[[package]]
name = "bare"
version = "1"
"""

NPM = {
    "lockfileVersion": 3,
    "packages": {
        "": {"dependencies": {"a": "^1"}},
        "node_modules/a": {
            "version": "1.0.0",
            "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz",
            "integrity": "sha512-x",
        },
        "node_modules/a/node_modules/@s/B": {
            "version": "2.0.0",
            "resolved": "https://registry.npmjs.org/@s/b/-/b-2.0.0.tgz",
            "integrity": "sha512-y",
            "hasInstallScript": True,
        },
        "node_modules/alias": {
            "name": "real",
            "version": "3.0.0",
            "resolved": "git+ssh://git@example.org/real.git#1",
        },
        "node_modules/inside": {"version": "1.0.0", "inBundle": True},
        "node_modules/mine": {"link": True, "resolved": "packages/mine"},
        "packages/mine": {"version": "0.0.1"},
    },
}

COMPOSER = {
    "packages": [
        {
            "name": "Laravel/Framework",
            "version": "v11.0",
            "dist": {
                "type": "zip",
                "url": "https://api.github.com/repos/laravel/framework/zipball/abc",
                "reference": "abc",
                "shasum": "",
            },
            "source": {"type": "git", "url": "https://github.com/laravel/framework.git", "reference": "abc"},
        }
    ],
    "packages-dev": [
        {
            "name": "a/plugin",
            "version": "1",
            "type": "composer-plugin",
            "dist": {"type": "path", "url": "../x"},
        },
        {"name": "a/bare", "version": "1"},
    ],
}

SUMS = "example.org/a v1.0.0 h1:aaa=\nexample.org/a v1.0.0/go.mod h1:bbb=\n\n"


def read(path: str, text: str) -> dict[str, Locked]:
    found = read_lock(path, text)
    assert found is not None
    return {name: each for (name, _), each in found.items()}


def test_uv():
    found = read("uv.lock", UV)
    assert found["shop"] == Locked("shop", "0.1.0")
    assert found["rich-text"].hosts == {"files.pythonhosted.org", "pypi.org"}
    assert not found["rich-text"].source_only
    assert found["old"].source_only
    assert found["away"].address == "git https://example.org/away?rev=1"
    assert found["lost"].address == "no source"


def test_poetry():
    found = read("web/poetry.lock", POETRY)
    assert found["rich"].files == (
        ("rich-14.0-py3-none-any.whl", "sha256:aa"),
        ("rich-14.0.tar.gz", "sha256:bb"),
    )
    assert (found["old"].source_only, found["old"].hosts) == (True, {"mirror.example.org"})
    assert found["away"].address == "git https://example.org/away"
    assert found["bare"].files == (("", ""),)


def test_poetry_of_old():
    text = '[[package]]\nname = "rich"\nversion = "1"\n[metadata.files]\nrich = [{file = "rich-1.whl", hash = "sha256:aa"}]\n'
    assert read("poetry.lock", text)["rich"].files == (("rich-1.whl", "sha256:aa"),)


def test_npm():
    found = read("package-lock.json", json.dumps(NPM))
    assert found["a"].files == (("https://registry.npmjs.org/a/-/a-1.0.0.tgz", "sha512-x"),)
    assert (found["@s/b"].runs_scripts, found["a"].runs_scripts) == (True, False)
    assert found["real"].address == "git+ssh://git@example.org/real.git#1"
    assert found["mine"].address == "folder packages/mine"
    assert found["packages/mine"].address == "folder packages/mine"
    assert "inside" not in found


def test_npm_of_old():
    inner = {"b": {"version": "1.0.0", "resolved": "https://registry.npmjs.org/b/-/b-1.0.0.tgz"}}
    found = read(
        "npm-shrinkwrap.json",
        json.dumps({"dependencies": {"a": {"version": "2.0.0", "dependencies": inner}}}),
    )
    assert found["a"].files == (("", ""),)
    assert found["b"].files == (("https://registry.npmjs.org/b/-/b-1.0.0.tgz", ""),)


def test_composer():
    found = read("composer.lock", json.dumps(COMPOSER))
    assert found["laravel/framework"].hosts == {"api.github.com", "github.com"}
    assert all(mark == "abc" for _, mark in found["laravel/framework"].files)
    assert (found["a/plugin"].runs_scripts, found["a/plugin"].address) == (True, "path ../x")
    assert found["a/bare"].files == (("", ""),)


def test_go():
    found = read_lock("go.sum", SUMS)
    assert found == {
        ("example.org/a", "v1.0.0"): Locked(
            "example.org/a", "v1.0.0", (("/zip", "h1:aaa="), ("/go.mod", "h1:bbb="))
        )
    }


def test_requirements():
    text = (
        "# why\n--index-url https://example.org\nrich[jupyter] ==14.0 ; python_version > '3' \\\n"
        "    --hash=sha256:aa \\\n    --hash=sha256:bb\nplain==1 # note\nloose>=1\n\nlast==2 \\\n"
    )
    assert list(requirements_of(text)) == [
        Locked("rich", "14.0", (("", "sha256:aa"), ("", "sha256:bb"))),
        Locked("plain", "1", (("", ""),)),
        Locked("last", "2", (("", ""),)),
    ]
    assert len(list(logical_lines(text))) == 5


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("uv.lock", "not toml ["),
        ("uv.lock", "version = 1\n"),
        ("uv.lock", '[[package]]\nversion = "1"\n'),
        ("uv.lock", "package = 3\n"),
        ("package-lock.json", "[]"),
        ("package-lock.json", '{"packages": {"node_modules/a": 3}}'),
        ("package-lock.json", '{"packages": {}}'),
        ("composer.lock", '{"packages": [{"version": "1"}]}'),
        ("go.sum", "what is this\n"),
        ("go.sum", ""),
        ("yarn.lock", "a@1:\n"),
        ("README.md", "text"),
        ("uv.lock", " " * 5_000_001),
    ],
)
def test_what_cannot_be_read_is_nothing(path, text):
    assert read_lock(path, text) is None


def test_which_files_are_locks():
    assert is_lock("web/yarn.lock")
    assert not is_lock("requirements.txt")
    assert grammar_of("a/uv.lock").manifest == "pyproject.toml"


@pytest.mark.parametrize(
    ("place", "host"),
    [
        ("https://Example.org:8/x", "example.org"),
        ("https://example.org", "example.org"),
        ("x-1.0.whl", ""),
        ("/zip", ""),
        ("https://pypi.org@evil.example.org/x", "evil.example.org"),
        ("https://pypi.org:x@evil.example.org/x", "https://pypi.org:x@evil.example.org/x"),
        ("https://evil.example.org\\@pypi.org/x", "https://evil.example.org\\@pypi.org/x"),
        ("https:/evil.example.org/x", "https:/evil.example.org/x"),
        ("file:///x", "file:///x"),
        ("http://[::1]/x", "http://[::1]/x"),
    ],
)
def test_the_host_of_an_address(place, host):
    assert host_of(place) == host


@given(st.sampled_from(sorted(GRAMMARS)), st.text(max_size=120))
def test_any_text_can_be_read(path, text):
    read_lock(path, text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["packages", "dependencies", "node_modules/a", "resolved", "dist", "name", "version"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["package-lock.json", "composer.lock"]), JSON)
def test_any_json_can_be_read(path, plain):
    read_lock(path, json.dumps(plain))
