"""Only what was issued here, for this installation, and is not over, is a link."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.consent.link import CHARS_MAX, Link, fits_form, form_mark, read_link, write_link
from keelway.core.errors import RequestRefused

NOW = datetime.fromisoformat("2026-02-16T14:30:00+00:00")
KEY, OTHER = b"k" * 32, b"o" * 32
LINK = Link("home", "01J", "Q-1", "sha256:0", "ann", "yes", "nonce", NOW + timedelta(hours=1))
TEXT = write_link(LINK, KEY)


def code(text: str, key: bytes = KEY, home: str = "home", now: datetime = NOW) -> str:
    with pytest.raises(RequestRefused) as refused:
        read_link(text, key, home=home, now=now)
    return refused.value.code


def test_a_link_is_read_back():
    assert read_link(TEXT, KEY, home="home", now=NOW) == LINK


def test_what_is_no_link_of_ours():
    assert code(TEXT, OTHER) == "link_forged"
    assert code(TEXT, home="elsewhere") == "link_elsewhere"
    assert code(TEXT, now=LINK.expires_at) == "link_expired"
    assert code(write_link(replace(LINK, answer="revise"), KEY)) == "link_forged"
    assert code("") == code("a.b") == code("x" * (CHARS_MAX + 1)) == code("ä.ö") == "link_forged"
    assert code("x" * CHARS_MAX + "." + "y") == "link_forged"


def test_a_link_has_one_text_only():
    """The last letter holds two bits that mean nothing; with them set the bytes are the same, the text is not ours."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert code(TEXT[:-1] + letters[letters.index(TEXT[-1]) + 1]) == "link_forged"


@given(st.integers(0, len(TEXT) - 1), st.characters(codec="ascii"))
def test_any_other_character_makes_it_forged(place, character):
    changed = TEXT[:place] + character + TEXT[place + 1 :]
    if changed != TEXT:
        assert code(changed) == "link_forged"


@given(st.text(max_size=200))
def test_any_text_is_refused(text):
    assert code(text) == "link_forged"


def test_a_link_signs_no_form_and_a_form_no_link():
    mark = form_mark(TEXT, KEY)
    assert fits_form(mark, TEXT, KEY)
    assert not fits_form(mark, TEXT + "x", KEY)
    assert not fits_form("", TEXT, KEY)
    assert not fits_form("\ud800", "\ud800", OTHER)
    assert mark != TEXT.partition(".")[2]
