"""What registries say, read as it is meant, and whatever else they say is unknown."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.adapters.index.shelf import Indexes, indexes, python_documents

from keelway.adapters.index.offline import OfflineIndex
from keelway.adapters.index.registry import RegistryIndex
from keelway.adapters.index.registry.registry import PACKAGES_MAX
from keelway.core.package.package import Ecosystem, Package, State
from keelway.testing.fakes.index import Release

OLD, NEW = datetime(2019, 3, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
PYPI, NPM, PHP = Ecosystem


@pytest.fixture
def shelf() -> Iterator[Indexes]:
    with indexes(PYPI) as made:
        yield made


def look(shelf, name, world=PYPI, version=""):
    (fact,) = shelf.index.look((Package(world, name, version),))
    return fact


def python(shelf, *versions, **fields):
    shelf.publish(PYPI, "slixmpp", *(Release(version, NEW, **fields) for version in versions))
    return look(shelf, "Slix_MPP".replace("_", ""))


@pytest.mark.parametrize(
    ("versions", "latest"),
    [
        (["1.9", "1.10"], "1.10"),
        (["1.0", "2.0rc1", "2.0a1", "2.0.dev3"], "1.0"),
        (["1.0a1", "1.0b1", "1.0.dev5", "1.0rc2", "1.0rc10"], "1.0rc10"),
        (["1.0", "1.0.post1"], "1.0.post1"),
        (["2024.1", "1!1.0"], "1!1.0"),
        (["odd", "0.1"], "0.1"),
        (["1.0.dev1", "1.0a1.dev1"], "1.0a1.dev1"),
    ],
)
def test_the_newest_python_version_is_the_highest_that_is_final(shelf, versions, latest):
    assert python(shelf, *versions).latest == latest


def test_a_name_is_asked_for_in_its_normal_form(shelf):
    shelf.publish(PYPI, "zope-interface", Release("1.0", OLD))
    page = shelf.documents["/simple/zope-interface/"]
    shelf.put("/simple/zope-interface/", page[1].decode().replace("zope-interface-1", "zope.interface-1"))
    assert look(shelf, "Zope.Interface").latest == "1.0"
    assert shelf.asked[0][0] == "/simple/zope-interface/"
    assert shelf.asked[0][1]["Accept"] == "application/vnd.pypi.simple.v1+json"


def test_a_yanked_version_is_no_newest_and_says_why(shelf):
    shelf.publish(PYPI, "slixmpp", Release("1.0", OLD), Release("2.0", NEW, withdrawn="leaks"))
    assert look(shelf, "slixmpp").latest == "1.0"
    assert look(shelf, "slixmpp", version="2.0").withdrawn == "leaks"
    shelf.publish(PYPI, "slixmpp", Release("2.0", NEW, withdrawn="leaks"))
    gone = look(shelf, "slixmpp")
    assert (gone.latest, gone.withdrawn) == ("", "every version is yanked")


def test_a_version_is_the_same_in_another_spelling(shelf):
    shelf.publish(PYPI, "slixmpp", Release("1.0", OLD))
    assert look(shelf, "slixmpp", version="1.0.0").version_known


def test_without_times_there_is_no_age(shelf):
    page = python_documents(shelf.url, "slixmpp", (Release("1.0", OLD),))["/simple/slixmpp/"]
    for file in page["files"]:
        del file["upload-time"]
    shelf.put("/simple/slixmpp/", page)
    fact = look(shelf, "slixmpp")
    assert (fact.state, fact.first_at, fact.latest_at) == (State.FOUND, None, None)


def test_without_metadata_the_licence_is_read_from_the_index_itself(shelf):
    page = python_documents(shelf.url, "slixmpp", (Release("1.0", OLD),))["/simple/slixmpp/"]
    for file in page["files"]:
        del file["core-metadata"]
    shelf.put("/simple/slixmpp/", page)
    assert look(shelf, "slixmpp").licence == ""
    info = {"license": "The MIT License", "license_expression": None, "classifiers": ["Topic :: Chat", 3]}
    shelf.put("/pypi/slixmpp/json", {"info": info})
    assert look(shelf, "slixmpp").licence == "MIT"
    shelf.put("/pypi/slixmpp/json", {"info": {"license": None}})
    assert look(shelf, "slixmpp").licence == ""
    shelf.put("/pypi/slixmpp/json", {"info": "?"})
    assert look(shelf, "slixmpp").licence == ""


def test_metadata_elsewhere_is_only_fetched_over_https(shelf):
    page = python_documents("http://127.0.0.2:1", "slixmpp", (Release("1.0", OLD),))["/simple/slixmpp/"]
    shelf.put("/simple/slixmpp/", page)
    fact = look(shelf, "slixmpp")
    assert (fact.state, fact.licence) == (State.FOUND, "")


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("<html>", "something that is not JSON"),
        ([1], "JSON that is no object"),
        ({}, "lists no file"),
        ({"files": [3, {"filename": 7}, {"filename": "x.exe"}, {"filename": "a.whl"}]}, "lists no file"),
    ],
)
def test_what_is_no_page_of_an_index_is_unknown(shelf, document, why):
    shelf.put("/simple/slixmpp/", document)
    fact = look(shelf, "slixmpp")
    assert fact.state is State.UNKNOWN
    assert why in fact.why


@pytest.mark.parametrize("status", [301, 401, 403, 429, 500])
def test_only_not_found_means_absent(shelf, status):
    shelf.put("/simple/slixmpp/", {}, status)
    fact = look(shelf, "slixmpp")
    assert (fact.state, str(status) in fact.why) == (State.UNKNOWN, True)


def test_credentials_of_an_address_are_sent_and_never_shown(shelf):
    secret = shelf.url.replace("http://", "http://ann:p%40ss@") + "/simple"
    index = RegistryIndex({"pypi": secret})
    shelf.publish(PYPI, "slixmpp", Release("1.0", OLD))
    (fact,) = index.look((Package(PYPI, "slixmpp"),))
    assert fact.state is State.FOUND
    expected = "Basic " + base64.b64encode(b"ann:p@ss").decode()
    assert shelf.asked[0][1]["Authorization"] == expected
    shelf.fall_silent()
    (fact,) = index.look((Package(PYPI, "slixmpp"),))
    assert "p%40ss" not in fact.why
    assert "p@ss" not in fact.why


def test_all_look_ups_together_are_bounded(shelf):
    shelf.publish(PYPI, "slixmpp", Release("1.0", OLD))
    shelf.seconds = 0.3
    index = replace(shelf.index, seconds_max=0.5)
    began = time.monotonic()
    facts = index.look(tuple(Package(PYPI, f"p{number}") for number in range(8)))
    assert time.monotonic() - began < 3
    assert facts[-1].state is State.UNKNOWN
    assert "were over" in facts[-1].why
    many = index.look(tuple(Package(PYPI, f"p{number}") for number in range(PACKAGES_MAX + 1)))
    assert str(PACKAGES_MAX) in many[-1].why


def test_nobody_there_and_no_address_are_unknown():
    index = RegistryIndex({"pypi": "http://127.0.0.1:9/simple", "npm": ""}, seconds_max=5.0)
    gone, none = index.look((Package(PYPI, "x"), Package(NPM, "x")))
    assert (gone.state, none.state) == (State.UNKNOWN, State.UNKNOWN)
    assert "no address for npm" in none.why


def test_an_npm_package_that_was_unpublished_is_withdrawn(shelf):
    times = {"created": "2019-03-01T00:00:00Z", "unpublished": {"time": "2020-01-01T00:00:00Z"}}
    shelf.put("/npm/left-pad", {"name": "left-pad", "time": times})
    fact = look(shelf, "left-pad", NPM)
    assert (fact.state, fact.withdrawn, fact.first_at) == (State.FOUND, "unpublished", OLD)


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ("MIT", "MIT"),
        ({"type": "ISC", "url": "x"}, "ISC"),
        ([{"type": "MIT"}, "Apache-2.0"], "MIT OR Apache-2.0"),
        ("SEE LICENSE IN FILE", ""),
        (None, ""),
    ],
)
def test_the_forms_of_an_npm_licence(shelf, said, licence):
    shelf.publish(NPM, "x", Release("1.0.0", OLD))
    document = {
        "dist-tags": {"latest": "1.0.0"},
        "time": {"1.0.0": "odd", "created": 7},
        "versions": {"1.0.0": {"license": said, "deprecated": True}},
    }
    shelf.put("/npm/x", document)
    fact = look(shelf, "x", NPM)
    assert (fact.licence, fact.withdrawn, fact.first_at, fact.latest_at) == (
        licence,
        "deprecated",
        None,
        None,
    )


def test_a_php_package_without_a_stable_version_and_one_that_is_abandoned(shelf):
    shelf.publish(PHP, "a/b", Release("1.0.0-beta1", OLD), Release("2.0.0-RC1", NEW, withdrawn="c/d"))
    fact = look(shelf, "A/B", PHP)
    assert (fact.latest, fact.withdrawn) == ("2.0.0-RC1", "abandoned; c/d takes its place")
    listed = [{"version": "1.0", "abandoned": True}, 7]
    shelf.put("/php/p2/a/b.json", {"packages": {"a/b": listed}})
    fact = look(shelf, "a/b", PHP)
    assert (fact.withdrawn, fact.licence, fact.first_at) == ("abandoned", "", None)
    for odd in ({"packages": []}, {"packages": {"a/b": {}}}):
        shelf.put("/php/p2/a/b.json", odd)
        assert look(shelf, "a/b", PHP).state is State.UNKNOWN


def test_without_an_index_everything_is_unknown():
    facts = OfflineIndex().look((Package(PYPI, "x"), Package(NPM, "y")))
    assert {fact.state for fact in facts} == {State.UNKNOWN}
    assert all("offline" in fact.why for fact in facts)
