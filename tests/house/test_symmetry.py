"""One noun, the same name on every floor: port, adapter room, fake, conformance."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelway.app.registry import load, names

SOURCE = Path(__file__).parents[2] / "src" / "keelway"
ROOMED = {
    "agent",
    "sandbox",
    "forge",
    "ci",
    "target",
    "traffic",
    "backup",
    "probe",
    "signal",
    "channel",
    "vault",
    "index",
    "scanner",
    "hook",
}
OWN_ROOMS = {"engine": "engine", "ledger": "store", "lessons": "store", "pulls": "store", "roster": "store"}
"""Ports that a whole room fills instead of a folder of adapters."""


def stems(folder: str) -> set[str]:
    return {path.stem for path in (SOURCE / folder).glob("*.py") if path.stem != "__init__"}


def test_every_port_has_a_room() -> None:
    assert stems("ports") == ROOMED | OWN_ROOMS.keys()


@pytest.mark.parametrize("port", sorted(ROOMED))
def test_a_port_has_adapters_a_fake_and_conformance(port: str) -> None:
    assert (SOURCE / "adapters" / port).is_dir()
    assert names(port)
    assert port in stems("testing/fakes")
    assert port in stems("testing/conformance")


@pytest.mark.parametrize(("port", "name"), [(port, name) for port in sorted(ROOMED) for name in names(port)])
def test_the_file_name_is_the_name_in_the_configuration(port: str, name: str) -> None:
    assert isinstance(load(port, name), type)


def test_stages_and_gates_carry_the_same_names() -> None:
    assert stems("stages") == {
        "intake",
        "planning",
        "development",
        "review",
        "staging",
        "promotion",
        "report",
    }
    assert stems("core/gate") >= {"intake", "plan", "quality", "merge", "staging", "production", "watch"}
