"""A hit is known again by its lines, wherever they have moved to."""

from __future__ import annotations

from keelway.core.scan.report import lines_mark

TEXT = "one\n  two  three\nfour\n"


def test_place_and_indent_do_not_matter_and_words_do():
    assert lines_mark(TEXT, 2, 2) == lines_mark("two three", 1, 1)
    assert lines_mark(TEXT, 2, 2) != lines_mark(TEXT, 2, 3) != lines_mark(TEXT, 3, 3)
    assert lines_mark(TEXT, 9, 9) == lines_mark("", 1, 1)
