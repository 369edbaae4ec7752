"""A flood that claims to be old is told by the size of the log, which nobody who writes lines can choose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.adapters.signal.mast import FrontMast, front_mast

from keelway.adapters.signal.front.volume import VOLUME_BYTES_MAX, log_size
from keelway.core.observe.sight import Stand


@pytest.fixture
def mast(tmp_path: Path) -> Iterator[FrontMast]:
    with front_mast(tmp_path) as made:
        made.clean()
        yield made


def flood(mast: FrontMast) -> None:
    line = json.dumps({"time": mast.start.timestamp(), "level": "INFO", "message": "well " * 2_000}) + "\n"
    with mast.log.open("a") as file:
        file.writelines([line] * (VOLUME_BYTES_MAX // len(line) + 1))


def test_lines_that_claim_to_be_old_are_a_flood_all_the_same(mast: FrontMast) -> None:
    mast.write(time=mast.start.isoformat(), level="INFO", message="well")
    at = [mast.start + timedelta(seconds=seconds) for seconds in (60, 70, 80)]
    past = mast.signal.past("production", "new", mast.start, at[0])
    assert past.log_size == log_size(mast.log) > 0
    first = mast.signal.look("production", "new", Stand(at[0], at[0], at[1], 10.0, (), past.log_size))
    assert (first.log_dropped, first.log_bytes, first.log_size) == (False, 0, past.log_size)
    flood(mast)
    stand = Stand(at[1], at[1], at[2], 10.0, (), first.log_size)
    second = mast.signal.look("production", "new", stand)
    assert second.log_dropped
    assert second.log_bytes >= VOLUME_BYTES_MAX
    unknown = mast.signal.look("production", "new", replace(stand, log_size=-1))
    assert not unknown.log_dropped


def test_what_was_rotated_out_belongs_to_the_log(tmp_path: Path) -> None:
    path = tmp_path / "app.jsonl"
    assert log_size(path) == 0
    path.write_text("x" * 10)
    (tmp_path / "app.jsonl.1").write_text("y" * 5)
    assert log_size(path) == 15


def test_a_release_that_was_taken_back_is_no_yardstick(mast: FrontMast) -> None:
    mast.write(time=(mast.start + timedelta(seconds=70)).isoformat(), level="INFO", message="well")
    until = mast.start + timedelta(seconds=120)
    past = mast.signal.past("production", "newest", mast.start, until)
    assert sum(route.errors for route in past.routes) > 0
    assert past.log_bytes_per_second > 0
    clean = mast.signal.past("production", "newest", mast.start, until, ("new",))
    assert sum(route.requests for route in clean.routes) == 600
    assert sum(route.errors for route in clean.routes) == 0
    assert clean.log_bytes_per_second == 0
