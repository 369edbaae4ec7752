"""The token of scrapers survives restarts and is its owner's alone."""

from __future__ import annotations

import stat

import pytest

from keelway.core.errors import YourFault
from keelway.telemetry.token import NAME, scrape_token


def test_it_is_made_once_and_kept(tmp_path):
    token = scrape_token(tmp_path)
    assert len(token) >= 32
    assert scrape_token(tmp_path) == token
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert scrape_token(tmp_path / "other") != token


def test_one_of_your_own_is_taken(tmp_path):
    (tmp_path / NAME).write_text("x" * 40 + "\n")
    assert scrape_token(tmp_path) == "x" * 40


@pytest.mark.parametrize("content", ["", "short", "a b" * 20, "x" * 500, "ä" * 40])
def test_what_is_no_token_opens_nothing(tmp_path, content):
    (tmp_path / NAME).write_text(content)
    with pytest.raises(YourFault, match=NAME):
        scrape_token(tmp_path)


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("x" * 40)
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(YourFault, match="cannot be used"):
        scrape_token(tmp_path)
