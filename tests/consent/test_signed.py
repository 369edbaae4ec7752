"""H12: a cut tail, a rewritten chain and a bad signature are found by the signed heads."""

from __future__ import annotations

import json
import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from keelway.clients.sign.signer import Signer, open_envelope
from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.event import GENESIS, Event, EventKind
from keelway.store.chain import seal as module
from keelway.store.chain.audit import Report, verify
from keelway.store.chain.journal import link_hash
from keelway.store.chain.seal import FILE, KEY, KIND, PUBLIC, Seal
from keelway.store.chain.witness import Head
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GUARDS = ("keel_events_no_update", "keel_events_no_delete")


@pytest.fixture
def home(tmp_path):
    """A home whose ten events are signed after the sixth and after the ninth."""
    home = tmp_path / "home"
    database = open_database(f"sqlite:///{home}/keelway.sqlite")
    upgrade(database)
    seal = Seal(home, "harbour")
    ledger = SqlLedger(database, home, seal=seal.quietly)
    for number in range(1, 11):
        kind = EventKind.TASK_CLOSED if number in {6, 9} else EventKind.WATCH_CHECKED
        ledger.record(Event(kind, NOW, f"t{number}", key=f"k{number}"))
    database.dispose()
    return home


def look(home: Path, **kept: str) -> Report:
    database = open_database(f"sqlite:///{home}/keelway.sqlite")
    try:
        return verify(database, home, **kept)
    finally:
        database.dispose()


def forge(home: Path, *statements: str) -> None:
    """Write to the database as somebody who got past every guard."""
    connection = sqlite3.connect(home / "keelway.sqlite", isolation_level=None)
    for guard in GUARDS:
        connection.execute(f"DROP TRIGGER {guard}")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def rewrite(home: Path, *, keep: int) -> None:
    """Cut the tail after ``keep`` events and make everything in the home fit, except what needs the key."""
    forge(home, f"DELETE FROM keel_events WHERE sequence > {keep}")
    connection = sqlite3.connect(home / "keelway.sqlite", isolation_level=None)
    previous = GENESIS
    for sequence, body in connection.execute(
        "SELECT sequence, body FROM keel_events ORDER BY sequence"
    ).fetchall():
        fresh = body.replace('"t3"', '"x3"')
        told = (link_hash(previous, sequence, fresh), previous, fresh, json.loads(fresh)["task"], sequence)
        connection.execute("UPDATE keel_events SET hash=?, previous=?, body=?, task=? WHERE sequence=?", told)
        previous = told[0]
    connection.execute("UPDATE keel_chain SET sequence=?, hash=?", (keep, previous))
    connection.close()
    (home / "audit.head").write_text(json.dumps({"sequence": keep, "hash": previous}))


def test_an_untouched_chain_fits_its_signed_heads(home):
    """The honest twin: signed at each close of a task."""
    report = look(home)
    assert (report.ok, report.examined, report.signed, report.signed_to) == (True, 10, 2, 9)


def test_h12_a_tail_that_is_cut_off_is_found_though_the_witness_was_forged_as_well(home):
    rewrite(home, keep=8)
    report = look(home)
    assert (report.ok, report.signed) == (False, 2)
    assert report.bad_sequence == 6  # the sixth was signed, and is another one now
    rewrite_nothing = look(home, heads=(home / FILE).read_text().splitlines()[1])
    assert (rewrite_nothing.ok, rewrite_nothing.bad_sequence) == (False, 9)
    assert "Tail lost: 8 events are there, 9 were when they were signed" in rewrite_nothing.sentence


def test_h12_a_chain_that_was_rewritten_whole_is_found(home):
    rewrite(home, keep=10)
    report = look(home)
    assert (report.ok, report.bad_sequence) == (False, 6)
    assert "not the one that was signed" in report.sentence


def test_h12_an_edited_row_is_found_first(home):
    forge(home, "UPDATE keel_events SET body = replace(body, 't4', 'x4') WHERE sequence = 4")
    assert (look(home).ok, look(home).bad_sequence) == (False, 4)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("sig", "gis", 1),
        lambda text: "not json\n" + text,
        lambda text: "",
        lambda text: text.replace(
            json.loads(text.splitlines()[0])["payload"], json.loads(text.splitlines()[1])["payload"], 1
        ),
    ],
)
def test_h12_a_head_whose_signature_is_bad_is_found(home, spoil):
    text = (home / FILE).read_text()
    (home / FILE).write_text(spoil(text))
    report = look(home)
    assert not report.ok
    assert "signed" in report.sentence


def test_h12_who_signs_with_another_key_is_found_by_who_kept_the_public_one(home, tmp_path):
    kept = (home / PUBLIC).read_text()
    rewrite(home, keep=10)
    for name in (FILE, KEY, PUBLIC):
        (home / name).unlink()
    connection = sqlite3.connect(home / "keelway.sqlite")
    sequence, fresh = connection.execute("SELECT sequence, hash FROM keel_chain").fetchone()
    connection.close()
    Seal(home, "harbour")(Head(sequence, fresh), NOW)
    assert look(home).ok, "within the home nothing can be told any more"
    assert not look(home, key=kept).ok


def test_h12_signed_heads_that_are_gone_are_missed(home):
    (home / FILE).unlink()
    assert (look(home).ok, "gone or empty" in look(home).sentence) == (False, True)
    (home / FILE).write_text("x")
    (home / PUBLIC).unlink()
    assert "no signature can be checked" in look(home).sentence


def test_a_home_that_never_signed_says_nothing(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/keelway.sqlite")
    upgrade(database)
    SqlLedger(database, tmp_path).record(Event(EventKind.TASK_CLOSED, NOW))
    database.dispose()
    assert (look(tmp_path).ok, look(tmp_path).signed) == (True, 0)


def test_a_head_is_a_plain_dsse_envelope(home):
    """Anybody can check it with the library alone."""
    line = json.loads((home / FILE).read_text().splitlines()[-1])
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = SSlibKey.from_crypto(load_pem_public_key((home / PUBLIC).read_bytes()))
    envelope = Envelope.from_dict(line)
    envelope.verify([key], 1)
    assert envelope.payload_type == KIND
    assert json.loads(envelope.payload)["sequence"] == 9
    assert stat.S_IMODE((home / KEY).stat().st_mode) == 0o600


def test_the_same_head_is_signed_once_and_old_lines_go(home, monkeypatch):
    monkeypatch.setattr(module, "LINES_MAX", 3)
    seal = Seal(home, "harbour")
    for sequence in (11, 11, 12, 13, 10):
        seal(Head(sequence, "f" * 64), NOW)
    heads = [
        json.loads(open_envelope(json.loads(line), [seal.signer.public_pem]).payload)
        for line in (home / FILE).read_text().splitlines()
    ]
    assert [head["sequence"] for head in heads] == [11, 12, 13]


def test_a_key_that_cannot_be_used_is_told_and_the_book_goes_on(home, tmp_path, caplog):
    (home / KEY).write_text("no key")
    with pytest.raises(YourFault):
        Signer(home / KEY).keyid  # noqa: B018
    Seal(home, "harbour").quietly(Head(11, "f" * 64), NOW)
    assert "could not be signed" in caplog.text
    other = tmp_path / "open.pem"
    Signer(other, make=True).keyid  # noqa: B018
    other.chmod(0o644)
    with pytest.raises(YourFault) as fault:
        Signer(other).keyid  # noqa: B018
    assert "chmod 600" in fault.value.hint


@pytest.mark.parametrize(
    "plain", [None, {}, [], "x", {"payload": "AA==", "payloadType": "x", "signatures": []}]
)
def test_what_is_no_envelope(plain, tmp_path):
    signer = Signer(tmp_path / "k.pem", make=True)
    with pytest.raises(TheirFault):
        open_envelope(plain, [signer.public_pem])
    with pytest.raises(YourFault):
        open_envelope(plain, ["no key"])


def test_looking_into_an_envelope_leaves_it_whole(tmp_path):
    signer = Signer(tmp_path / "k.pem", make=True)
    plain = signer.envelope(b"x", "kind")
    for _ in range(2):
        assert open_envelope(plain, [signer.public_pem]).payload == b"x"
