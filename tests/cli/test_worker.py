"""A worker that could do nothing, or harm, is refused in words before it takes anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from filelock import FileLock
from tests.cli.rig import Said
from tests.walks.tiny import config, make_repository

from keelway.app.bootstrap import App, build
from keelway.app.config import load_config
from keelway.app.home import Home
from keelway.core.errors import YourFault
from keelway.engine.crew import this_worker
from keelway.store.roster import open_roster

pytestmark = pytest.mark.long


@dataclass
class Bay:
    """Hold a project whose control plane has worked on a PostgreSQL store, and type for a worker beside it."""

    repository: Path
    url: str
    hub: App
    type_here: Callable[..., Said]
    home: Path

    def __call__(self, *words: str, home: Path | None = None) -> Said:
        return self.type_here("-C", str(self.repository), "worker", *words, home=home or self.home)

    def refused(self, *words: str, home: Path | None = None) -> dict[str, str]:
        said = self(*words, "--json", home=home)
        assert said.code in {1, 2}, said.out + said.err
        return json.loads(said.out)["error"]


@pytest.fixture
def bay(
    tmp_path: Path, postgres_url: str, type_here: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bay]:
    repository = make_repository(tmp_path)
    (repository / "keelway.toml").write_text(config([1, 2]))
    monkeypatch.setenv("KEELWAY_STORE_URL", postgres_url)
    hub = build(load_config(repository / "keelway.toml"), Home(tmp_path / "hub", postgres_url))
    hub.doors.forge.head("develop")
    yield Bay(repository, postgres_url, hub, type_here, tmp_path / "w")
    hub.close()


def test_beside_an_sqlite_file_there_is_one_process(type_here: Callable[..., Said], tmp_path: Path) -> None:
    said = type_here("worker", "--role", "dev", home=tmp_path / "w")
    assert said.code == 2
    assert "One machine: keelway up; many: PostgreSQL" in said.err
    assert "KEELWAY_STORE_URL=postgresql+psycopg://" in said.err


@pytest.mark.parametrize(("words", "code"), [((), "no_role"), (("--role", "chef"), "unknown_role")])
def test_roles_are_named(
    words: tuple[str, ...], code: str, type_here: Callable[..., Said], tmp_path: Path
) -> None:
    said = type_here("worker", *words, "--json", home=tmp_path / "w")
    error = json.loads(said.out)["error"]
    assert (said.code, error["code"]) == (2, code)
    assert "--role plan, --role dev, --role review, --role ops, --role all" in error["hint"]


def test_what_is_bound_to_the_control_plane_is_not_taken_elsewhere(bay: Bay) -> None:
    error = bay.refused("--role", "ops", "--role", "review")
    assert error["code"] == "role_pinned"
    assert "bound to the host of the control plane" in error["message"]


def test_a_home_belongs_to_one_process(bay: Bay) -> None:
    assert bay.refused("--role", "dev", home=bay.hub.home.root)["code"] == "home_of_hub"
    bay.home.mkdir(exist_ok=True)
    with FileLock(bay.home / "engine.lock"):
        assert bay.refused("--role", "dev")["code"] == "already_running"


def test_another_policy_would_judge_otherwise(bay: Bay) -> None:
    path = bay.repository / "keelway.toml"
    path.write_text(path.read_text() + "\n[policy.development]\ndiff_coverage_min = 0.1\n")
    assert bay.refused("--role", "dev")["code"] == "policy_differs"


def test_another_schema_number_would_tell_other_stories(bay: Bay) -> None:
    roster = open_roster(bay.url)
    roster.join(replace(this_worker(("dev",)), schema="0"), 60.0)
    try:
        assert bay.refused("--role", "dev")["code"] == "schema_mixed"
    finally:
        roster.close()


def test_a_hub_on_another_host_needs_an_address(bay: Bay) -> None:
    hub = json.loads(bay.hub.ledger.state("hub"))
    bay.hub.ledger.set_state("hub", json.dumps(hub | {"host": "elsewhere", "home": "/srv/hub"}))
    error = bay.refused("--role", "dev")
    assert error["code"] == "no_hub_address"
    assert f'hub = "ssh://elsewhere{hub["repository"]}"' in error["hint"]
    path = bay.repository / "keelway.toml"
    path.write_text(path.read_text() + f'\n[worker]\nhub = "{bay.home}/nothing.git"\n')
    assert bay.refused("--role", "dev")["code"] == "hub_unreachable"


def test_a_store_without_a_control_plane_has_nothing_to_join(bay: Bay, postgres_url: str) -> None:
    bay.hub.ledger.set_state("hub", "")
    assert bay.refused("--role", "dev")["code"] == "no_hub_yet"


def test_two_homes_never_both_merge_and_deploy(bay: Bay) -> None:
    settings = load_config(bay.repository / "keelway.toml")
    again = build(settings, bay.hub.home)
    assert again.seat is not None
    assert bay.hub.seat is not None
    assert again.seat.hub.id == bay.hub.seat.hub.id
    again.close()
    with pytest.raises(YourFault) as caught:
        build(settings, Home(bay.home, bay.url))
    assert caught.value.code == "hub_elsewhere"
    assert str(bay.hub.home.root) in caught.value.message
