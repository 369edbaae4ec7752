"""What is broken outside gives one clear error that names the next command, and alters nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.rig import environment, keelway
from tests.cli.shop import Shop

pytestmark = pytest.mark.long


@pytest.fixture
def shop(tmp_path):
    return Shop.build(tmp_path)


def insist(said, code, exit_code, *needles):
    """One error of three lines, nothing on standard output."""
    assert said.code == exit_code, said
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert [line.split(":")[0] for line in lines] == ["Error", "Next", "Code"], said.err
    assert lines[2] == f"Code:  {code} (exit {exit_code})"
    assert lines[1].removeprefix("Next:").strip()
    for needle in needles:
        assert needle in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("verb", [["up"], ["up", "--detach"], ["ask", "Add two"], ["status"]])
@pytest.mark.parametrize(
    ("text", "needle"),
    [("[project\n", "TOML"), ('[project]\nnam = "x"\n', "did you mean name"), ("", "project")],
    ids=["no toml", "unknown key", "empty"],
)
def test_a_broken_configuration(shop, verb, text, needle):
    (shop.root / "keelway.toml").write_text(text)
    before = shop.traces()
    said = shop(*verb)
    if verb == ["status"]:
        insist(said, "nothing_yet", 2, "keelway up")
    else:
        insist(said, "config_invalid", 2, needle, "keelway doctor")
    assert shop.traces() == before


@pytest.mark.parametrize("words", [["up"], ["up", "--detach"]])
def test_a_missing_command(shop, words):
    shop.change('"web.py"]', '"web.py"]\n[[process]]\nname = "worker"\nrun = ["no-such-worker"]')
    before = shop.traces()
    insist(shop(*words), "command_missing", 2, "no-such-worker (process worker)", "keelway.toml")
    assert shop.traces() == before


@pytest.mark.parametrize("words", [["up"], ["up", "--detach"]])
def test_a_dead_port(shop, words):
    code = f"import socket; s = socket.create_server(('127.0.0.1', {shop.production})); print(flush=True); s.accept()"
    stranger = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        stranger.stdout.readline()
        before = shop.traces()
        insist(shop(*words), "port_taken", 2, f"Port {shop.production}", f"pid {stranger.pid}", "kill")
        assert shop.traces() == before
    finally:
        stranger.kill()
        stranger.communicate()


def test_a_home_that_cannot_be_written(shop):
    said = keelway(shop.root, Path("/dev/null/home"), "up")
    insist(said, "home_unusable", 2, "KEELWAY_HOME")


def test_a_full_disk(shop, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        insist(keelway(shop.root, disk / "home", "up"), "disk_full", 2, "free space")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_up_while_the_book_is_made(shop):
    limit = "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
    serve = f"sys.argv = ['keelway-web', '--config', {str(shop.root / 'keelway.toml')!r}]; "
    run = "runpy.run_module('keelway.web', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", limit + serve + run],
        # Python leaves half a bytecode file behind where a file may not grow, and everybody who comes later trips over it.
        env={**environment(shop.home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Code:  store_unavailable (exit 1)" in done.stderr
    assert "keelway doctor" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_repository_and_no_branch(shop):
    shop.git("branch", "-m", "trunk")
    insist(shop("up"), "no_repository", 2, "main")
    (shop.root / ".git").rename(shop.root / "gone")
    insist(shop("up"), "no_repository", 2, "init -b main")


def test_init_refuses_to_write_over(shop):
    before = (shop.root / "keelway.toml").read_text()
    insist(shop("init", "--yes"), "config_there", 2)
    assert (shop.root / "keelway.toml").read_text() == before


def test_init_without_a_web_command_writes_nothing(tmp_path):
    (tmp_path / ".git").mkdir()
    said = keelway(tmp_path, tmp_path / "home", "init", "--yes")
    insist(said, "no_web_command", 2, "--web")
    assert not (tmp_path / "keelway.toml").exists()


def test_init_shows_writes_and_leads_on(shop):
    (shop.root / "keelway.toml").unlink()
    words = ("init", "--yes", "--name", "corner-shop", "--web", "python3 web.py", "--port", "18600")
    shown = shop(*words, "--dry-run")
    assert (shown.code, not (shop.root / "keelway.toml").exists()) == (0, True)
    assert 'name = "corner-shop"' in shown.out
    said = shop(*words)
    assert (said.code, "Next: read it, commit it, then keelway doctor." in said.out) == (0, True)
    assert "git pull" in said.out
    assert (shop.root / "keelway.toml").read_text() == shown.out


def test_a_dirty_base_branch(make_terminal):
    terminal = make_terminal()
    terminal.house.world.forge.origin_dirty = lambda: ("web.py",)
    said = terminal("ask", "Add the number two")
    insist(said, "base_dirty", 2, "web.py", "commit")
    assert terminal.house.queries.tasks() == ()
