"""Lessons in SQLite with and without its full-text search, their events and their bound."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from keelway.core.lesson.strategy import Strategy
from keelway.core.model.event import EventKind, verify_chain
from keelway.core.policy import ArtefactPolicy
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger
from keelway.store.lesson.search import INDEX
from keelway.testing.conformance.ledger import some_request
from keelway.testing.conformance.lessons import NOW, LessonTests, some_lesson
from keelway.testing.fakes.lessons import FakeLessonBook


@pytest.fixture(name="book")
def the_ledger(ledger):
    return ledger


class TestSqlLessons(LessonTests):
    pass


class TestFakeLessons(LessonTests):
    @pytest.fixture(name="book")
    def fake(self):
        return FakeLessonBook()


class TestWithoutFullText(LessonTests):
    @pytest.fixture(name="book")
    def without(self, url, home):
        return old(url, home)


def old(url, home):
    """Open a ledger on an SQLite that knows of no FTS5."""
    engine = open_database(url)

    def hide(connection, _record):
        connection.set_authorizer(lambda _action, table, *_rest: 2 if table == "pragma_module_list" else 0)

    event.listen(engine, "connect", hide)
    upgrade(engine)
    return SqlLedger(engine, home)


def tables(engine):
    with engine.connect() as connection:
        return set(connection.execute(text("SELECT name FROM sqlite_master")).scalars())


def test_an_index_is_made_and_mended_when_sqlite_learns_to_search(url, home, engine):
    engine.dispose()
    for path in home.glob("keelway.sqlite*"):
        path.unlink()
    before = old(url, home)
    before.learn([some_lesson()])
    assert INDEX not in tables(before._journal.engine)
    newer = open_database(url)
    upgrade(newer)
    assert INDEX in tables(newer)
    here = SqlLedger(newer, home)
    assert len(here.lessons("xmpp")) == 1
    before.learn([some_lesson("Brew coffee")])
    before.forget_lesson(1, "ann@cli")
    upgrade(newer)
    assert [each.number for each in here.lessons("coffee xmpp driver norgul")] == [2]
    newer.dispose()


def test_the_index_finds_what_the_order_is_worked_out_from(ledger, engine):
    ledger.learn([some_lesson(), some_lesson("Brew coffee", text="hot", files=())])
    with engine.connect() as connection:
        query = text(f"SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH :asked")
        assert connection.execute(query, {"asked": '"coffee"'}).scalars().all() == [2]
        connection.execute(text(f"INSERT INTO {INDEX}({INDEX}, rank) VALUES ('integrity-check', 1)"))


def test_learning_and_forgetting_leave_one_event_each(ledger):
    row, _ = ledger.create(some_request(), "app", "k")
    before = len(ledger.events())
    ledger.learn([some_lesson(), some_lesson("Brew coffee")])
    ledger.learn([some_lesson()])
    ledger.learn([])
    ledger.learn([], told=[1])
    ledger.forget_lesson(2, "ann@cli")
    learnt, told, forgotten = [link.event for link in ledger.events(after=before)]
    assert (learnt.kind, learnt.task, learnt.data) == (
        EventKind.LESSON_LEARNT,
        row.task.id,
        {"lessons": [1, 2], "told": [], "dropped": []},
    )
    assert told.data == {"lessons": [], "told": [1], "dropped": []}
    assert (forgotten.kind, forgotten.actor, forgotten.data["lesson"]) == (
        EventKind.LESSON_FORGOTTEN,
        "ann@cli",
        2,
    )
    assert verify_chain(ledger.events()) is None


@pytest.mark.parametrize("fake", [True, False])
def test_a_bounded_number_is_kept_and_what_is_used_stays(engine, home, fake):
    book = FakeLessonBook(3) if fake else SqlLedger(engine, home, artefacts=ArtefactPolicy(lessons_max=3))
    book.learn([some_lesson(f"n{number}", at=NOW + timedelta(number), strategy=None) for number in range(3)])
    book.learn([], told=[1])
    book.learn([some_lesson("n3", at=NOW + timedelta(3), strategy=None)])
    assert {each.title for each in book.lessons()} == {"n0", "n2", "n3"}
    assert book.lessons("n1") == ()
    assert book.learn([some_lesson("ancient", at=NOW - timedelta(9), strategy=None)]) == ()


def test_what_was_dropped_is_named(engine, home):
    book = SqlLedger(engine, home, artefacts=ArtefactPolicy(lessons_max=1))
    book.learn([some_lesson("one", strategy=None), some_lesson("two", strategy=None)])
    assert book.events()[-1].event.data == {"lessons": [1, 2], "told": [], "dropped": [1]}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    st.text(max_size=40)
    | st.lists(
        st.sampled_from(["xmpp", '"', "AND", "OR", "NOT", "NEAR", "*", "(", ")", ":", "-", "^", "'"])
    ).map(" ".join)
)
def test_no_query_breaks_a_search_and_all_find_the_same(tmp_path_factory, books, query):
    fake, indexed, plain = books
    found = [each.key for each in fake.lessons(query)]
    assert [each.key for each in indexed.lessons(query)] == found
    assert [each.key for each in plain.lessons(query)] == found


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    homes = [tmp_path_factory.mktemp(name) for name in ("indexed", "plain")]
    urls = [f"sqlite:///{home / 'keelway.sqlite'}" for home in homes]
    engine = open_database(urls[0])
    upgrade(engine)
    made = (FakeLessonBook(), SqlLedger(engine, homes[0]), old(urls[1], homes[1]))
    words = (
        "xmpp and or not near",
        "near the driver",
        'quote " and star *',
        "Größe \u00b2 über \u4e2d\u6587 0x1f",
        "not xmpp",
    )
    lessons = [
        some_lesson(title, task=f"T-{number}", at=NOW + timedelta(number))
        for number, title in enumerate(words)
    ]
    for book in made:
        book.learn(lessons)
    yield made
    engine.dispose()


def test_a_strategy_of_a_newer_version_is_readable(ledger, engine):
    ledger.learn([some_lesson()])
    with engine.connect() as connection, connection.begin():
        newer = "UPDATE keel_lessons SET strategy = json_set(strategy, '$.mood', 'good')"
        connection.execute(text(newer))
    (lesson,) = ledger.lessons()
    assert isinstance(lesson.strategy, Strategy)
    assert lesson == replace(some_lesson(), number=1)


def test_dashboards_can_read_lessons(ledger, engine):
    ledger.learn([some_lesson()])
    with engine.connect() as connection:
        row = connection.execute(text("SELECT title, outcome FROM agent_lessons")).one()
    assert tuple(row) == ("Add the XMPP driver", "failed")
