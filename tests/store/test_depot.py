"""One contract for every place of large artefacts, and for the ledger on each of them."""

from __future__ import annotations

import hashlib
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from tests.store.bucket import Bucket

from keelway.core.errors import TheirFault, YourFault
from keelway.core.policy import ArtefactPolicy
from keelway.store.depot.choose import open_depot
from keelway.store.depot.depot import Depot
from keelway.store.ledger import SqlLedger

RAW = b"\x89PNG\0\xff bytes that are no text"
SHA = hashlib.sha256(RAW).hexdigest()
LARGE = ArtefactPolicy(inline_bytes_max=10)
SMALL = ArtefactPolicy(inline_bytes_max=1_000_000)


@pytest.fixture
def bucket(monkeypatch) -> Iterator[Bucket]:
    served = Bucket()
    for name, value in served.environment().items():
        monkeypatch.setenv(name, value)
    yield served
    served.stop()


@pytest.fixture(params=["files", "s3"])
def depot(request, tmp_path) -> Depot:
    if request.param == "files":
        return open_depot("", tmp_path)
    request.getfixturevalue("bucket")
    return open_depot("s3://artefacts/of/the-shop", tmp_path)


@contextmanager
def no_room(bytes_max: int) -> Iterator[None]:
    """Let no file of this process grow beyond a bound, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class TestDepot:
    def test_bytes_come_back_as_they_were(self, depot):
        for _ in range(2):
            depot.put(SHA, RAW)
            assert depot.get(SHA) == RAW
        items = list(depot.items())
        assert [(item.name, item.size_bytes) for item in items] == [(SHA, len(RAW))]
        assert abs(items[0].modified_at - datetime.now(UTC)) < timedelta(minutes=5)

    def test_half_of_a_content_is_written_anew(self, depot):
        depot.put(SHA, RAW[:5])
        depot.put(SHA, RAW)
        assert depot.get(SHA) == RAW

    def test_what_is_gone_is_told_with_a_next_step(self, depot):
        with pytest.raises(TheirFault) as caught:
            depot.get(SHA)
        assert caught.value.code == "artefact_lost"
        assert caught.value.hint

    def test_removing_may_be_repeated_and_leaves_the_others(self, depot):
        names = [f"{digit}" * 64 for digit in range(8)]
        for name in names:
            depot.put(name, name.encode())
        for _ in range(2):
            depot.remove(names[0])
        assert sorted(item.name for item in depot.items()) == names[1:]

    def test_an_empty_depot_holds_nothing(self, depot):
        assert list(depot.items()) == []


@pytest.fixture(params=["the store", "files", "s3"])
def ledger(request, engine, home) -> SqlLedger:
    if request.param == "the store":
        return SqlLedger(engine, home, artefacts=SMALL)
    if request.param == "files":
        return SqlLedger(engine, home, artefacts=LARGE)
    request.getfixturevalue("bucket")
    return SqlLedger(engine, home, artefacts=LARGE, depot=open_depot("s3://artefacts", home))


class TestLedger:
    def test_bytes_and_text_are_kept_by_their_hash(self, ledger):
        reference = ledger.save_artefact("t", "shot.png", RAW, "image/png")
        assert reference == f"sha256:{SHA}"
        assert ledger.artefact_bytes(reference) == RAW
        assert "bytes that are no text" in ledger.artefact(reference)
        text = ledger.save_artefact("t", "note", "grün \ud800 and longer than ten")
        assert ledger.artefact(text) == "grün \ud800 and longer than ten"

    def test_they_go_and_may_come_back(self, ledger):
        reference = ledger.save_artefact("t", "a", RAW)
        later = datetime.now(UTC) + timedelta(days=8)
        assert ledger.sweep(later, keep={"t"}) == 0
        assert ledger.artefact_bytes(reference) == RAW
        assert ledger.sweep(later) == 1
        with pytest.raises(YourFault, match="retention is over"):
            ledger.artefact_bytes(reference)
        assert list(ledger._depot.items()) == []
        assert ledger.save_artefact("u", "b", RAW) == reference
        assert ledger.artefact_bytes(reference) == RAW

    def test_a_shared_content_stays_with_the_task_that_needs_it(self, ledger):
        reference = ledger.save_artefact("t", "a", RAW)
        ledger.save_artefact("u", "a", RAW)
        assert ledger.sweep(datetime.now(UTC) + timedelta(days=8), keep={"u"}) == 0
        assert ledger.artefact_bytes(reference) == RAW


def test_a_sweep_finishes_what_a_killed_one_began(engine, home):
    class Killed(SqlLedger):
        def _drop(self, item, now):
            raise KeyboardInterrupt

    reference = SqlLedger(engine, home, artefacts=LARGE).save_artefact("t", "a", RAW)
    later = datetime.now(UTC) + timedelta(days=8)
    with pytest.raises(KeyboardInterrupt):
        Killed(engine, home, artefacts=LARGE).sweep(later)
    ledger = SqlLedger(engine, home, artefacts=LARGE)
    assert [item.name for item in ledger._depot.items()] == [SHA]
    assert ledger.sweep(later) == 0
    assert list(ledger._depot.items()) == []
    with pytest.raises(YourFault):
        ledger.artefact(reference)


def test_a_sweep_that_removes_while_somebody_saves_loses_nothing(engine, home):
    """The saver's row becomes live after the sweep has looked and before it removes: the worst moment."""
    ledger = SqlLedger(engine, home, artefacts=LARGE)
    reference = ledger.save_artefact("t", "a", RAW)
    later = datetime.now(UTC) + timedelta(days=8)

    class Late(SqlLedger):
        def _drop(self, item, now):
            ledger.save_artefact("u", "a", RAW)
            super()._drop(item, now)

    Late(engine, home, artefacts=LARGE).sweep(later)
    assert ledger.artefact_bytes(reference) == RAW


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the bound of the file size is Linux's")
def test_a_full_disk_leaves_nothing_half_written(engine, home):
    ledger = SqlLedger(engine, home, artefacts=LARGE)
    before = ledger.events()[-1:]
    with no_room(50_000), pytest.raises(TheirFault) as caught:
        ledger.save_artefact("t", "large", b"x" * 100_000)
    assert (caught.value.code, bool(caught.value.hint)) == ("disk_full", True)
    assert (list(ledger._depot.items()), ledger.artefacts("t")) == ([], ())
    assert ledger.events()[-1:] == before
    assert ledger.save_artefact("t", "large", b"x" * 100_000)


def test_an_object_store_that_is_away_is_told_and_nothing_is_recorded(engine, home, bucket):
    depot = open_depot("s3://artefacts", home)
    ledger = SqlLedger(engine, home, artefacts=LARGE, depot=depot)
    bucket.broken = True
    with pytest.raises(TheirFault) as caught:
        ledger.save_artefact("t", "a", RAW)
    assert (caught.value.code, "AWS_ENDPOINT_URL" in caught.value.hint) == ("artefacts_unavailable", True)
    assert (ledger.artefacts("t"), ledger.events()) == ((), ())
    bucket.broken = False
    assert ledger.artefact_bytes(ledger.save_artefact("t", "a", RAW)) == RAW


def test_wrong_keys_are_refused_without_showing_them(bucket, home, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a wrong secret")
    with pytest.raises(TheirFault) as caught:
        open_depot("s3://artefacts", home).put(SHA, RAW)
    assert "403" in caught.value.message
    assert "a wrong secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["s3://", "s3://X", "http://bucket", "/tmp/place", "s3:bucket", "s3://b ucket"]
)
def test_other_addresses_are_refused(address, tmp_path):
    with pytest.raises(YourFault) as caught:
        open_depot(address, tmp_path)
    assert caught.value.code == "bad_artefacts_url"


def test_without_its_package_the_next_command_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(YourFault) as caught:
        open_depot("s3://artefacts", tmp_path)
    assert (caught.value.code, caught.value.hint) == ("driver_missing", 'pip install "keelway[s3]"')
