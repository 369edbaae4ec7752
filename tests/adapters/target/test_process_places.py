"""Names lead nowhere else, and the folder of sockets is ours alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from keelway.clients.control import free_port
from keelway.clients.places import Places
from keelway.core.errors import KeelwayError, OurFault, TheirFault


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc", "-x", "a\n", "a" * 65, "ä"])
def test_a_name_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    places = Places(tmp_path)
    for act in (places.data, places.releases, places.front, lambda bad: places.release("production", bad)):
        with pytest.raises(OurFault) as caught:
            act(name)
        assert caught.value.code == "name_not_plain"


def test_placeholders_are_filled_and_other_braces_stay(tmp_path: Path) -> None:
    places = Places(tmp_path)
    said = places.fill('{data}/x {environment} {release} {"a": {port}}', "staging", release="r-1")
    assert said == f'{tmp_path}/data/staging/x staging r-1 {{"a": {{port}}}}'


def test_sockets_of_a_long_home_lie_in_one_private_place(tmp_path: Path) -> None:
    home = tmp_path / ("h" * 100)
    home.mkdir()
    places = Places(home)
    folder = places.supervisor().parent
    try:
        assert places.front_socket("production").is_relative_to(folder)
        assert (home / "sockets.path").read_text() == f"{folder}\n"
        folder.chmod(0o755)
        with pytest.raises(TheirFault) as caught:
            places.front_socket("production")
        assert caught.value.code == "sockets_not_private"
        shutil.rmtree(folder)
        folder.symlink_to(tmp_path)
        with pytest.raises(KeelwayError):
            places.front_socket("production")
        folder.unlink()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_short_home_keeps_its_sockets() -> None:
    assert Places(Path("/srv/k")).front_socket("production") == Path("/srv/k/front/production/control.sock")


def test_taken_ports_are_not_given() -> None:
    ports = {free_port(frozenset()) for _ in range(20)}
    assert all(20_000 <= port < 32_000 for port in ports)
    with pytest.raises(TheirFault):
        free_port(frozenset(range(65_536)))
