"""What is read of an application follows the request: its words, the files that it names, their neighbours."""

from __future__ import annotations

import pytest

from keelway.core.research.choose import (
    READ_MAX,
    files_to_read,
    named_files,
    path_score,
    score,
    siblings_of,
    words_of,
)
from keelway.core.research.facts import Name, Outline
from keelway.core.research.language import folders_of, is_own, language_of, languages_of

PATHS = (
    "README.md",
    "app/channels/irc.py",
    "app/channels/sms.py",
    "app/channels/page.html",
    "app/channels/driver.ts",
    "app/web/ships.py",
    "app/ports.py",
    "tests/test_irc.py",
    "tests/test_sms.py",
    "node_modules/x/index.js",
)


def test_words_say_what_a_text_is_about() -> None:
    said = words_of("Please add the XMPPChannel to late_arrivals, ships & so on")
    assert said >= {"late", "arrival", "ship"}
    assert not said & {"add", "the", "so", "on"}
    assert words_of("class address") == {"class", "address"}


@pytest.mark.parametrize(
    ("text", "hints", "named"),
    [
        ("as in app/channels/irc.py.", (), ("app/channels/irc.py",)),
        ("look at ./app/ports.py", (), ("app/ports.py",)),
        ("like channels/sms.py does", (), ("app/channels/sms.py",)),
        ("the file SHIPS.py is slow", (), ("app/web/ships.py",)),
        ("nothing named, gone.py is gone", (), ()),
        ("x", ("app/web/ships.py", "app/gone.py"), ("app/web/ships.py",)),
    ],
)
def test_files_are_named_by_path_by_name_or_by_a_hint(
    text: str, hints: tuple[str, ...], named: tuple[str, ...]
) -> None:
    assert named_files(text, hints, PATHS) == named


def test_siblings_are_of_the_same_folder_and_language() -> None:
    assert siblings_of(["app/channels/irc.py"], PATHS) == ("app/channels/sms.py",)
    assert siblings_of(["README.md"], PATHS) == ()


def test_named_files_are_read_first_then_what_fits_the_words_and_no_tests() -> None:
    read = files_to_read(PATHS, {"ship"}, {"app/channels/irc.py", "tests/test_irc.py"})
    assert set(read[:2]) == {"tests/test_irc.py", "app/channels/irc.py"}
    assert read[2:] == ("app/ports.py", "app/web/ships.py", "app/channels/driver.ts", "app/channels/sms.py")
    assert len(files_to_read([f"m{number}.py" for number in range(READ_MAX + 5)], (), ())) == READ_MAX


def test_a_file_counts_by_its_path_by_what_it_offers_and_says() -> None:
    words = {"ship", "late"}
    plain = Outline("app/x.py", "Python")
    offers = Outline("app/x.py", "Python", names=(Name("function", "late_ship", 1),))
    says = Outline("app/x.py", "Python", "Ships that come.")
    contract = Outline("app/x.py", "Python", names=(Name("contract", "Berth", 1),))
    assert [score(each, words, ()) for each in (plain, offers, says, contract)] == [0, 4, 1, 1]
    assert score(plain, words, {"app/x.py"}) == 8
    assert path_score("app/late/ships.py", words) == 2


def test_languages_and_folders_are_counted() -> None:
    assert languages_of(PATHS) == (("Python", 6), ("HTML", 1), ("JavaScript", 1), ("TypeScript", 1))
    assert (language_of("Makefile"), language_of("a/b.PY"), language_of("x.unknown")) == ("", "Python", "")
    many = [f"src/a/{number}.py" for number in range(13)] + ["src/b/c.py", "top.py", "docs/x.md"]
    assert folders_of(many) == (("docs", 1), ("src", 14), ("src/a", 13), ("src/b", 1))


@pytest.mark.parametrize(
    "path",
    ["node_modules/x.js", "web/vendor/a.php", "dist/x.js", "a.min.js", "uv.lock", "x/__pycache__/a.py"],
)
def test_what_nobody_here_wrote_is_not_read(path: str) -> None:
    assert not is_own(path)
    assert is_own("app/builder.py")
