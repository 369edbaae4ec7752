"""The control plane as a process: it brings releases up, ends without cutting them off, and comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from tests.cli.rig import environment
from tests.cli.shop import Shop

from keelway.clients.control import ControlSocket
from keelway.clients.places import Places

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings(
        # A server that ends between our knock and the question makes the HTTP library leak its socket.
        "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
    ),
]


@pytest.fixture
def shop(tmp_path):
    made = Shop.build(tmp_path)
    yield made
    made("down", "--yes")


def serves(port):
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def front_pid(shop):
    """Return the process that listens for production, 0 when there is none."""
    said = ControlSocket(Places(shop.home).front_socket("production")).answers("/state")
    return int(said["pid"]) if said else 0


def scrape(shop, token):
    """Return what a scraper sees that shows a token, or the status of the refusal."""
    url = json.loads((shop.home / "server.json").read_text())["url"]
    asked = Request(f"{url}/metrics", headers={"authorization": f"Bearer {token}"})
    try:
        with urlopen(asked, timeout=20) as answer:
            return answer.read().decode()
    except HTTPError as error:
        return str(error.code)


def wait_for(reached, seconds=60):
    deadline = time.monotonic() + seconds
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert reached()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_control_plane_from_its_first_start_to_its_end(shop):
    up = shop("up", "--detach", "--json")
    assert up.code == 0, up.err
    assert "production runs r-" in up.err
    pid = json.loads(up.out)["pid"]
    assert (shop.home / "server.json").stat().st_mode & 0o777 == 0o600
    assert serves(shop.production)
    assert serves(shop.staging)
    status = json.loads(shop("status", "--json").out)
    assert [place["healthy"] for place in status["environments"]] == [True, True]

    front = front_pid(shop)
    os.kill(front, signal.SIGKILL)
    wait_for(lambda: front_pid(shop) not in {0, front} and serves(shop.production))
    said = json.loads(shop("audit", "--json").out)
    assert "front of production had died and was started again" in json.dumps(said)

    second = shop("up")
    assert (second.code, f"pid {pid}" in second.err, "already_running" in second.err) == (2, True, True)

    (shop.root / "web.py").write_text((shop.root / "web.py").read_text() + "\n# more\n")
    dirty = shop("ask", "Add the number two")
    assert (dirty.code, "base_dirty" in dirty.err, "web.py" in dirty.err) == (2, True, True)
    shop.commit()
    deployed = shop("deploy", "staging")
    assert (deployed.code, "staging runs r-" in deployed.out) == (0, True)

    seen = scrape(shop, (shop.home / "metrics.token").read_text())
    assert 'keelway_stage_runs_total{outcome="passed",stage="deploy"} ' in seen
    assert "keelway_database_up 1.0" in seen
    assert scrape(shop, "x" * 43) == "401"
    log = (shop.home / "keelway.log").read_text()
    assert "stage deploy passed" in log
    assert json.loads((shop.home / "server.json").read_text())["token"] not in log

    down = shop("down", "--server-only")
    assert (down.code, f"pid {pid}" in down.out) == (0, True)
    assert serves(shop.production)
    assert not (shop.home / "server.json").exists()
    last = shop("down", "--yes")
    assert (last.code, "No control plane was running" in last.out) == (0, True)
    assert not serves(shop.production)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)])
def test_a_signal_ends_the_control_plane_and_nothing_else(shop, number):
    foreground = subprocess.Popen(
        [sys.executable, "-m", "keelway.cli.main", "up"],
        cwd=shop.root,
        env=environment(shop.home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: (shop.home / "server.json").exists() or foreground.poll() is not None)
        server = json.loads((shop.home / "server.json").read_text())
        assert server["pid"] == foreground.pid
        foreground.send_signal(number)
        out, err = foreground.communicate(timeout=30)
    finally:
        foreground.kill()
    assert (foreground.returncode, out) == (0, "")
    assert "Fronts and releases keep running" in err
    assert "Traceback" not in err
    assert serves(shop.production)
    assert not (shop.home / "server.json").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_after_kill_9_the_next_start_takes_over(shop):
    up = shop("up", "--detach", "--json")
    pid = json.loads(up.out)["pid"]
    subprocess.run(["kill", "-9", str(pid)], check=True)
    assert "does not run" in shop("status").out
    assert serves(shop.production)
    again = shop("up", "--detach", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["pid"] != pid
    assert serves(shop.production)
