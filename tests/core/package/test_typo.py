"""Names that can be taken for others: letters, separators, shapes, scopes; and honest ones that cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.package.package import Ecosystem
from keelway.core.package.popular.typo import distance, plain_name, popular, taken_for

PYPI, NPM, PACKAGIST = Ecosystem.PYPI, Ecosystem.NPM, Ecosystem.PACKAGIST


@pytest.mark.parametrize(
    ("name", "world", "known"),
    [
        ("reqeusts", PYPI, "requests"),
        ("requestss", PYPI, "requests"),
        ("requesrs", PYPI, "requests"),
        ("requsts", PYPI, "requests"),
        ("python_dateutils", PYPI, "python-dateutil"),
        ("pythondateutil", PYPI, "python-dateutil"),
        ("py-yaml", PYPI, "pyyaml"),
        ("f1ask", PYPI, "flask"),
        ("nurnpy", PYPI, "numpy"),
        ("djang0", PYPI, "django"),
        ("crossenv", NPM, "cross-env"),
        ("@angu1ar/core", NPM, "@angular/core"),
        ("types-node", NPM, "@types/node"),
        ("expres", NPM, "express"),
        ("laravel/framwork", PACKAGIST, "laravel/framework"),
        ("laravell/framework", PACKAGIST, "laravel/framework"),
        ("Requests", PYPI, ""),
        ("python.dateutil", PYPI, ""),
        ("slixmpp", PYPI, ""),
        ("httpx", PYPI, ""),
        ("lodash", NPM, ""),
        ("@types/react", NPM, ""),
        ("laravel/sanctum", PACKAGIST, ""),
        ("acme/billing", PACKAGIST, ""),
        ("abc", PYPI, ""),
        ("harbour-master-tools", PYPI, ""),
    ],
)
def test_what_a_name_can_be_taken_for(name, world, known):
    assert taken_for(name, world) == known


@pytest.mark.parametrize("world", Ecosystem)
def test_a_well_known_name_is_never_taken_for_another(world):
    names = popular(world)
    assert len(names) >= 120
    assert [name for name in names[::40] if taken_for(name, world)] == []
    assert all(name and not name.startswith("#") for name in names)


@pytest.mark.parametrize(
    ("left", "right", "limit", "found"),
    [
        ("flask", "flask", 1, 0),
        ("falsk", "flask", 1, 1),
        ("flas", "flask", 1, 1),
        ("flaks", "flask", 2, 1),
        ("flsak", "flask", 1, 1),
        ("abcde", "flask", 2, None),
        ("flask", "flask-login", 2, None),
        ("flask", "flask", 0, None),
        ("abcdef", "badcfe", 2, None),
    ],
)
def test_distance(left, right, limit, found):
    assert distance(left, right, limit) == found


WORDS = st.text("abc", min_size=1, max_size=7)


@given(WORDS, WORDS)
def test_distance_is_the_same_both_ways_and_nothing_only_for_equal_words(left, right):
    assert distance(left, right, 9) == distance(right, left, 9)
    assert (distance(left, right, 9) == 0) == (left == right)


@given(WORDS, st.integers(0, 6), st.sampled_from("abcx"))
def test_one_letter_more_or_less_is_one_step(word, at, letter):
    longer = word[:at] + letter + word[at:]
    assert distance(word, longer, 1) == 1


def test_names_are_compared_as_their_index_does():
    assert plain_name("Zope.Interface", PYPI) == "zope-interface"
    assert plain_name("JSONStream", NPM) == "jsonstream"
