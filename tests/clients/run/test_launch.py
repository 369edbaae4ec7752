"""Blanks are filled in once, and a value cannot leave the place that it is put in."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.clients.run import Limits, Order, blanks_in, fill
from keelway.clients.run.launch import Launch, fill_file
from keelway.clients.run.room import Room
from keelway.clients.run.stage import Stage
from keelway.core.errors import YourFault


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    assert fill("${a}-${b}", {"a": "${b}", "b": "x"}) == "${b}-x"


def test_what_is_no_blank_stays() -> None:
    assert fill("$HOME $${x} {env:X} ${Y}", {"home": "/h"}) == "$HOME $${x} {env:X} ${Y}"
    assert blanks_in("${a} ${b_c} $d ${E}") == {"a", "b_c"}


@given(st.text())
def test_a_value_cannot_leave_its_quotes(value: str) -> None:
    assert json.loads(fill_file("x.json", '{"key": "${v}"}', {"v": value})) == {"key": value}


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x7f")))
def test_a_value_cannot_leave_its_quotes_in_toml(value: str) -> None:
    assert tomllib.loads(fill_file("x.toml", 'key = "${v}"', {"v": value})) == {"key": value}


@pytest.mark.parametrize("path", ["/etc/cron.d/x", "../x", "a/../../x"])
def test_a_file_of_a_launch_lies_in_the_home(tmp_path: Path, path: str) -> None:
    order = Order("T-1", "dev", 1, "", "Do it.", Limits())
    room = Room(tmp_path, "T-1", "dev", 1)
    room.enter(0.1)
    stage = Stage(Launch("x", ("true",), str(tmp_path), files={path: "x"}), order, room)
    with pytest.raises(YourFault):
        stage.set_up("m", greet_only=False)
