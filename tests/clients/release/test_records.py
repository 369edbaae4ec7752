"""A release is recorded last, so that its record means: complete."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from keelway.clients.places import Places
from keelway.clients.release.records import NAME, Records
from keelway.core.errors import TheirFault, YourFault


@dataclass(frozen=True)
class Built:
    release: str
    sha: str
    digests: tuple[str, ...] = ()


@pytest.fixture
def records(tmp_path: Path) -> Records[Built]:
    return Records(Built, Places(tmp_path))


def test_what_was_saved_is_found_until_it_is_forgotten(records, tmp_path):
    one, two = Built("r-1", "a", ("x@sha256:1",)), Built("r-2", "b")
    assert records.built("staging") == ()
    for record in (two, one):
        records.save("staging", record)
    (tmp_path / "releases/staging/r-3").mkdir()
    assert records.built("staging") == (one, two)
    assert records.find("staging", "r-3") is None
    assert records.insist("staging", "r-1") == one
    for _ in range(2):
        records.forget("staging", "r-1")
    with pytest.raises(YourFault) as caught:
        records.insist("staging", "r-1")
    assert caught.value.code == "no_release"


@pytest.mark.parametrize("text", ["", "[]", '{"release": "r-1"}', '{"release": 1, "sha": "a"}', "\xff"])
def test_a_damaged_record_is_said(records, tmp_path, text):
    place = tmp_path / "releases/staging/r-1"
    place.mkdir(parents=True)
    (place / NAME).write_text(text)
    with pytest.raises(TheirFault) as caught:
        records.find("staging", "r-1")
    assert caught.value.code == "release_damaged"
