"""The reference page says what the tables and views are, and the store stays quick."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelway.store.tables import METADATA
from keelway.store.tables.reference import inserted
from keelway.store.tables.views import VIEWS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "store.md"


def test_the_page_is_in_step_with_the_code():
    page = PAGE.read_text(encoding="utf-8")
    assert page == inserted(page), "run: python -m keelway.store.tables.reference docs/reference/store.md"


def test_every_column_and_view_is_explained():
    for table in METADATA.tables.values():
        assert all(column.doc for column in table.columns), table.name
    assert all(view.purpose for view in VIEWS)


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError):
        inserted("# Store")
