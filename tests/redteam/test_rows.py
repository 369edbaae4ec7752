"""The catalogue is whole: each row names tests that exist, or says why none of stages 1 to 4 concerns it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.redteam.page import BEGIN, END, PAGE, table
from tests.redteam.rows import ROWS, Row

ROOT = Path(__file__).parents[2]
IDS = [
    "A01",
    "A02",
    "A03",
    "A04",
    "A05",
    "A06",
    "A07",
    "A08",
    "A09",
    "A10",
    "A11",
    "A12",
    "A13",
    "A19",
    "A21",
    "A23",
    "A25",
    "B01",
    "B02",
    "B03",
    "B04",
    "B07",
    "B08",
    "B09",
    "B10",
    "B12",
    "B14",
    "B15",
    "B16",
    "B17",
    "B18",
    "B20",
    "B23",
    "B24",
    "C01",
    "C02",
    "C04",
    "C07",
    "C08",
    "C09",
    "C10",
    "C12",
    "C14",
    "C15",
    "D01",
    "D02",
    "D03",
    "D04",
    "D07",
    "D08",
    "D10",
    "D11",
    "E01",
    "E02",
    "E03",
    "E05",
    "E06",
    "E07",
    "E08",
    "E10",
    "E12",
    "E13",
    "E14",
    "F01",
    "F02",
    "F03",
    "F06",
    "F07",
    "F09",
    "F10",
    "F13",
    "F14",
    "G01",
    "G02",
    "G03",
    "G04",
    "G06",
    "G09",
    "G10",
    "G11",
    "G12",
    "G15",
    "G16",
    "G17",
    "G18",
    "G20",
    "G22",
    "G23",
    "H01",
    "H02",
    "H03",
    "H05",
    "H06",
    "H07",
    "H08",
    "H10",
    "H12",
    "H13",
    "H14",
    "H16",
]


def test_no_row_is_missing_and_none_is_there_twice():
    assert [row.id for row in ROWS] == IDS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_names_tests_and_twins_that_exist_or_says_why_not(row: Row):
    if row.beyond:
        assert (row.tests, row.twins) == ((), ())
        return
    assert row.stop
    assert row.tests, "an attack without a test"
    assert row.twins, "an attack without its honest twin"
    for name in (*row.tests, *row.twins):
        path, _, test = name.partition("::")
        assert f"def {test}(" in (ROOT / path).read_text(), name


def test_whatever_the_red_team_tests_is_in_the_catalogue_or_its_own_twin():
    text = (ROOT / "tests" / "redteam" / "rows.py").read_text()
    known = {name.partition("::")[2] for row in ROWS for name in (*row.tests, *row.twins)}
    assert text
    loose = [
        f"{path.name}::{name}"
        for path in sorted((ROOT / "tests" / "redteam").glob("test_*.py"))
        if path.name not in {"test_rows.py", "test_honest.py"}
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
        if name not in known
    ]
    assert loose == []


def test_the_page_is_made_from_the_catalogue():
    text = PAGE.read_text()
    assert text.split(BEGIN)[1].split(END)[0].strip() == table().strip(), "run: python -m tests.redteam.page"
