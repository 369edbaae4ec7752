"""The document is valid CycloneDX 1.6, by the validator of CycloneDX itself."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from keelway.core.sbom.cyclonedx import document
from keelway.core.sbom.lock import Component, Locked

NOW = datetime(2026, 2, 16, 14, 30, tzinfo=UTC)
SHA = "a" * 40
FOUND = Locked(
    (
        Component("pkg:npm/%40scope/a@1.2.3", "@scope/a", "1.2.3", (("SHA-512", "00" * 64),)),
        Component("pkg:pypi/jinja-2@3.1", "Jinja_2", "3.1"),
    ),
    ("package-lock.json", "uv.lock"),
    (),
)


@pytest.mark.parametrize(
    "found", [FOUND, Locked((), (), ()), Locked(FOUND.components, ("uv.lock",), ("go.sum",))]
)
def test_it_is_valid(found):
    plain = document("harbour", "r-aaaaaaaaaaaa", SHA, NOW, found, "0.1.0")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(plain)) is None


def test_the_validator_would_say_no():
    plain = document("harbour", "r-aaaaaaaaaaaa", SHA, NOW, FOUND, "0.1.0")
    wrong = json.dumps({**plain, "components": [{"type": "nonsense", "name": "x"}]})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(wrong) is not None


def test_the_same_release_has_the_same_document():
    one, two = (document("harbour", "r", SHA, NOW, FOUND, "0.1.0") for _ in range(2))
    other = document("harbour", "r", "b" * 40, NOW, FOUND, "0.1.0")
    assert one == two
    assert one["serialNumber"] != other["serialNumber"]
    assert re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one["serialNumber"]
    )


def test_what_could_not_be_read_makes_the_list_incomplete():
    def aggregate(found):
        return document("harbour", "r", SHA, NOW, found, "0")["compositions"][0]["aggregate"]

    assert aggregate(FOUND) == "complete"
    assert aggregate(Locked(FOUND.components, ("uv.lock",), ("go.sum",))) == "incomplete"
    assert aggregate(Locked((), (), ())) == "incomplete"
