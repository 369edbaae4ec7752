"""Licences are read where that is safe, and allowed only where every part of them is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.package.licence import is_allowed, licence_of

OSI = "License :: OSI Approved :: "


@pytest.mark.parametrize(
    ("expression", "said", "classifiers", "licence"),
    [
        ("MIT OR  Apache-2.0", "x", [], "MIT OR Apache-2.0"),
        ("", "anything at all", [OSI + "MIT License"], "MIT"),
        ("", "", [OSI + "MIT License", OSI + "BSD License", "Topic :: Chat"], "MIT AND BSD"),
        ("", "MIT", [OSI + "Some Odd License"], "MIT"),
        ("", "The MIT License", ["License :: OSI Approved"], "MIT"),
        ("", "Apache License, Version 2.0", [], "Apache-2.0"),
        ("", "(MIT OR CC0-1.0)", [], "(MIT OR CC0-1.0)"),
        ("", "GPL-3.0-only WITH Classpath-exception-2.0", [], "GPL-3.0-only WITH Classpath-exception-2.0"),
        ("", "Proprietary", [], "Proprietary"),
        ("", "see the file", [], ""),
        ("", "MIT OR", [], ""),
        ("", "Copyright (c) 2020 " + "x" * 200, [], ""),
        ("", "", [], ""),
        ("", "()", [], ""),
    ],
)
def test_a_licence_is_read(expression: str, said: str, classifiers: list[str], licence: str) -> None:
    assert licence_of(expression, said, classifiers) == licence


ALLOWED = ("MIT", "Apache-2.0", "BSD-3-Clause")


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only AND MIT", False),
        ("MIT AND Apache-2.0", True),
        ("MIT AND (GPL-3.0-only OR BSD-3-Clause)", True),
        ("(MIT)", True),
        ("MIT WITH Some-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("MIT OR", False),
        ("MIT MIT", False),
        ("(MIT", False),
        ("MIT)", False),
        ("OR MIT", False),
        ("AND", False),
        ("MIT WITH", False),
        ("", False),
        ("<script>", False),
    ],
)
def test_a_licence_is_allowed_or_not(licence: str, allowed: bool) -> None:
    assert is_allowed(licence, ALLOWED) is allowed


@given(st.lists(st.sampled_from(["MIT", "GPL", "AND", "OR", "WITH", "(", ")"]), max_size=12))
def test_what_names_nothing_allowed_is_never_allowed(words: list[str]) -> None:
    if "MIT" not in words:
        assert not is_allowed(" ".join(words), ALLOWED)
