"""Words of a text as searches count them, and the order of what is found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.lesson.terms import QUERY_TERMS_MAX, TERMS_MAX, ranked, terms


def test_names_are_found_whole_and_in_parts_and_little_words_not_at_all() -> None:
    assert terms("Add the XmppDriver to app/channel_list.py, HTTPServer too") == (
        *("add", "xmppdriver", "xmpp", "driver", "app", "channel", "list", "py"),
        *("httpserver", "http", "server", "too"),
    )
    assert terms("Drivers, class, status: 504") == ("driver", "class", "status", "504")


def test_a_text_gives_no_more_terms_than_asked_for() -> None:
    assert len(terms(" ".join(f"word{number}" for number in range(2_000)))) == TERMS_MAX
    assert terms("one two three", 2) == ("one", "two")
    assert len(terms("x" * 500)[0]) == 40


@given(st.text(max_size=200))
def test_no_text_gives_anything_but_letters_and_digits_and_each_once(text: str) -> None:
    found = terms(text)
    assert all(term.isalnum() or all(char.isalnum() or not char.isascii() for char in term) for term in found)
    assert not set("\"'*():^-+{}%\\ ") & set("".join(found))
    assert len(set(found)) == len(found)


@given(st.text(max_size=60))
def test_case_does_not_matter_to_words_without_humps(text: str) -> None:
    assert set(terms(text.casefold())) == set(terms(text.casefold().upper().casefold()))


def test_rare_words_and_titles_count_more() -> None:
    entries = [
        ("common", [(3.0, "add a channel"), (1.0, "nothing else")]),
        ("in the text", [(3.0, "add a channel"), (1.0, "xmpp")]),
        ("in the title", [(3.0, "xmpp channel"), (1.0, "channel")]),
        ("none", [(3.0, "teapot"), (1.0, "coffee")]),
    ]
    assert ranked(entries, terms("add xmpp")) == ["in the text", "common", "in the title"]
    assert ranked(entries, terms("xmpp"))[0] == "in the title"
    assert ranked(entries, ()) == []


def test_equal_ones_stay_in_their_order() -> None:
    entries = [(number, [(1.0, "xmpp")]) for number in range(5)]
    assert ranked(entries, ("xmpp",)) == [0, 1, 2, 3, 4]
    assert QUERY_TERMS_MAX < TERMS_MAX
