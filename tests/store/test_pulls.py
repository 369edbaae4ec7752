"""The records of the local forge keep the contract of the port."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelway.core.errors import OurFault
from keelway.core.model.event import verify_chain
from keelway.ports.forge import CheckRun, Pull
from keelway.ports.pulls import Issue
from keelway.store.database import open_database, upgrade
from keelway.store.pulls import SqlPullBook

PULL = Pull(0, "open", "main", "feature/x", "h1", "b1", "Add \x00 x", "## What\n\ud800", url="http://x")
ISSUE = Issue(0, "Broken", "It is", ("bug", "agent"), "open")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, home):
    on_server = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_server else f"sqlite:///{home / 'keelway.sqlite'}"
    engine = open_database(url)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def book(engine, home):
    return SqlPullBook(engine, home)


def test_pulls_and_issues_share_one_sequence(book):
    assert book.add_pull(PULL, "t", "k1").number == 1
    assert book.add_issue(ISSUE, "k1").number == 2
    assert book.add_pull(PULL, "t", "k2").number == 3


def test_a_known_key_returns_what_was_recorded(book):
    first = book.add_pull(replace(PULL, title="Add x", body="b"), "t", "k")
    assert book.add_pull(replace(PULL, title="Other"), "t", "k") == first == book.pull(1)
    issue = book.add_issue(ISSUE, "k")
    assert book.add_issue(replace(ISSUE, title="Other"), "k") == issue == book.issue(2)
    assert (book.pull(2), book.issue(1)) == (None, None)


def test_text_that_no_database_holds_is_marked_not_refused(book):
    number = book.add_pull(PULL, "t", "k").number
    assert book.pull(number).title == "Add \N{REPLACEMENT CHARACTER} x"


def test_the_open_pull_of_a_branch_is_found(book):
    pull = book.add_pull(replace(PULL, title="T", body="b"), "t", "k")
    assert book.open_pull_of("feature/x", "main") == pull
    assert book.open_pull_of("main", "feature/x") is None
    book.save_pull(replace(pull, state="merged", merge_sha="m"))
    assert book.open_pull_of("feature/x", "main") is None
    assert book.pull(pull.number).merge_sha == "m"


def test_comments_are_kept_once_and_in_order(book):
    for body, key in (("one", "a"), ("two", "b"), ("again", "a")):
        book.add_comment(7, body, key)
    assert book.comments(7) == ("one", "two")
    assert book.comments(8) == ()


def test_the_latest_check_of_a_name_rules(book):
    book.set_check(CheckRun("tests", "s", passed=True, examined=3), "k1")
    book.set_check(CheckRun("lint", "s", passed=True), "k2")
    book.set_check(CheckRun("tests", "s", passed=False, detail="one failed"), "k3")
    book.set_check(CheckRun("tests", "s", passed=True), "k1")
    assert book.checks("s") == (
        CheckRun("lint", "s", passed=True),
        CheckRun("tests", "s", passed=False, detail="one failed"),
    )
    assert book.checks("other") == ()


def test_an_issue_is_closed(book):
    issue = book.add_issue(ISSUE, "k")
    book.save_issue(replace(issue, state="closed", labels=()))
    assert book.issue(issue.number) == replace(issue, state="closed", labels=())


def test_what_is_not_there_cannot_be_replaced(book):
    with pytest.raises(OurFault):
        book.save_pull(replace(PULL, number=9))
    with pytest.raises(OurFault):
        book.save_issue(replace(ISSUE, number=9))


def test_every_write_is_in_the_chain(book, ledger):
    pull = book.add_pull(PULL, "t", "k")
    book.save_pull(replace(pull, state="closed"))
    book.add_comment(1, "c", "k")
    book.set_check(CheckRun("tests", "s", passed=True), "k")
    book.save_issue(replace(book.add_issue(ISSUE, "k"), state="closed"))
    links = ledger.events()
    assert verify_chain(links) is None
    told = [link.event.data["record"] for link in links]
    assert told == ["pull", "pull", "comment", "check", "issue", "issue"]
