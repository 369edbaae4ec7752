"""What a restore loses, which backups may go, and whether two states are the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.backup.backup import Backup, Loss, Part, joined, loss_by_change, loss_by_count
from keelway.core.backup.keep import choose_over
from keelway.core.backup.likeness import Likeness, differences
from keelway.core.codec import from_json, to_json

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNTS = st.dictionaries(st.sampled_from(["ships", "cargo", "uploads/"]), st.integers(0, 50))


def backup(number: int, days: float = 0) -> Backup:
    return Backup(f"b{number}", "production", "/x", "0", 1, NOON - timedelta(days=days))


def test_a_record_of_an_earlier_version_is_one_file_of_sqlite():
    old = {"id": "b", "environment": "production", "path": "/b.sqlite", "sha256": "s", "size_bytes": 3}
    read = from_json(Backup, {**old, "taken_at": NOON.isoformat(), "rows": {"ships": 2}})
    assert read.files == (Part("sqlite", "/b.sqlite", "s", 3, {"ships": 2}),)
    new = replace(read, parts=(Part("postgres", "/b.pgdump", "t", 4),))
    assert from_json(Backup, to_json(new)).files == new.parts


def test_loss_by_count_names_what_is_more_and_what_comes_back():
    loss = loss_by_count({"ships": 5, "cargo": 1, "same": 2}, {"ships": 3, "cargo": 4, "same": 2, "new": 1})
    assert (loss.rows, loss.returning, loss.total) == ({"cargo": 3, "new": 1}, {"ships": 2}, 4)
    assert loss.words == "3 rows of cargo, 1 rows of new, 2 rows of ships deleted since (they come back)"
    assert Loss().words == ""


def test_nothing_lost_has_no_words():
    assert Loss({"ships": 0}).words == ""


def test_a_row_that_was_altered_is_gone_and_new():
    loss = loss_by_change({"ships": 5, "uploads/": 1}, {"ships": 2, "cargo": 3})
    assert loss == Loss({"ships": 3, "uploads/": 1}, {"ships": 2}, {"cargo": 3})
    assert loss.total == 6
    assert loss.words.startswith("3 rows of ships, 1 files of uploads/, 2 rows of ships as altered since")


@given(COUNTS, COUNTS)
def test_nothing_is_counted_twice(new, gone):
    loss = loss_by_change(new, gone)
    for table in {*new, *gone}:
        assert loss.rows.get(table, 0) + loss.changed.get(table, 0) == new.get(table, 0)
        assert loss.returning.get(table, 0) + loss.changed.get(table, 0) == gone.get(table, 0)
    assert 0 not in {*loss.rows.values(), *loss.changed.values(), *loss.returning.values()}


def test_the_losses_of_parts_are_joined():
    assert joined([Loss({"a": 1}), Loss({"b": 2}, {"b": 1}, {"c": 3})]) == Loss(
        {"a": 1, "b": 2}, {"b": 1}, {"c": 3}
    )


def test_old_backups_go_but_for_the_newest_and_those_that_are_needed():
    kept = [backup(number, days=number * 10) for number in range(6)]
    over = choose_over(kept, needed=frozenset({"b4"}), before=NOON - timedelta(days=15), at_least=2)
    assert [one.id for one in over] == ["b2", "b3", "b5"]
    assert choose_over(kept, needed=frozenset(), before=NOON - timedelta(days=15), at_least=6) == ()
    assert len(choose_over(kept, needed=frozenset(), before=NOON + timedelta(days=1), at_least=-1)) == 6
    assert choose_over(kept, needed=frozenset(), before=NOON - timedelta(days=90), at_least=0) == ()


def test_the_same_state_has_no_differences():
    state = Likeness(("CREATE TABLE a (x)",), {"a": 2}, {"a": "7"})
    assert differences(state, state) == ()
    assert state.total == 2


def test_every_kind_of_difference_is_named():
    then = Likeness(
        ("CREATE TABLE a", "CREATE   TABLE " + "b" * 200), {"a": 2, "b": 1, "c": 3}, {"a": "7", "c": "1"}
    )
    now = Likeness(("CREATE TABLE d",), {"a": 2, "c": 4, "d": 0}, {"a": "8", "c": "2"})
    found = differences(then, now)
    assert "gone from the schema: CREATE TABLE a" in found
    assert any(
        line.startswith("gone from the schema: CREATE TABLE bbb") and line.endswith("…") for line in found
    )
    assert found[-4:] == (
        "c: 3 rows, now 4",
        "b: the table is gone",
        "d: a table more",
        "a: other contents",
    )
    assert "a: other contents" not in differences(then, now, contents=False)
