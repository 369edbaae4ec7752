"""Patterns match what a reader or a file system may take for the path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.rule.glob import fold, matches, mixes_scripts


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("keelway.toml", "keelway.toml"),
        ("sub/keelway.toml", "keelway.toml"),
        ("KEELWAY.TOML", "keelway.toml"),
        (".github/workflows/a.yml", "/.github/"),
        (".GitHub/a", "/.github/"),
        ("\uff0egithub/a", "/.github/"),
        (".g\u0456thub/a", "/.github/"),
        (".git\u200bhub/a", "/.github/"),
        ("\ua4da\ua4f2/a", "/ci/"),
        ("\u13df\u13de\u13aa\ua4f4de.md", "claude.md"),
        ("\u0441\u0456/a", "/ci/"),
        ("a/b/c.py", "a/**"),
        ("a/b/c.py", "**/c.py"),
        ("c.py", "**/c.py"),
        ("a/test_x.py", "test_*.py"),
        ("a/tests/x/y.py", "tests/"),
        ("a.yml", "a.y?l"),
        ("x/(a).py", "(a).py"),
    ],
)
def test_these_match(path: str, pattern: str) -> None:
    assert matches(path, [pattern])


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("sub/.github/a", "/.github/"),
        ("xkeelway.toml", "keelway.toml"),
        ("a/b/c.py", "a/*"),
        ("attests/x.py", "tests/"),
        ("tests", "tests/"),
        ("ab", "a?b"),
        ("sub/a/b", "/a/"),
    ],
)
def test_these_do_not(path: str, pattern: str) -> None:
    assert not matches(path, [pattern])


@given(st.text(max_size=20))
def test_folding_twice_alters_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(min_size=1, max_size=20).filter(fold))
def test_a_path_matches_itself(path: str) -> None:
    plain = path.replace("*", "").replace("?", "")
    assert matches(plain, ["/" + plain]) or plain.startswith("/") or plain.endswith("/")


@pytest.mark.parametrize("word", ["\u0430dmin", "p\u03b1ss", "\u0410B"])
def test_look_alikes_are_seen(word: str) -> None:
    assert mixes_scripts(word)


@pytest.mark.parametrize(
    "word", ["admin", "\u0430\u0431\u0432", "na\u00efve", "\u65e5\u672c\u8a9eREADME", "x1", ""]
)
def test_one_script_is_fine(word: str) -> None:
    assert not mixes_scripts(word)
