"""Every wire is looked at, broken ones name their cure, and looking alters nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keelway.app.desk import Place
from keelway.app.doctor import machine
from keelway.app.doctor.examine import examine, preflight
from keelway.app.doctor.ports import is_our_front, listener_on
from keelway.app.home import Home
from keelway.clients.control import free_port
from keelway.core.errors import YourFault

pytestmark = pytest.mark.long

TOML = """
[project]
name = "shop"
[[check]]
name = "tests"
kind = "tests"
run = ["{python}", "{{junit}}"]
[[process]]
name = "web"
run = ["{python}", "web.py"]
[staging]
port = {staging}
[production]
port = {production}
[agent]
use = "acp"
argv = ["no-such-agent-here"]
"""


def git(place: Path, *words: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@t")
    subprocess.run(["git", *identity, *words], cwd=place, check=True, capture_output=True)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A sound project whose home does not exist yet."""
    monkeypatch.setenv("KEELWAY_HOME", str(tmp_path / "home"))
    root = tmp_path / "shop"
    root.mkdir()
    staging = free_port(frozenset())
    text = TOML.format(python=sys.executable, staging=staging, production=free_port(frozenset({staging})))
    (root / "keelway.toml").write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return Place(root / "keelway.toml")


def found(place, **settings):
    return {check.name: check for check in examine(Place(place.path), **settings)}


def test_a_sound_project_has_no_broken_wire_and_stays_untouched(place):
    before = sorted(path for path in place.path.parent.rglob("*") if ".git/" not in path.as_posix())
    checks = found(place, probe_agent=False)
    assert [check.name for check in checks.values() if check.state == "fail"] == []
    assert checks["sandbox"].state in {"ok", "warn"}  # as strong as the sandbox of this machine is
    assert checks["sandbox"].sentence.startswith("Agents ")
    assert not place.home.root.exists()
    assert sorted(path for path in place.path.parent.rglob("*") if ".git/" not in path.as_posix()) == before
    preflight(place.config, place.home)


def test_an_agent_that_is_not_there(place):
    checks = found(place)
    assert (checks["agent"].state, checks["agent"].next) == ("fail", "install no-such-agent-here")


def test_a_broken_file_ends_the_look_early(place):
    place.path.write_text("[project\n")
    checks = found(place)
    assert list(checks) == ["git", "sqlite", "config"]
    assert (checks["config"].state, "keelway doctor" in checks["config"].next) == ("fail", True)


def test_uncommitted_work(place):
    place.path.write_text(place.path.read_text() + "\n# more\n")
    check = found(place, probe_agent=False)["base"]
    assert (check.state, "keelway.toml" in check.sentence, "commit" in check.next) == ("fail", True, True)


def test_a_missing_branch_and_a_missing_repository(place):
    git(place.path.parent, "branch", "-m", "trunk")
    check = found(place, probe_agent=False)["repository"]
    assert (check.state, "no branch main" in check.sentence) == ("fail", True)
    (place.path.parent / ".git").rename(place.path.parent / "gone")
    assert "init -b main" in found(place, probe_agent=False)["repository"].next


def test_missing_commands(place):
    text = place.path.read_text().replace(f'run = ["{sys.executable}", "web.py"]', 'run = ["nowhere", "x"]')
    place.path.write_text(text)
    check = found(place, probe_agent=False)["commands"]
    assert (check.state, "nowhere (process web)" in check.sentence) == ("fail", True)
    place.path.write_text(
        text.replace('name = "shop"', 'name = "shop"\nsetup = ["true"]\npath = [".venv/bin"]')
    )
    assert found(place, probe_agent=False)["commands"].state == "warn"


def test_a_stranger_on_a_port(place):
    port = place.config.project.environments[0].port
    stranger = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import socket; s = socket.create_server(('127.0.0.1', {port})); print(flush=True); s.accept()",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        stranger.stdout.readline()
        check = found(place, probe_agent=False)["port of staging"]
        assert check.state == "fail"
        assert f"pid {stranger.pid}" in check.sentence
        assert f"kill {stranger.pid}" in check.next
        with pytest.raises(YourFault) as refused:
            preflight(place.config, place.home)
        assert refused.value.code == "port_taken"
        assert not is_our_front(listener_on(port), place.home, "staging")
    finally:
        stranger.kill()
        stranger.communicate()


def test_secrets(place):
    place.path.write_text(place.path.read_text() + '[production.secrets]\nDB = "DB_URL"\n')
    assert found(place, probe_agent=False)["secrets"].state == "fail"
    place.home.prepare()
    file = place.home.root / "secrets.env"
    file.write_text("OTHER=1\n")
    file.chmod(0o644)
    assert "chmod 600" in found(place, probe_agent=False)["secrets"].next
    file.chmod(0o600)
    assert "DB_URL" in found(place, probe_agent=False)["secrets"].sentence
    file.write_text("DB_URL=1\n")
    assert found(place, probe_agent=False)["secrets"].state == "ok"


def test_the_book_the_chain_and_the_freeze(place, make_house):
    house = make_house()
    house.world.baseline()
    house.world.commands.freeze(house.desk.owner, "storm")
    home = Home(house.world.home)
    from keelway.app.doctor import installation

    assert [check.state for check in installation.check_store(home)] == ["ok", "ok"]
    assert installation.check_freeze(home).state == "warn"
    (home.root / "audit.head").unlink()
    assert installation.check_store(home)[1].next == "keelway audit --verify"
    place.home.prepare()
    (place.home.root / "keelway.sqlite").write_bytes(b"no database at all" * 99)
    assert found(place, probe_agent=False)["store"].state == "fail"


def test_an_open_home_and_a_full_disk(tmp_path, monkeypatch):
    home = Home(tmp_path / "home")
    home.prepare()
    home.root.chmod(0o755)
    states = {check.name: check.state for check in machine.check_home(home)}
    assert states["home"] == "warn"
    monkeypatch.setattr(machine, "FREE_BYTES_MIN", 1 << 60)
    assert {check.name: check.state for check in machine.check_home(home)}["space"] == "fail"
    assert machine.check_home(Home(Path("/dev/null/home")))[0].state == "fail"


def test_a_network_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(
        machine, "_REMOTE", frozenset({"", *(p.fstype for p in machine.psutil.disk_partitions(all=True))})
    )
    assert {check.name: check.state for check in machine.check_home(Home(tmp_path))}["disk"] == "fail"


def test_each_scanner_is_looked_for_and_one_that_is_absent_says_how_to_install_it(place, tmp_path):
    scan = '[policy.scan]\ntools = ["known_secrets", "bandit", "semgrep", "gitleaks"]\n'
    place.path.write_text(place.path.read_text() + scan)
    checks = found(place, probe_agent=False)
    assert checks["scanner known_secrets"].state == "ok"
    assert checks["scanner bandit"].sentence.startswith("Version 1.")
    assert "known_secrets" in checks["scanner gitleaks"].next
    if shutil.which("semgrep") is None:
        assert (checks["scanner semgrep"].state, checks["scanner semgrep"].next) == (
            "fail",
            "pipx install semgrep",
        )
    place.path.write_text(place.path.read_text() + f'rules = "{place.path.parent}/rules"\n')
    assert "lies in the repository" in found(place, probe_agent=False)["scanners"].sentence
