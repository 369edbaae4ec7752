"""Ranges of versions: what a new one lets in that the old one kept out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.package.span import Span, loosened, span_of


@pytest.mark.parametrize(
    ("asks", "span"),
    [
        ("", Span()),
        ("*", Span()),
        ("latest", Span()),
        ("==1.2", Span((1, 2), (1, 2), exact=True)),
        ("1.2.3", Span((1, 2, 3), (1, 2, 3), exact=True)),
        ("v1.2.3", Span((1, 2, 3), (1, 2, 3), exact=True)),
        ("==1.*", Span((1,), (2,))),
        ("1.2.x", Span((1, 2), (1, 3))),
        (">=1,<2", Span((1,), (2,))),
        (">=1.0, <2.0, !=1.5", Span((1, 0), (2, 0))),
        ("^1.2.3", Span((1, 2, 3), (2,))),
        ("^0.2.3", Span((0, 2, 3), (0, 3))),
        ("^0.0", Span((0, 0), (0, 1))),
        ("~1.2.3", Span((1, 2, 3), (1, 3))),
        ("~1", Span((1,), (2,))),
        ("~=1.4.2", Span((1, 4, 2), (1, 5))),
        ("~=2", Span((2,), (3,))),
        ("^1.0 || ^2.0", Span((1, 0), (3,))),
        ("^1.0 || >=3", Span((1, 0), None)),
        ("^1.0 || <1", Span(None, (2,))),
        (">1", Span((1,), None)),
        ("<=3", Span(None, (3,))),
    ],
)
def test_what_a_range_lets_in(asks, span):
    assert span_of(asks) == span


@pytest.mark.parametrize(
    ("before", "now", "how"),
    [
        ("==1.2", "==1.3", ""),
        ("==1.2", ">=1.2", "pin"),
        ("1.2.3", "^1.2.3", "pin"),
        ("==1.2", "", "pin"),
        (">=1,<2", ">=1", "open"),
        ("^1.2.3", "*", "open"),
        ("^1.2.3", "^1.3.0", ""),
        (">=1,<2", ">=1,<3", ""),
        (">=1.5", ">=1.2", "older"),
        (">=1.5", "<3", "older"),
        (">=1.5", ">=1.5.0", ""),
        ("==1.5", "==1.4", "older"),
        (">=1", ">=2,<3", ""),
        ("", ">=1", ""),
    ],
)
def test_what_was_loosened(before, now, how):
    assert loosened(before, now) == how


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_can_be_read_and_nothing_is_looser_than_itself(before, now):
    loosened(before, now)
    assert loosened(before, before) == ""
