"""Artefacts: small ones in the database, large ones as files, all gone when their time is over."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.event import EventKind
from keelway.core.policy import ArtefactPolicy
from keelway.store.ledger import SqlLedger

SMALL, LARGE = "s" * 10, "l" * 11


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(engine, home, clock):
    return SqlLedger(
        engine, home, artefacts=ArtefactPolicy(inline_bytes_max=10, retention_days=7), clock=clock
    )


def files(home: Path) -> list[Path]:
    return [path for path in (home / "artefacts").rglob("*") if path.is_file()]


def test_only_large_ones_are_files(ledger, home):
    small = ledger.save_artefact("t", "small", SMALL)
    assert files(home) == []
    large = ledger.save_artefact("t", "large", LARGE, "text/x-diff")
    assert [path.name for path in files(home)] == [large.removeprefix("sha256:")]
    assert [ledger.artefact(reference) for reference in (small, large)] == [SMALL, LARGE]
    told = [(entry["name"], entry["media_type"], entry["bytes"]) for entry in ledger.artefacts("t")]
    assert told == [("small", "text/plain", 10), ("large", "text/x-diff", 11)]


def test_they_go_when_their_time_is_over(ledger, home, clock):
    references = [ledger.save_artefact("t", text[0], text) for text in (SMALL, LARGE)]
    assert ledger.sweep(clock.now + timedelta(days=7)) == 0
    assert ledger.sweep(clock.now + timedelta(days=7, seconds=1)) == 2
    assert files(home) == []
    for reference in references:
        with pytest.raises(YourFault) as caught:
            ledger.artefact(reference)
        assert caught.value.code == "artefact_expired"
    assert ledger.events()[-1].event.kind is EventKind.CONTROL_CHANGED
    assert ledger.save_artefact("u", "again", LARGE) == references[1]
    assert ledger.artefact(references[1]) == LARGE


def test_saving_again_starts_the_time_anew(ledger, clock):
    reference = ledger.save_artefact("t", "a", LARGE)
    clock.now += timedelta(days=6)
    ledger.save_artefact("u", "b", LARGE)
    assert ledger.sweep(clock.now + timedelta(days=2)) == 0
    assert ledger.artefact(reference) == LARGE


def test_files_of_nobody_are_swept_after_a_day(ledger, home, clock):
    kept = ledger.save_artefact("t", "a", LARGE)
    folder = files(home)[0].parent
    for name, age in (
        (folder.name + "0" * 62, 0),
        (folder.name + "1" * 62, 90_000),
        (f"{folder.name}x.1.2.new", 90_000),
    ):
        (folder / name).write_text("stray")
        os.utime(folder / name, (clock.now.timestamp() - age,) * 2)
    assert ledger.sweep(clock.now) == 0
    assert {path.name for path in files(home)} == {kept[7:], folder.name + "0" * 62}


def test_a_lost_or_changed_file_is_told(ledger, home):
    reference = ledger.save_artefact("t", "a", LARGE)
    path = files(home)[0]
    path.write_text("forged")
    with pytest.raises(TheirFault, match="changed"):
        ledger.artefact(reference)
    path.unlink()
    with pytest.raises(TheirFault, match="cannot be read"):
        ledger.artefact(reference)
    ledger.save_artefact("t", "a", LARGE)
    assert ledger.artefact(reference) == LARGE
