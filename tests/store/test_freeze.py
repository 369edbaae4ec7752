"""The emergency stop holds whenever it is not certain that it does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.errors import YourFault
from keelway.core.rule.freeze import Freeze
from keelway.store.freeze import lift_freeze, read_freeze, set_freeze

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def test_no_file_is_no_freeze(tmp_path):
    assert read_freeze(tmp_path) == Freeze()


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_freeze_is_read_as_it_was_set(tmp_path_factory, by, reason):
    home = tmp_path_factory.getbasetemp()
    freeze = set_freeze(home, by=by, reason=reason, since=SINCE)
    assert freeze == read_freeze(home) == Freeze(active=True, by=by, reason=reason, since=SINCE)
    assert lift_freeze(home)
    assert not lift_freeze(home)
    assert not read_freeze(home).active


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b'{"by": 1, "reason": 2, "since": 3}',
        b"x" * 100_000,
        b"[" * 60_000,
    ]
    + [
        json.dumps({"by": "a", "reason": "b", "since": since}).encode()
        for since in ("", "2026-01-01T00:00:00")
    ],
)
def test_a_file_that_cannot_be_understood_is_a_freeze(tmp_path, content):
    (tmp_path / "FREEZE").write_bytes(content)
    assert read_freeze(tmp_path).active


def test_whatever_is_in_the_way_is_a_freeze(tmp_path):
    assert read_freeze(tmp_path / "no such home").active
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "FREEZE").mkdir()
    assert read_freeze(tmp_path / "a").active
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "FREEZE").symlink_to("nowhere")
    assert read_freeze(tmp_path / "b").active
    (tmp_path / "c").write_text("a file, not a home")
    assert read_freeze(tmp_path / "c").active


def test_what_cannot_be_written_is_told_with_a_way_out(tmp_path):
    with pytest.raises(YourFault) as caught:
        set_freeze(tmp_path / "no such home", by="a", reason="b", since=SINCE)
    assert "by hand" in caught.value.hint
    (tmp_path / "FREEZE").mkdir()
    with pytest.raises(YourFault):
        lift_freeze(tmp_path)
