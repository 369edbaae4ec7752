"""What was judged and released is proven by signed statements that anybody can check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from tests.cli.conftest import make_terminal, type_here
from tests.workflows.world import BASE_FILES, TRUSTING

from keelway.core.attest.statement import PROVING, SUMMARY
from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.lifecycle import Status
from keelway.store.chain.journal import Journal
from keelway.store.chain.seal import Seal

pytestmark = pytest.mark.long

__all__ = ["make_terminal", "type_here"]

LOCK = '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.2.3"}}}'


@pytest.fixture
def shop(make_terminal):
    """A terminal before a project in which a task went live and the end of the record was signed."""
    shop = make_terminal(policy=TRUSTING, files={**BASE_FILES, "package-lock.json": LOCK})
    world = shop.house.world
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    sign(world)
    return shop


def sign(world) -> None:
    """Sign the present end of the record, as the control plane does."""
    Journal(world.database, world.home, seal=Seal(world.home, "fake")).sign()


def attested(shop, tmp_path) -> Path:
    path = tmp_path / "T-1.intoto.jsonl"
    said = shop("audit", "--task", "T-1", "--attest", str(path))
    assert said.code == 0, said.err
    return path


def test_each_verdict_and_each_release_is_attested(shop, tmp_path):
    """By the library alone: every line is an envelope of ours, and every gate has its statement."""
    key = SSlibKey.from_crypto(load_pem_public_key((shop.house.world.home / "audit.pub").read_bytes()))
    statements = []
    for line in attested(shop, tmp_path).read_text().splitlines():
        envelope = Envelope.from_dict(json.loads(line))
        envelope.verify([key], 1)
        statements.append(json.loads(envelope.payload))
    gates = [each["predicate"]["gate"] for each in statements if each["predicateType"] != SUMMARY]
    assert set(PROVING) <= set(gates)
    (summary,) = [each for each in statements if each["predicateType"] == SUMMARY]
    assert summary["predicate"]["verificationResult"] == "PASSED"
    assert len(summary["predicate"]["inputAttestations"]) == len(gates)
    merge = next(each for each in statements if each["predicate"].get("gate") == "merge")
    digests = [subject["digest"] for subject in merge["subject"]]
    assert [list(digest) for digest in digests] == [["gitCommit"]]
    named = {
        each["predicate"]["gate"]: list(each["subject"][0]["digest"])
        for each in statements
        if "gate" in each["predicate"]
    }
    assert [named[gate] for gate in PROVING[1:]] == [["sha256"], *[["gitCommit"]] * 4]


def test_statements_are_checked_anywhere(shop, type_here, tmp_path):
    """The public key is all that is needed."""
    path, key = attested(shop, tmp_path), tmp_path / "kept.pub"
    key.write_text(shop("audit", "--public-key").out)
    said = shop("audit", "--check", str(path))
    assert said.code == 0, said.out
    assert "gate merge: pass" in said.out
    elsewhere = type_here(
        "audit", "--check", str(path), "--key", str(key), "--json", home=tmp_path / "nowhere"
    )
    assert elsewhere.code == 0
    assert all(each["ok"] for each in json.loads(elsewhere.out))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line.replace('"payload": "', '"payload": "A', 1),
        lambda line: line.replace("in-toto", "in-tota"),
        lambda _: "{}",
        lambda _: "[" * 100_000,
    ],
)
def test_h12_a_statement_that_was_altered_is_bad(shop, tmp_path, spoil):
    path = attested(shop, tmp_path)
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([spoil(first), *rest]) + "\n")
    said = shop("audit", "--check", str(path))
    assert said.code == 1
    assert "1 BAD" in said.out
    assert f"{len(rest)} of {len(rest) + 1}" in said.out


def test_nothing_to_check_is_not_good(shop, tmp_path):
    (tmp_path / "empty").write_text("\n")
    assert shop("audit", "--check", str(tmp_path / "empty")).code == 1
    assert shop("audit", "--check", str(tmp_path / "gone")).code == 2
    assert shop("audit", "--attest", str(tmp_path / "x")).code == 2
    assert not (tmp_path / "x").exists()


def test_a_signed_head_is_no_statement(shop, tmp_path):
    """The kind of what was signed is signed as well."""
    (tmp_path / "head").write_text(shop("audit", "--head").out)
    said = shop("audit", "--check", str(tmp_path / "head"))
    assert (said.code, "no statement" in said.out) == (1, True)


def test_h12_what_was_kept_elsewhere_finds_a_record_that_was_made_anew(shop, tmp_path):
    head, key = tmp_path / "head", tmp_path / "key"
    head.write_text(shop("audit", "--head").out)
    key.write_text(shop("audit", "--public-key").out)
    kept = ("audit", "--verify", "--heads", str(head), "--key", str(key))
    good = shop(*kept)
    assert (good.code, "1 signed head(s) fit" in good.out) == (0, True)
    (shop.house.world.home / "audit.key").unlink()
    Seal(shop.house.world.home, "fake").signer.envelope(b"", "x")
    (tmp_path / "other").write_text(Seal(shop.house.world.home, "fake").signer.public_pem)
    assert shop("audit", "--verify", "--heads", str(head), "--key", str(tmp_path / "other")).code == 1


def test_the_export_can_be_compared_with_a_signed_head(shop, tmp_path):
    path = tmp_path / "events.jsonl"
    assert shop("audit", "--export", str(path)).code == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["previous"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]
    payload = Envelope.from_dict(json.loads(shop("audit", "--head").out)).payload
    signed = json.loads(payload)
    assert rows[signed["sequence"] - 1]["hash"] == signed["hash"]


def test_what_a_release_is_made_of(shop):
    (place,) = shop.house.queries.releases("production")
    said = shop("releases", "--sbom", place.active)
    assert said.code == 0, said.err
    plain = json.loads(said.out)
    assert (plain["specVersion"], plain["metadata"]["component"]["version"]) == ("1.6", place.active)
    assert [each["purl"] for each in plain["components"]] == ["pkg:npm/a@1.2.3"]
    assert shop("releases", "--sbom", "r-nothing").code == 2
    kept = shop("logs", "T-1", "--artefact", "sbom.cdx.json", "--json")
    assert json.loads(json.loads(kept.out)["text"]) == plain


def test_a_release_without_a_lock_file_is_not_said_to_be_empty(make_world):
    from keelway.app.queries import Queries

    world = make_world()
    active = world.baseline()
    with pytest.raises(RequestRefused) as refused:
        Queries.of(world.app, world.engine).sbom(active)
    assert refused.value.code == "no_lockfile"
    with pytest.raises(YourFault):
        Queries.of(world.app, world.engine).attestations("T-9")


def test_before_anything_was_judged_nothing_is_attested(make_world):
    from keelway.app.queries import Queries

    world = make_world()
    row = world.submit()
    with pytest.raises(RequestRefused) as refused:
        Queries.of(world.app, world.engine).attestations(row.task.name)
    assert refused.value.code == "nothing_judged"
