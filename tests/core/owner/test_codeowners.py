"""Ownership is read as the forges read it; where they differ, everybody who may own is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.errors import YourFault
from keelway.core.owner.codeowners import CHARS_MAX, LINES_MAX, codeowners_path, owners_of


def owners(path: str, *lines: str) -> tuple[str, ...]:
    return owners_of([path], "\n".join(lines)).get(path, ())


@pytest.mark.parametrize(
    ("pattern", "path", "owned"),
    [
        ("*", "any/where.py", True),
        ("*.js", "a/b/c.js", True),
        ("*.js", "a/b/c.jsx", False),
        ("/build/logs/", "build/logs/deep/x.log", True),
        ("/build/logs/", "a/build/logs/x.log", False),
        ("docs/*", "docs/getting-started.md", True),
        ("docs/*", "docs/build-app/troubleshooting.md", False),
        ("apps/", "a/b/apps/x.py", True),
        ("/apps/github", "apps/github", True),
        ("/apps/github", "apps/github/x.py", True),
        ("/apps/git*", "apps/github/x.py", True),
        ("**/logs", "build/logs/x", True),
        ("**/logs", "logs/x", True),
        ("/a/**/z.py", "a/z.py", True),
        ("/a/**/z.py", "a/b/c/z.py", True),
        ("/a/**/z.py", "b/z.py", False),
        ("/docs/**", "docs/x/y", True),
        ("file?.py", "file1.py", True),
        ("file?.py", "file12.py", False),
        ("[a]*.py", "[a]b.py", True),
        ("[a]*.py", "ab.py", False),
        ("/with\\ space/", "with space/x", True),
        ("/", "any/where.py", True),
        ("\\#odd", "#odd", True),
        ("internal/README.md", "lib/internal/README.md", True),
    ],
)
def test_patterns(pattern: str, path: str, owned: bool) -> None:
    assert owners(path, f"{pattern} @team") == (("@team",) if owned else ())


def test_the_last_line_that_matches_wins() -> None:
    lines = ("* @all", "/pay/ @pay/team a.b@example.org # the money", "/pay/docs/")
    assert owners("x.py", *lines) == ("@all",)
    assert owners("pay/x.py", *lines) == ("@pay/team", "a.b@example.org")
    assert owners("pay/docs/x.md", *lines) == (), "a line without owners gives the path to nobody"


def test_a_line_that_names_nobody_who_could_own_takes_nothing_away() -> None:
    assert owners("pay/x.py", "/pay/ @pay", "/pay/ nobody", "!/pay/", "# /pay/ @evil") == ("@pay",)


def test_every_section_is_asked_and_an_optional_one_is_not() -> None:
    lines = (
        "* @all",
        "[Money][2] @cash",
        "/pay/",
        "/pay/x.py @special",
        "^[Nice to have]",
        "* @gardener",
        "[money]",
        "/bank/",
    )
    assert owners("pay/y.py", *lines) == ("@all", "@cash")
    assert owners("pay/x.py", *lines) == ("@all", "@special")
    assert owners("bank/x.py", *lines) == ("@all", "@cash"), "a section goes on under the same name"
    assert owners("z.py", *lines) == ("@all",)


def test_a_section_that_is_required_once_stays_required() -> None:
    assert owners("x", "[A]", "* @a", "^[A]", "* @b") == ("@b",)


def test_a_spelling_that_a_reader_takes_for_an_owned_path_has_its_owners() -> None:
    assert owners("P\u0430y/x.py", "/pay/ @pay") == ("@pay",)
    assert owners("Pay/x.py", "/Pay/ @pay", "/pay/ @dev") == ("@pay", "@dev"), "a twin takes no owner away"


def test_where_forges_differ_both_owners_are_named() -> None:
    assert owners("lib/src/x.py", "* @all", "src/x.py @src") == ("@all", "@src")
    assert owners("src/x.py", "* @all", "src/x.py @src") == ("@src",)


def test_paths_without_owners_are_left_out() -> None:
    assert owners_of(["a.py", "b/c.py"], "/b/ @b") == {"b/c.py": ("@b",)}
    assert owners_of(["a.py"], "") == {}


@pytest.mark.parametrize("text", ["x" * (CHARS_MAX + 1), "\n" * LINES_MAX])
def test_a_file_that_no_forge_reads_is_an_error(text: str) -> None:
    with pytest.raises(YourFault, match="CODEOWNERS has"):
        owners_of(["a"], text)


def test_the_first_place_that_holds_one_counts() -> None:
    assert codeowners_path(("docs/CODEOWNERS", "CODEOWNERS", "x")) == "CODEOWNERS"
    assert codeowners_path(("x",)) == ""


@given(st.text(max_size=200), st.lists(st.text("ab/.*?[]\\# @", min_size=1, max_size=20), max_size=3))
def test_no_text_crashes_it(text: str, paths: list[str]) -> None:
    found = owners_of(paths, text + "\n* @a")
    assert all(found.values())


def test_many_stars_cost_no_time() -> None:
    stars = "*a" * 200 + "b"
    assert owners("a" * 4_000, f"{stars} @a", f"/{'**/' * 200}b @b") == ()
